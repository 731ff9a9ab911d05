-- The overrides that hold, the latest last.
SELECT o.gate, o.actor, o.reason, o.until
FROM crossfade.overrides o
WHERE o.run_id = %(run_id)s
  AND o.phase = %(phase)s
  AND o.digest = %(digest)s
  AND o.until > %(now)s
ORDER BY o.id
