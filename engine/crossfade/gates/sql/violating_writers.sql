-- Who wrote what a coming constraint would refuse since the run began, over the latest notes only, with a few of the rows.
WITH latest AS MATERIALIZED (
    SELECT w.relation, w.column_name, w.application_name, w.role_name, host(w.address) AS address, w.example, w.at
    FROM crossfade.legacy_writes w
    WHERE w.plan = %(plan)s AND w.kind = 'violation' AND w.at >= %(since)s
    ORDER BY w.at DESC
    LIMIT 1000
)
SELECT l.relation, l.column_name AS constraint_name, l.application_name, l.role_name, l.address, count(*) AS noted,
       max(l.at) AS last_at,
       coalesce((array_agg(DISTINCT l.example::text) FILTER (WHERE l.example IS NOT NULL))[1:5], '{}') AS examples
FROM latest l
GROUP BY l.relation, l.column_name, l.application_name, l.role_name, l.address
ORDER BY max(l.at) DESC
