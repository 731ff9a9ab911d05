-- Sessions and prepared transactions that hold one of these locks.
SELECT coalesce(a.pid, 0) AS pid,
       CASE WHEN l.pid IS NULL THEN 'prepared transaction ' || quote_literal(x.gid)
            ELSE coalesce(a.application_name, '') END AS application_name,
       coalesce(a.usename, x.owner, '') AS "user",
       CASE WHEN l.pid IS NULL THEN 'prepared'
            WHEN a.backend_type = 'autovacuum worker' THEN 'autovacuum'
            ELSE coalesce(a.state, 'unknown') END AS state,
       coalesce(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, x.prepared)), 0)::float8
           AS transaction_seconds,
       l.relation::regclass::text AS relation,
       l.mode
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)
-- A prepared transaction has no session, but a lock on its own number beside the others.
LEFT JOIN pg_catalog.pg_locks own
     ON l.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid' AND own.granted
     AND own.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = own.transactionid
JOIN unnest(%(relations)s::text[], %(modes)s::text[]) AS wanted (relation, mode)
     ON l.relation = to_regclass(wanted.relation) AND l.mode = wanted.mode
WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
  AND (a.pid IS NOT NULL OR x.gid IS NOT NULL)
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
ORDER BY coalesce(a.xact_start, x.prepared) NULLS LAST, a.pid
