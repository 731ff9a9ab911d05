-- What the settings of pg_stat_statements leave uncounted. Where one of them is ours alone (`source`), nobody knows what
-- the others have.
SELECT pg_catalog.current_setting('pg_stat_statements.track', true) AS track,
    pg_catalog.current_setting('pg_stat_statements.track_utility', true) AS track_utility,
    pg_catalog.current_setting('compute_query_id') AS compute_query_id,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_settings s
        WHERE s.name IN ('pg_stat_statements.track', 'compute_query_id')
          AND s.source IN ('user', 'database user', 'client', 'session')
    ) AS is_our_own,
    ARRAY(
        SELECT coalesce(r.rolname::pg_catalog.text, 'every role')
        FROM pg_catalog.pg_db_role_setting s
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
        WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
          AND EXISTS (
              SELECT
              FROM pg_catalog.unnest(s.setconfig) AS c (setting)
              WHERE pg_catalog.lower(c.setting) IN ('pg_stat_statements.track=none', 'compute_query_id=off')
          )
        ORDER BY 1
    ) AS uncounted_roles
