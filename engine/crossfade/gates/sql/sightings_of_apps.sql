-- What the ledger has of some apps by the sources that count for each: every record and what is fresh. Of the stale there
-- may be very many, one for each instance that ever was: the latest of each version and source, and the latest of all.
WITH counted AS (
    SELECT s.*, s.source <> 'record' AND s.last_seen < %(now)s - asked.ttl AS is_stale
    FROM ROWS FROM (unnest(%(apps)s::text[]), unnest(%(sources)s::text[]), unnest(%(ttls)s::interval[]))
        AS asked (app, source, ttl)
    JOIN crossfade.sightings s ON s.app = asked.app AND s.source = asked.source
), latest AS (
    (SELECT DISTINCT ON (c.app, c.version, c.source) c.app, c.version, c.instance, c.source
     FROM counted c
     WHERE c.is_stale
     ORDER BY c.app, c.version, c.source, c.last_seen DESC)
    UNION
    (SELECT c.app, c.version, c.instance, c.source
     FROM counted c
     WHERE c.is_stale
     ORDER BY c.last_seen DESC
     LIMIT %(most_stale)s)
)
SELECT c.app, c.version, c.instance, c.source, c.host, c.role_name, c.first_seen, c.last_seen,
       greatest(date_part('epoch', %(now)s - c.last_seen), 0) AS age_seconds
FROM counted c
WHERE NOT c.is_stale OR (c.app, c.version, c.instance, c.source) IN (SELECT * FROM latest)
ORDER BY c.app, c.version, c.instance, c.source
