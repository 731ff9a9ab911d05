-- Of each app of the roster the role that it was sighted under first, while it is sighted so within its `ttl`: who comes
-- later may only claim to be the app.
WITH earliest AS (
    SELECT DISTINCT ON (s.app) s.app, s.role_name
    FROM crossfade.sightings s
    WHERE s.app = ANY (%(apps)s::text[]) AND s.role_name IS NOT NULL
    ORDER BY s.app, s.first_seen, s.role_name
)
SELECT e.app, e.role_name
FROM earliest e
JOIN ROWS FROM (unnest(%(apps)s::text[]), unnest(%(ttls)s::interval[])) AS r (app, ttl) ON r.app = e.app
WHERE EXISTS (
    SELECT
    FROM crossfade.sightings s
    WHERE s.app = e.app AND s.role_name = e.role_name AND s.last_seen >= %(now)s - r.ttl
)
