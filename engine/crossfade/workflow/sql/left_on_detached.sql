-- What is ours on the tables %(detached)s, which were partitions and are none any more: columns named in %(columns)s,
-- columns named in %(hidden)s that are NOT NULL, constraints named in %(constraints)s, indexes named in %(indexes)s or
-- with an oid of %(built)s, and constraints without an index, and statistics, that have one of the names %(aside)s, and
-- statistics named in %(statistics)s, on their own partitions too. One that was given to somebody else meanwhile is theirs.
WITH RECURSIVE alone AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(detached)s::oid[]) AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)
), below AS (
    SELECT oid, nspname, relname FROM alone
    UNION
    SELECT c.oid, n.nspname, c.relname
    FROM below b JOIN pg_inherits h ON h.inhparent = b.oid
    JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
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
    WHERE (i.relname = ANY (%(indexes)s) OR i.oid = ANY (%(built)s::oid[]))
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid)
    UNION ALL
    SELECT 5, 'name', t.nspname, t.relname, k.conname
    FROM below t JOIN pg_constraint k ON k.conrelid = t.oid
    WHERE k.conname = ANY (%(aside)s) AND k.contype IN ('c', 'f', 'n') AND k.coninhcount = 0
    UNION ALL
    SELECT 6, 'statistics', n.nspname, t.relname, e.stxname
    FROM below t JOIN pg_statistic_ext e ON e.stxrelid = t.oid JOIN pg_namespace n ON n.oid = e.stxnamespace
    WHERE e.stxname = ANY (%(aside)s)
    UNION ALL
    SELECT 7, 'copied statistics', n.nspname, t.relname, e.stxname
    FROM below t JOIN pg_statistic_ext e ON e.stxrelid = t.oid JOIN pg_namespace n ON n.oid = e.stxnamespace
    WHERE e.stxname = ANY (%(statistics)s)
)
SELECT kind, nspname::text AS schema, relname::text AS table, name::text FROM found ORDER BY position, nspname, relname, name
