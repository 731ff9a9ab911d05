-- Transactions that have noted a write of this kind for this plan and are still open: nobody sees their note yet. The
-- advisory lock that the note takes says so, and it is there until the end of the transaction, prepared ones included.
SELECT DISTINCT l.pid, a.application_name, a.usename::text AS role_name
FROM pg_locks l
JOIN pg_database d ON d.oid = l.database
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE d.datname = current_database()
  AND l.locktype = 'advisory'
  AND l.objsubid = 2
  AND l.classid = crossfade.note_lock_class()::oid
  AND l.objid = (crossfade.note_lock(%(plan)s, %(kind)s)::bigint & 4294967295)::oid
  AND l.granted
  AND l.pid IS DISTINCT FROM pg_backend_pid()
ORDER BY l.pid
