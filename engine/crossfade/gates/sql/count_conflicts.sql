-- Writes that set both sides to different values, counted up to a limit.
SELECT count(*)
FROM (
    SELECT
    FROM crossfade.legacy_writes w
    WHERE w.plan = %(plan)s AND w.kind = 'conflict' AND w.at >= %(since)s
    LIMIT 1000
) AS noted
