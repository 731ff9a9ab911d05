-- Every sighting, with its age on the database's clock.
SELECT s.app, s.version, s.instance, s.source, s.host, s.role_name, s.first_seen, s.last_seen,
       greatest(date_part('epoch', clock_timestamp() - s.last_seen), 0) AS age_seconds
FROM crossfade.sightings s
ORDER BY s.app, s.version, s.instance, s.source
