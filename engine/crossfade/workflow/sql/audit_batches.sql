-- What was done to the rows of each table of a run, summed over its batches.
SELECT b.change_id AS change, b.relation, b.rows_done, b.rows_written, b.pass, b.started_at, b.finished_at, b.verified_at,
       b.verified_share, b.throttled_seconds, b.working_seconds, coalesce(d.batches, 0) AS batches,
       coalesce(d.wal_bytes, 0)::bigint AS wal_bytes, coalesce(d.workers, '{}') AS workers, d.slowest_ms
FROM crossfade.backfills b
LEFT JOIN LATERAL (
    SELECT count(*) AS batches, sum(x.wal_bytes) AS wal_bytes, max(x.duration_ms) AS slowest_ms,
           array_agg(DISTINCT x.worker) FILTER (WHERE x.worker IS NOT NULL) AS workers
    FROM crossfade.batches x
    WHERE x.backfill_id = b.id AND x.state = 'done'
) AS d ON true
WHERE b.run_id = %(run_id)s
ORDER BY b.id
