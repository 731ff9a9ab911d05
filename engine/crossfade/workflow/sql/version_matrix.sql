-- Each version of each app that was sighted: its instances, the most that one source has, since sources name the same instance each
-- in their own way; and of those the fresh. Connections that name no instance count once for each host. What `can_i_run` let in
-- counts where no other source has the version, a record of a deployment is no instance. The latest of each come first.
WITH asked AS (
    SELECT * FROM ROWS FROM (unnest(%(apps)s::text[]), unnest(%(ttls)s::interval[])) AS a (app, ttl)
), placed AS (
    SELECT s.app, s.version, s.source, s.first_seen, s.last_seen,
           CASE WHEN s.source = 'activity' AND s.instance ~ '^(pid|port) ' THEN concat('host ', s.host) ELSE s.instance END AS place,
           s.last_seen >= clock_timestamp() - coalesce(asked.ttl, %(ttl)s) AS is_fresh
    FROM crossfade.sightings s
    LEFT JOIN asked USING (app)
), by_source AS (
    SELECT app, version, source, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
           count(DISTINCT place) AS instances, count(DISTINCT place) FILTER (WHERE is_fresh) AS fresh
    FROM placed
    GROUP BY app, version, source
), by_version AS (
    SELECT app, version, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
           array_agg(source ORDER BY source) AS sources,
           coalesce(max(instances) FILTER (WHERE source NOT IN ('record', 'start')),
                    max(instances) FILTER (WHERE source = 'start'), 0) AS instances,
           coalesce(max(fresh) FILTER (WHERE source NOT IN ('record', 'start')),
                    max(fresh) FILTER (WHERE source = 'start'), 0) AS fresh
    FROM by_source
    GROUP BY app, version
)
SELECT app, version, first_seen, last_seen, sources, instances, fresh,
       greatest(date_part('epoch', clock_timestamp() - last_seen), 0) AS age_seconds, count(*) OVER () AS all_versions
FROM by_version
ORDER BY last_seen DESC, app, version
LIMIT %(most)s
