-- Since when each of these names is there.
SELECT s.name, s.since
FROM crossfade.shown s
WHERE s.run_id = %(run_id)s AND s.phase = %(phase)s AND s.gate = %(gate)s
    AND s.name = ANY (%(names)s::pg_catalog.text[])
