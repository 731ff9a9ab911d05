-- What changes when statistics are reset: this database's by hand, the server's own by a crash too. And what goes
-- uncounted.
SELECT d.stats_reset::pg_catalog.text AS database, b.stats_reset::pg_catalog.text AS server,
    pg_catalog.current_setting('track_counts') AS track_counts,
    ARRAY(
        SELECT coalesce(r.rolname::pg_catalog.text, 'every role')
        FROM pg_catalog.pg_db_role_setting s
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
        WHERE s.setdatabase IN (0, d.datid)
          AND EXISTS (
              SELECT
              FROM pg_catalog.unnest(s.setconfig) AS c (setting)
              WHERE pg_catalog.lower(c.setting) ~ '^track_counts=(of|f|n|0)'
          )
        ORDER BY 1
    ) AS uncounted_roles,
    pg_catalog.clock_timestamp() AS at
FROM pg_catalog.pg_stat_database d, pg_catalog.pg_stat_bgwriter b
WHERE d.datname = pg_catalog.current_database()
