-- How many clients of the server are at work, ours left out; the state is NULL where this role may not see it.
SELECT
    count(*) FILTER (WHERE a.state IN ('active', 'fastpath function call')) AS active,
    count(*) FILTER (WHERE a.state IS NULL) AS hidden
FROM pg_catalog.pg_stat_activity a
WHERE a.datid IS NOT NULL
  AND (a.backend_type IS NULL OR a.backend_type = 'client backend')
  AND a.pid <> pg_catalog.pg_backend_pid()
  AND a.pid <> ALL (%(own)s::pg_catalog.int4[])
