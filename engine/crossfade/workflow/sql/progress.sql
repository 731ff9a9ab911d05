-- Where the rows of each relation of a run stand, in the order in which they are worked on.
WITH queued AS (
    SELECT b.backfill_id, pg_catalog.sum(b.covered) AS rows, pg_catalog.count(l.pid) AS in_hand
    FROM crossfade.batches b
    -- Who has a batch in hand has locked its row: the row names the transaction, and that one is under way.
    LEFT JOIN pg_catalog.pg_locks l
        ON l.locktype = 'transactionid' AND l.transactionid = b.xmax AND l.granted AND l.mode = 'ExclusiveLock'
    WHERE b.run_id = %(run)s AND b.state = 'ready'
    GROUP BY b.backfill_id
),
refused AS (
    SELECT r.change_id, r.relation,
        pg_catalog.count(*) FILTER (WHERE r.state = 'open') AS open,
        pg_catalog.count(*) FILTER (WHERE r.state = 'waived') AS waived
    FROM crossfade.rejected_rows r
    WHERE r.run_id = %(run)s
    GROUP BY r.change_id, r.relation
)
SELECT f.id AS task_id, pg_catalog.parse_ident(f.relation) AS names, f.relation, f.change_id, f.key_columns, f.key_types,
    f.frontier, f.upper, f.rows_estimated, f.rows_done, f.batches, f.batch_rows, f.smoothed_rows, f.smoothed_seconds,
    f.pass, f.started_at, f.finished_at, f.working_seconds, f.throttled_by,
    f.throttled_seconds + CASE WHEN f.throttled_by IS NULL THEN 0 ELSE coalesce(
        pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - f.throttled_since), 0) END AS throttled_seconds,
    f.verified_at, f.verified_share,
    CASE WHEN f.pass = 1 THEN coalesce(q.rows, 0) ELSE 0 END::bigint AS rows_ready,
    coalesce(q.in_hand, 0) AS in_hand, coalesce(x.open, 0) AS quarantined, coalesce(x.waived, 0) AS waived
FROM crossfade.backfills f
LEFT JOIN queued q ON q.backfill_id = f.id
LEFT JOIN refused x ON x.change_id = f.change_id AND x.relation = f.relation
WHERE f.run_id = %(run)s
ORDER BY pg_catalog.min(f.id) OVER (PARTITION BY f.change_id), f.relation
