-- Who waits for one of our sessions. The lock table can be read by every role, unlike the details of other sessions.
SELECT
    l.pid,
    a.application_name AS application,
    pg_catalog.clock_timestamp() - min(l.waitstart) AS waited,
    ours.pids AS blockers
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(DISTINCT b.pid) AS pids
    FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) AS b (pid)
    WHERE b.pid = ANY (%(own)s::pg_catalog.int4[])
) ours
WHERE NOT l.granted AND ours.pids IS NOT NULL AND l.pid <> ALL (%(own)s::pg_catalog.int4[])
GROUP BY l.pid, a.application_name, ours.pids
