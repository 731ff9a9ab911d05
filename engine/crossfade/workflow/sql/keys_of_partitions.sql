-- The primary keys of the partitions of a table, at any depth, that are no parts of its own, with their columns.
SELECT
    n.nspname::pg_catalog.text, c.relname::pg_catalog.text, k.conname::pg_catalog.text,
    ARRAY(
        SELECT a.attname::pg_catalog.text
        FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (attnum, n)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
        ORDER BY u.n)
FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%(table)s)) AS p
JOIN pg_catalog.pg_constraint AS k ON k.conrelid = p.relid AND k.contype = 'p' AND k.conparentid = 0
JOIN pg_catalog.pg_class AS c ON c.oid = p.relid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE p.level > 0
ORDER BY 1, 2
