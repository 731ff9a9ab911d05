-- Transactions that have noted a write in one of these tables and are still open: nobody sees their note yet. The lock
-- on the ledger's table says so, and it is there until the end of the transaction, prepared ones included.
WITH held AS MATERIALIZED (
    SELECT l.virtualtransaction, l.pid, l.relation
    FROM pg_locks l
    JOIN pg_database d ON d.oid = l.database
    WHERE d.datname = current_database()
      AND l.locktype = 'relation'
      AND l.mode = 'RowExclusiveLock'
      AND l.granted
)
SELECT DISTINCT note.pid, a.application_name, a.usename::text AS role_name
FROM held note
JOIN held written ON written.virtualtransaction = note.virtualtransaction
LEFT JOIN pg_stat_activity a ON a.pid = note.pid
WHERE note.relation = 'crossfade.legacy_writes'::regclass
  AND written.relation = ANY (%(relations)s::oid[])
  AND note.pid IS DISTINCT FROM pg_backend_pid()
ORDER BY note.pid
