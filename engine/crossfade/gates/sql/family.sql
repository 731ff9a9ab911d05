-- The relations %(names)s, in SQL's quoting, with all their partitions and inheritance children.
WITH RECURSIVE family (oid) AS (
    -- The name of an index stands for its table.
    SELECT coalesce(i.indrelid, pg_catalog.to_regclass(n.name)::pg_catalog.oid)
    FROM pg_catalog.unnest(%(names)s::pg_catalog.text[]) AS n (name)
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = pg_catalog.to_regclass(n.name)
    WHERE pg_catalog.to_regclass(n.name) IS NOT NULL
    UNION
    SELECT i.inhrelid
    FROM pg_catalog.pg_inherits i
    JOIN family f ON f.oid = i.inhparent
)
SELECT f.oid, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name
FROM family f
JOIN pg_catalog.pg_class c ON c.oid = f.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY n.nspname, c.relname
