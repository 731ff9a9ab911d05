-- What is there, since the first look that found it.
INSERT INTO crossfade.shown (run_id, phase, gate, name)
SELECT %(run_id)s, %(phase)s, %(gate)s, n.name
FROM pg_catalog.unnest(%(names)s::pg_catalog.text[]) AS n (name)
ON CONFLICT ON CONSTRAINT shown_pkey DO NOTHING
