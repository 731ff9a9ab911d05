-- Since when a gate passes, and that it was seen to just now.
INSERT INTO crossfade.passing (run_id, phase, gate, since, seen_at, watch)
VALUES (%(run_id)s, %(phase)s, %(gate)s, %(since)s, %(seen_at)s, %(watch)s)
ON CONFLICT (run_id, phase, gate)
DO UPDATE SET since = excluded.since, seen_at = excluded.seen_at, watch = excluded.watch
