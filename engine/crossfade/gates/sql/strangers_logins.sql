-- The roles that apps of the roster are sighted under, each within its `ttl`.
SELECT DISTINCT s.app, s.role_name
FROM crossfade.sightings s
JOIN ROWS FROM (unnest(%(apps)s::text[]), unnest(%(ttls)s::interval[])) AS r (app, ttl) ON r.app = s.app
WHERE s.role_name IS NOT NULL AND s.last_seen >= %(now)s - r.ttl
