-- Every run that a worker may have something to do for, the oldest first, with all that decides whether it is due.
-- 1129465427 is the class of the advisory locks that are the leases; who holds one is seen without asking for it.
-- After a failure that is none of the rows', `failures` counts those since somebody moved the run or let it go on.
SELECT r.id, r.name, r.state, r.paused, r.failed ->> 'code' AS failed_code, r.plan -> 'backfill' AS backfill, r.tuning,
    pg_catalog.clock_timestamp() AS now,
    d.is_data,
    EXISTS (
        SELECT FROM pg_catalog.pg_locks l
        WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1129465427 AND l.objsubid = 2
          AND l.objid = (r.id %% 2147483648)::pg_catalog.oid
          AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
    ) AS is_held,
    EXISTS (
        SELECT FROM crossfade.firings e
        JOIN crossfade.runs x ON x.id = e.run_id
        WHERE e.schedule_id = f.schedule_id AND x.id < r.id AND x.state <> ALL (%(final)s)
    ) AS is_queued,
    EXISTS (SELECT FROM crossfade.rejected_rows j WHERE j.run_id = r.id AND j.state = 'open') AS has_open_rows,
    EXISTS (SELECT FROM crossfade.batches b WHERE b.run_id = r.id AND b.state = 'ready')
        OR EXISTS (
            SELECT FROM crossfade.backfills c
            WHERE c.run_id = r.id AND c.finished_at IS NULL AND c.frontier IS DISTINCT FROM c.upper
        ) AS has_batches,
    coalesce(failed.count, 0) AS failures, failed.at AS failed_at
FROM crossfade.runs r
CROSS JOIN LATERAL (SELECT coalesce(r.program -> 'data', '[]') <> '[]' AS is_data) d
LEFT JOIN crossfade.firings f ON f.run_id = r.id
LEFT JOIN LATERAL (
    SELECT pg_catalog.count(*) AS count, pg_catalog.max(v.at) AS at
    FROM crossfade.events v
    WHERE r.failed IS NOT NULL AND v.run_id = r.id AND v.kind = 'failed' AND v.id > coalesce((
        SELECT pg_catalog.max(m.id)
        FROM crossfade.events m
        WHERE m.run_id = r.id AND m.kind IN ('resumed', 'state_changed')), 0)
) failed ON true
WHERE r.state NOT IN ('contracted', 'rolled_back', 'cancelled')
  AND (f.run_id IS NOT NULL OR r.state = 'backfilling' OR d.is_data AND r.state NOT IN ('planned', 'expanding', 'expanded'))
ORDER BY r.id
