-- Keep an evaluation. While a gate is waited for it is asked every second: an answer that does not pass and is the same
-- as the latest is kept again only after a minute.
INSERT INTO crossfade.evaluations (run_id, phase, verdict, gates, step)
SELECT %(run_id)s, %(phase)s, %(verdict)s, %(gates)s, %(step)s::text
WHERE %(verdict)s = 'PASS'
   OR NOT EXISTS (
       SELECT
       FROM (
           SELECT e.verdict, e.gates, e.at
           FROM crossfade.evaluations e
           WHERE e.run_id = %(run_id)s AND e.phase = %(phase)s
           ORDER BY e.id DESC
           LIMIT 1
       ) AS latest
       WHERE latest.verdict = %(verdict)s
         AND latest.at > clock_timestamp() - interval '1 minute'
         AND jsonb_path_query_array(latest.gates, '$[*].verdict')
             = jsonb_path_query_array(%(gates)s::jsonb, '$[*].verdict')
   )
