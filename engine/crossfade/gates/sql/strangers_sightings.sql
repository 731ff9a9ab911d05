-- Who was sighted since then by a name that the roster does not have. A record of a deployment sights nobody.
SELECT s.app, s.version, s.instance, s.source, s.host, s.role_name, s.first_seen, s.last_seen,
       greatest(date_part('epoch', clock_timestamp() - s.last_seen), 0) AS age_seconds
FROM crossfade.sightings s
WHERE s.app <> ALL (%(apps)s::text[]) AND s.source <> 'record' AND s.last_seen >= %(since)s
ORDER BY s.last_seen DESC, s.app, s.version, s.instance, s.source
