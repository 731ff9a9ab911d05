-- One row for each instance, version and source; seen again, it keeps when it was first seen.
INSERT INTO crossfade.sightings AS s (app, version, instance, source, host, role_name)
SELECT seen.app, seen.version, seen.instance, seen.source, seen.host, seen.role_name
FROM ROWS FROM (
    unnest(%(app)s::text[]), unnest(%(version)s::text[]), unnest(%(instance)s::text[]), unnest(%(source)s::text[]),
    unnest(%(host)s::text[]), unnest(%(role_name)s::text[])
) AS seen (app, version, instance, source, host, role_name)
ON CONFLICT ON CONSTRAINT sightings_pkey
DO UPDATE SET last_seen = clock_timestamp(), host = excluded.host, role_name = excluded.role_name
