-- Transactions of this database that keep dead rows from being removed, the oldest first; ours and vacuums left out.
SELECT 'session ' || a.pid AS holder, a.application_name AS detail, pg_catalog.clock_timestamp() - a.xact_start AS age
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database()
  AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
  AND a.xact_start IS NOT NULL
  AND a.backend_type <> 'autovacuum worker'
  AND a.pid <> pg_catalog.pg_backend_pid()
  AND a.pid <> ALL (%(own)s::pg_catalog.int4[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum p WHERE p.pid = a.pid)
UNION ALL
SELECT 'prepared transaction ' || p.gid, p.owner, pg_catalog.clock_timestamp() - p.prepared
FROM pg_catalog.pg_prepared_xacts p
WHERE p.database = pg_catalog.current_database()
ORDER BY age DESC
LIMIT 1
