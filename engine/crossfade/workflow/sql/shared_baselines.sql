-- How other runs that are under way have kept the relations %(relations)s.
SELECT b.run_id, b.relation::bigint AS relation, b.is_root, b.structure, b.numbers
FROM crossfade.baselines b
JOIN crossfade.runs r ON r.id = b.run_id
WHERE b.relation = ANY (%(relations)s::oid[]) AND b.run_id <> %(run)s AND r.state <> ALL (%(over)s)
ORDER BY b.run_id, b.relation
FOR UPDATE OF b
