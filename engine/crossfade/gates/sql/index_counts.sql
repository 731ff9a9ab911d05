-- The counters of an index and of its parts on partitions, however deep.
WITH RECURSIVE members AS (
    SELECT %(oid)s::pg_catalog.oid AS oid
    UNION
    SELECT i.inhrelid
    FROM members m
    JOIN pg_catalog.pg_inherits i ON i.inhparent = m.oid
)
SELECT pg_catalog.count(*) AS relations,
    coalesce(pg_catalog.sum(s.idx_scan), 0)::pg_catalog.int8 AS idx_scan,
    coalesce(pg_catalog.sum(s.idx_tup_read), 0)::pg_catalog.int8 AS idx_tup_read,
    coalesce(pg_catalog.sum(s.idx_tup_fetch), 0)::pg_catalog.int8 AS idx_tup_fetch,
    pg_catalog.max(pg_catalog.to_jsonb(s) ->> 'last_idx_scan') AS last_read
FROM members m
LEFT JOIN pg_catalog.pg_stat_all_indexes s ON s.indexrelid = m.oid
