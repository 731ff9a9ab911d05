-- Other transactions that have read or written a table, its partitions or its children, and are still open: what they
-- did is counted after their end. VACUUM and DDL lock it in other modes.
WITH RECURSIVE members AS (
    SELECT %(oid)s::pg_catalog.oid AS oid
    UNION
    SELECT i.inhrelid
    FROM members m
    JOIN pg_catalog.pg_inherits i ON i.inhparent = m.oid
)
SELECT l.pid, a.application_name, a.usename::pg_catalog.text AS role,
    pg_catalog.bool_or(l.mode = 'RowExclusiveLock') AS writes
FROM pg_catalog.pg_locks l
JOIN members m ON m.oid = l.relation
JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation'
  AND l.mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
  AND l.granted
  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
GROUP BY l.pid, a.application_name, a.usename
ORDER BY l.pid
