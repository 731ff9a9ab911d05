-- The gate does not pass, so the time that was kept is void.
DELETE FROM crossfade.passing
WHERE run_id = %(run_id)s
  AND phase = %(phase)s
  AND gate = %(gate)s
