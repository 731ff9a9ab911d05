-- Every open transaction of another session in some database, the longest first. A session that we may not look into
-- has no time: that of a role that we are no member of (of which not even the kind of process is told), and one that
-- tells nothing of itself (track_activities). Left out are autovacuum, which has no user, and parallel workers, which
-- are part of another session's transaction.
SELECT a.pid, coalesce(a.application_name, '') AS name, a.usename::pg_catalog.text AS role,
    a.datname::pg_catalog.text AS database, a.xact_start AS since
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid()
    AND a.datid IS NOT NULL
    AND a.usesysid IS NOT NULL
    AND a.backend_type IS DISTINCT FROM 'parallel worker'
    AND (a.xact_start IS NOT NULL OR a.backend_type IS NULL OR a.state = 'disabled')
UNION ALL
SELECT NULL, p.gid, p.owner::pg_catalog.text, p.database::pg_catalog.text, p.prepared
FROM pg_catalog.pg_prepared_xacts p
ORDER BY since NULLS LAST
