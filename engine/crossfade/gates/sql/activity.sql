-- The sessions in this database. A role without pg_read_all_stats sees every application_name, but of other
-- roles' sessions neither the kind nor the address: a NULL there must not hide a session.
SELECT a.application_name, a.pid, host(a.client_addr) AS host, a.usename::text AS role_name
FROM pg_stat_activity a
JOIN pg_database d ON d.oid = a.datid
WHERE d.datname = current_database()
  AND a.pid <> pg_backend_pid()
  AND coalesce(a.backend_type, 'client backend') = 'client backend'
ORDER BY a.pid
