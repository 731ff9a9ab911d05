-- The relations that hold rows of the table %(table)s: the file that each is in now, its length in blocks, and the columns
-- of its primary key; of one without, rows are named by their place.
WITH RECURSIVE family (oid) AS (
    SELECT pg_catalog.to_regclass(%(table)s::pg_catalog.text)::pg_catalog.oid
    UNION
    SELECT i.inhrelid
    FROM pg_catalog.pg_inherits i
    JOIN family f ON f.oid = i.inhparent
)
SELECT n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,
    pg_catalog.pg_relation_filenode(c.oid) AS file,
    pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8 AS blocks,
    ARRAY(
        SELECT a.attname::pg_catalog.text
        FROM pg_catalog.pg_index i
        CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary AND k.place <= i.indnkeyatts
        ORDER BY k.place
    ) AS key
FROM family f
JOIN pg_catalog.pg_class c ON c.oid = f.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
ORDER BY n.nspname, c.relname
