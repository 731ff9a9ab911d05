-- The run itself, and what share of the last hour of its work was throttled: of the hour that ended with the last batch, or of as much of it as the
-- present runner has seen. `changes_ahead` are changes whose rows nobody has looked at yet.
WITH span AS (
    SELECT r.id, ends.at AS until, greatest(
        ends.at - interval '1 hour',
        (SELECT pg_catalog.min(f.started_at) FROM crossfade.backfills f WHERE f.run_id = r.id),
        r.held_since) AS since
    FROM crossfade.runs r
    CROSS JOIN LATERAL (
        SELECT coalesce(pg_catalog.max(last.at), pg_catalog.clock_timestamp())
        FROM crossfade.backfills f
        CROSS JOIN LATERAL (
            SELECT b.at FROM crossfade.batches b
            WHERE b.backfill_id = f.id AND b.state = 'done' ORDER BY b.id DESC LIMIT 1
        ) last
        WHERE f.run_id = r.id
    ) ends (at)
    WHERE r.id = %(run)s
),
spoken AS (
    SELECT e.kind, e.at AS since,
        coalesce(pg_catalog.lead(e.at) OVER (ORDER BY e.id), s.until) AS until
    FROM span s
    JOIN crossfade.events e ON e.run_id = s.id AND e.kind IN ('throttled', 'unthrottled') AND e.at <= s.until
),
throttled AS (
    SELECT coalesce(pg_catalog.sum(pg_catalog.date_part('epoch', greatest(
        least(t.until, s.until) - greatest(t.since, s.since), interval '0'))), 0) AS seconds
    FROM span s
    JOIN spoken t ON t.kind = 'throttled' AND t.until > s.since
)
SELECT r.name, r.plan, r.program, r.tuning, r.state, r.paused, r.holder, pg_catalog.clock_timestamp() AS now,
    coalesce(t.seconds / nullif(pg_catalog.date_part('epoch', s.until - s.since), 0), 0) AS throttled_share,
    (SELECT s.id FROM crossfade.steps s WHERE s.run_id = r.id AND s.state = 'running' LIMIT 1) AS step,
    (SELECT pg_catalog.count(*)
     FROM pg_catalog.jsonb_array_elements(coalesce(r.program -> 'rows', '[]') || coalesce(r.program -> 'data', '[]')) c
     WHERE NOT EXISTS (
         SELECT FROM crossfade.backfills f WHERE f.run_id = r.id AND f.change_id = c ->> 'id')) AS changes_ahead
FROM crossfade.runs r
JOIN span s ON s.id = r.id
CROSS JOIN throttled t
WHERE r.id = %(run)s
