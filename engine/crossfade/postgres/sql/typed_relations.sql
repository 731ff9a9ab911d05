-- The relations of these schemas, all of the users' where %(schemas)s is NULL, and what their views are over.
WITH meant AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't' AND NOT c.relispartition
      AND (n.nspname::text = ANY (%(schemas)s::text[]) OR %(schemas)s::text[] IS NULL)
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'crossfade', 'pg_toast')
)
SELECT nspname::text AS schema, relname::text AS name FROM meant
UNION
SELECT n.nspname::text, c.relname::text
FROM meant
JOIN pg_rewrite r ON r.ev_class = meant.oid
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 1, 2
