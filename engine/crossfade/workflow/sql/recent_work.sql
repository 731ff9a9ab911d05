-- The last ten minutes of a run's work, in twenty intervals (0 is the latest) of the same length, by relation. From one
-- batch to the next it is work as long as a batch and the rest after it may take, and a second; what is longer was a
-- pause, a throttle, closed hours, or nobody there, and does not count.
WITH looked AS (
    SELECT b.*
    FROM (
        SELECT f.id FROM crossfade.backfills f
        WHERE f.run_id = %(run)s AND f.batches > 0
        ORDER BY f.finished_at DESC NULLS FIRST
        LIMIT 8
    ) f
    CROSS JOIN LATERAL (
        SELECT b.id, b.backfill_id, b.worker, b.at, b.wal_bytes, b.duration_ms / 1000 AS seconds,
            CASE WHEN b.pass = 1 THEN b.covered ELSE 0 END AS rows
        FROM crossfade.batches b
        WHERE b.backfill_id = f.id AND b.state = 'done'
        ORDER BY b.id DESC
        LIMIT 4000
    ) b
),
apart AS (
    SELECT l.*,
        pg_catalog.date_part('epoch', l.at - pg_catalog.lag(l.at) OVER (ORDER BY l.at, l.id)) AS gap,
        l.seconds + 1 + greatest(
            %(nice)s::double precision * l.seconds,
            l.rows / %(rows_limit)s::double precision,
            l.wal_bytes / %(wal_limit)s::double precision) AS longest
    FROM looked l
),
worked AS (
    SELECT a.*, least(a.gap, a.longest) AS work,
        pg_catalog.sum(least(a.gap, a.longest)) OVER (ORDER BY a.at DESC, a.id DESC) AS from_end
    FROM apart a
    WHERE a.gap IS NOT NULL
),
recent AS (
    SELECT w.*, pg_catalog.max(w.from_end) OVER () / 20 AS length
    FROM worked w
    WHERE w.from_end - w.work < 600
)
SELECT CASE WHEN r.length > 0 THEN least(19, pg_catalog.floor((r.from_end - r.work) / r.length))::integer ELSE 0 END
        AS interval,
    r.backfill_id, pg_catalog.count(*) AS batches, pg_catalog.sum(r.rows)::bigint AS rows, pg_catalog.sum(r.work) AS work,
    pg_catalog.sum(r.seconds) AS seconds, pg_catalog.sum(r.wal_bytes)::bigint AS wal,
    pg_catalog.array_agg(DISTINCT r.worker) FILTER (
        WHERE r.worker IS NOT NULL AND r.at > pg_catalog.clock_timestamp() - interval '1 minute') AS workers
FROM recent r
GROUP BY 1, 2
ORDER BY 1, 2
