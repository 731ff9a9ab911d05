-- What a look has found, for the next one.
INSERT INTO crossfade.counters (run_id, gate, counter, seen, moved_at)
SELECT %(run_id)s, %(gate)s, c.counter, c.seen, c.moved_at
FROM ROWS FROM (
    pg_catalog.unnest(%(counters)s::pg_catalog.text[]),
    pg_catalog.unnest(%(seen)s::pg_catalog.jsonb[]),
    pg_catalog.unnest(%(moved_at)s::pg_catalog.timestamptz[])
) AS c (counter, seen, moved_at)
ON CONFLICT (run_id, gate, counter) DO UPDATE SET seen = excluded.seen, moved_at = excluded.moved_at
