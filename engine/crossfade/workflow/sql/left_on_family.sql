-- On the tables %(family)s, all that carries the comment %(mark)s with what its parent's comment is, and the indexes
-- with one of %(names)s or that PostgreSQL named after a column of ours, with what their columns are called now.
-- They come from partitions that were made or detached while the run lasted, and from CREATE TABLE … (LIKE … INCLUDING ALL).
WITH family AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(family)s::oid[]) AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')
), indexes AS (
    SELECT t.nspname, t.relname, x.indexrelid, x.indrelid, x.indkey, i.relname AS name, k.contype
    FROM family t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.conrelid = t.oid AND k.contype IN ('p', 'u', 'x')
), found AS (
    SELECT 'column' AS kind, t.nspname, t.relname, a.attname AS name, NULL::text[] AS columns, NULL AS label,
           (SELECT col_description(p.attrelid, p.attnum)
            FROM pg_inherits h JOIN pg_attribute p ON p.attrelid = h.inhparent AND p.attname = a.attname
            WHERE h.inhrelid = t.oid ORDER BY h.inhseqno LIMIT 1) AS comment
    FROM family t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE col_description(a.attrelid, a.attnum) = %(mark)s
    UNION ALL
    SELECT 'constraint', t.nspname, t.relname, k.conname, NULL, NULL, NULL
    FROM family t JOIN pg_constraint k ON k.conrelid = t.oid
    WHERE obj_description(k.oid, 'pg_constraint') = %(mark)s
    UNION ALL
    SELECT 'comment', i.nspname, i.relname, i.name, NULL, NULL,
           (SELECT obj_description(h.inhparent, 'pg_class') FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
    FROM indexes i
    WHERE obj_description(i.indexrelid, 'pg_class') = %(mark)s
    UNION ALL
    SELECT 'index', i.nspname, i.relname, i.name,
           (SELECT array_agg(coalesce(c.attname, a.attname)::text ORDER BY a.attnum)
            FROM pg_attribute a
            LEFT JOIN pg_attribute c ON c.attrelid = i.indrelid AND c.attnum = i.indkey[a.attnum - 1] AND c.attnum > 0
            WHERE a.attrelid = i.indexrelid),
           CASE i.contype WHEN 'p' THEN 'pkey' WHEN 'u' THEN 'key' WHEN 'x' THEN 'excl' ELSE 'idx' END,
           NULL
    FROM indexes i
    WHERE i.name ~ '_crossfade_[a-z]+_[0-9a-f]+' OR i.name = ANY (%(names)s)
)
SELECT kind, nspname::text AS schema, relname::text AS table, name::text, columns, label,
       nullif(comment, %(mark)s) AS comment
FROM found ORDER BY position(kind IN 'column constraint comment index'), nspname, relname, name
