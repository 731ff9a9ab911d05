-- The relations of these schemas, all of the users' where %(schemas)s is NULL, and what their views are over, however deep.
WITH RECURSIVE meant AS (
    SELECT c.oid
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't' AND NOT c.relispartition
      AND (n.nspname::text = ANY (%(schemas)s::text[]) OR %(schemas)s::text[] IS NULL)
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'crossfade', 'pg_toast')
    UNION
    SELECT d.refobjid
    FROM meant
    JOIN pg_rewrite r ON r.ev_class = meant.oid
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
)
SELECT n.nspname::text AS schema, c.relname::text AS name
FROM meant
JOIN pg_class c ON c.oid = meant.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 1, 2
