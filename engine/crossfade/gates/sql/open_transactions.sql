-- Every open transaction of another session, the longest first. A session whose activity we may not see has no time.
SELECT a.pid, coalesce(a.application_name, '') AS name, a.usename::pg_catalog.text AS role,
    a.datname::pg_catalog.text AS database, a.xact_start AS since
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid()
    AND a.backend_type = 'client backend'
    AND (a.xact_start IS NOT NULL OR a.state IS NULL)
UNION ALL
SELECT NULL, p.gid, p.owner::pg_catalog.text, p.database::pg_catalog.text, p.prepared
FROM pg_catalog.pg_prepared_xacts p
ORDER BY since NULLS LAST
