-- The targets that are still to be told something, with the run's name and what its plan has under `notify`.
SELECT DISTINCT n.target, r.name AS run, coalesce(r.plan -> 'notify', '[]')::jsonb AS notify
FROM crossfade.notifications n
JOIN crossfade.runs r ON r.id = n.run_id
WHERE n.state IN ('waiting', 'sending')
