-- The rows that a run's backfill set aside, by key and without their values; how many there are of all.
SELECT r.change_id AS change, r.relation AS "table", r.key, r.sqlstate, r.message, r.constraint_name AS "constraint", r.state, r.at,
       r.waived_by, r.waived_because, count(*) OVER () AS all_rows
FROM crossfade.rejected_rows r
WHERE r.run_id = %(run_id)s
ORDER BY r.relation, r.at, r.key
LIMIT %(most)s
