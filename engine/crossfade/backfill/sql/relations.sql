-- The relations that hold a table's rows: itself, its leaf partitions, its inheritance children.
WITH RECURSIVE family (oid) AS (
    SELECT c.oid
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s
    UNION
    SELECT i.inhrelid
    FROM pg_catalog.pg_inherits i
    JOIN family f ON f.oid = i.inhparent
)
SELECT c.oid, n.nspname AS schema, c.relname AS name
FROM family f
JOIN pg_catalog.pg_class c ON c.oid = f.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
ORDER BY n.nspname, c.relname
