-- What is ours on the tables %(detached)s, which were partitions and are none any more: columns named in %(columns)s,
-- columns named in %(hidden)s that are NOT NULL, constraints named in %(constraints)s, indexes named in %(indexes)s, and
-- constraints without an index that have one of the names %(aside)s.
-- One that was given to somebody else meanwhile is theirs.
WITH alone AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(detached)s::oid[]) AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)
), found AS (
    SELECT 1 AS position, 'column' AS kind, t.nspname, t.relname, a.attname AS name
    FROM alone t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE a.attname = ANY (%(columns)s)
    UNION ALL
    SELECT 2, 'not null', t.nspname, t.relname, a.attname
    FROM alone t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE a.attname = ANY (%(hidden)s) AND a.attnotnull
    UNION ALL
    SELECT 3, 'constraint', t.nspname, t.relname, k.conname
    FROM alone t JOIN pg_constraint k ON k.conrelid = t.oid
    WHERE k.conname = ANY (%(constraints)s)
    UNION ALL
    SELECT 4, 'index', t.nspname, t.relname, i.relname
    FROM alone t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE i.relname = ANY (%(indexes)s) AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid)
    UNION ALL
    SELECT 5, 'name', t.nspname, t.relname, k.conname
    FROM alone t JOIN pg_constraint k ON k.conrelid = t.oid
    WHERE k.conname = ANY (%(aside)s) AND k.contype IN ('c', 'f', 'n')
)
SELECT kind, nspname::text AS schema, relname::text AS table, name::text FROM found ORDER BY position, nspname, relname, name
