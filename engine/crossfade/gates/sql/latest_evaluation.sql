-- The latest evaluation of a phase that was recorded.
SELECT e.gates, e.at
FROM crossfade.evaluations e
WHERE e.run_id = %(run_id)s AND e.phase = %(phase)s
ORDER BY e.id DESC
LIMIT 1
