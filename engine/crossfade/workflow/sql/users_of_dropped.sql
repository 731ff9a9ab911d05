-- What keeps a trigger's function or an index from being dropped: its name, words for it, the table that it is on (of a
-- whole index, that of the part), and, of a trigger, the names of all that are there.
WITH index AS (
    SELECT c.oid
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE %(kind)s = 'relation' AND n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('i', 'I')
), used AS (
    SELECT
        t.tgname AS name,
        'pg_catalog.pg_trigger'::pg_catalog.regclass AS class,
        t.oid AS object,
        t.tgrelid AS relation,
        ARRAY(SELECT o.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS o WHERE o.tgrelid = t.tgrelid) AS triggers
    FROM pg_catalog.pg_trigger AS t
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE %(kind)s = 'function' AND n.nspname = %(schema)s AND p.proname = %(name)s AND t.tgparentid = 0
    UNION ALL
    SELECT c.relname, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, part.indrelid, '{}'
    FROM index
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = index.oid
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhparent
    JOIN pg_catalog.pg_index AS part ON part.indexrelid = index.oid
    UNION ALL
    SELECT k.conname, 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, k.conrelid, '{}'
    FROM index JOIN pg_catalog.pg_constraint AS k ON k.conindid = index.oid
    WHERE k.contype = 'f' AND k.conparentid = 0
)
SELECT
    used.name::pg_catalog.text,
    pg_catalog.pg_describe_object(used.class, used.object, 0),
    n.nspname::pg_catalog.text,
    c.relname::pg_catalog.text,
    used.triggers
FROM used
JOIN pg_catalog.pg_class AS c ON c.oid = used.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY 2
