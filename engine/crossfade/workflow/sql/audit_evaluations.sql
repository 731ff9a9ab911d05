-- The evaluations of a run that say something new: the first and the latest of each phase, those whose gates answered otherwise than
-- at the one before, and those on whose word a step ran. The latest of them, and how many there are of all.
SELECT id, phase, verdict, gates, step, at, all_evaluations, all_telling
FROM (
    SELECT told.*, count(*) OVER () AS all_telling
    FROM (
        SELECT e.id, e.phase, e.verdict, e.gates, e.step, e.at, count(*) OVER () AS all_evaluations,
               lag(e.verdict) OVER each_phase AS verdict_before,
               jsonb_path_query_array(e.gates, '$[*].verdict') AS answers,
               lag(jsonb_path_query_array(e.gates, '$[*].verdict')) OVER each_phase AS answers_before,
               row_number() OVER (PARTITION BY e.phase ORDER BY e.id DESC) AS place
        FROM crossfade.evaluations e
        WHERE e.run_id = %(run_id)s
        WINDOW each_phase AS (PARTITION BY e.phase ORDER BY e.id)
    ) AS told
    WHERE told.step IS NOT NULL OR told.place = 1 OR told.verdict_before IS DISTINCT FROM told.verdict
       OR told.answers_before IS DISTINCT FROM told.answers
) AS telling
ORDER BY id DESC
LIMIT %(most)s
