-- The counters of a table, its partitions and its children, however deep. A table may have no row of statistics yet.
WITH RECURSIVE members AS (
    SELECT %(oid)s::pg_catalog.oid AS oid
    UNION
    SELECT i.inhrelid
    FROM members m
    JOIN pg_catalog.pg_inherits i ON i.inhparent = m.oid
)
SELECT pg_catalog.count(*) AS relations,
    coalesce(pg_catalog.sum(s.seq_scan), 0)::pg_catalog.int8 AS seq_scan,
    coalesce(pg_catalog.sum(s.seq_tup_read), 0)::pg_catalog.int8 AS seq_tup_read,
    coalesce(pg_catalog.sum(s.idx_scan), 0)::pg_catalog.int8 AS idx_scan,
    coalesce(pg_catalog.sum(s.idx_tup_fetch), 0)::pg_catalog.int8 AS idx_tup_fetch,
    coalesce(pg_catalog.sum(s.n_tup_ins), 0)::pg_catalog.int8 AS n_tup_ins,
    coalesce(pg_catalog.sum(s.n_tup_upd), 0)::pg_catalog.int8 AS n_tup_upd,
    coalesce(pg_catalog.sum(s.n_tup_del), 0)::pg_catalog.int8 AS n_tup_del,
    pg_catalog.max(greatest(
        pg_catalog.to_jsonb(s) ->> 'last_seq_scan', pg_catalog.to_jsonb(s) ->> 'last_idx_scan'
    )) AS last_read
FROM members m
LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = m.oid
