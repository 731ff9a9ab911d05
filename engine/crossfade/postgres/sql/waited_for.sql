-- Sessions and prepared transactions that a session waits for.
SELECT a.pid,
       coalesce(a.application_name, '') AS application_name,
       coalesce(a.usename, '') AS "user",
       coalesce(a.state, 'unknown') AS state,
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8 AS transaction_seconds,
       '' AS relation,
       'a transaction that has to end first' AS mode
FROM pg_catalog.pg_stat_activity a
WHERE a.pid = ANY (pg_catalog.pg_blocking_pids(%(pid)s))
UNION ALL
SELECT 0, 'prepared transaction ' || quote_literal(x.gid), x.owner, 'prepared',
       extract(epoch FROM clock_timestamp() - x.prepared)::float8, '', 'a transaction that has to end first'
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = l.transactionid
WHERE l.pid = %(pid)s AND NOT l.granted
ORDER BY transaction_seconds DESC
