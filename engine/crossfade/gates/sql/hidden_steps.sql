-- Whether a step of the run %(run_id)s that hides the old shape is done.
SELECT EXISTS (
    SELECT
    FROM crossfade.runs r
    CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(r.program -> 'steps') AS p (step)
    JOIN crossfade.steps s ON s.run_id = r.id AND s.id = p.step ->> 'id'
    WHERE r.id = %(run_id)s AND s.state = 'done' AND p.step ->> 'part' = 'hide'
)
