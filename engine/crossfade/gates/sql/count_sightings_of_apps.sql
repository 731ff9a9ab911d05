-- How many sightings the ledger has of some apps by the sources that count for each.
SELECT count(*)
FROM ROWS FROM (unnest(%(apps)s::text[]), unnest(%(sources)s::text[])) AS asked (app, source)
JOIN crossfade.sightings s ON s.app = asked.app AND s.source = asked.source
