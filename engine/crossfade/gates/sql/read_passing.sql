-- Since when a gate passes, unless the run came back from `retained` after that.
SELECT p.since, p.seen_at, p.watch
FROM crossfade.passing p
WHERE p.run_id = %(run_id)s
  AND p.phase = %(phase)s
  AND p.gate = %(gate)s
  AND NOT EXISTS (
      SELECT
      FROM crossfade.events e
      WHERE e.run_id = p.run_id
        AND e.kind = 'state_changed'
        AND e.data ->> 'source' = 'reverting'
        AND e.at >= p.since
  )
