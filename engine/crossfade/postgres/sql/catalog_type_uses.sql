-- All that needs the types %(schemas)s, %(names)s or an array of one, the array type itself apart; a row for each object.
WITH asked AS (
    SELECT t.oid, t.typarray, ARRAY[w.schema, w.name] AS type
    FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(names)s::text[])) AS w (schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_type t ON t.typname = w.name AND t.typnamespace = n.oid
), meant AS (
    SELECT a.oid, a.oid AS used FROM asked a
    UNION ALL
    SELECT a.oid, a.typarray FROM asked a
), edge AS (
    SELECT DISTINCT m.oid, d.classid, d.objid, d.objsubid, m.oid = m.used AS itself
    FROM meant m
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = m.used
    WHERE d.deptype NOT IN ('i', 'e')
    UNION
    -- An extension's member has no life of its own.
    SELECT m.oid, d.refclassid, d.refobjid, d.refobjsubid, false
    FROM meant m
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = m.oid AND d.deptype = 'e'
), found AS (
    SELECT e.oid, e.classid, e.objid, e.objsubid,
           coalesce(a.attrelid, def.adrelid, k.conrelid, x.indrelid, w.ev_class, p.polrelid, g.tgrelid) AS relation,
           CASE
               WHEN a.attnum IS NOT NULL AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND e.itself THEN 'column'
               WHEN a.attnum IS NOT NULL AND c.relkind IN ('v', 'm') THEN 'view'
               WHEN def.oid IS NOT NULL THEN 'default'
               WHEN k.conrelid <> 0 THEN 'constraint'
               WHEN x.indexrelid IS NOT NULL THEN 'index'
               WHEN s.oid IS NOT NULL THEN 'statistics'
               WHEN w.rulename = '_RETURN' THEN 'view'
               WHEN p.oid IS NOT NULL THEN 'policy'
               WHEN g.oid IS NOT NULL THEN 'trigger'
               -- One whose signature has the type would be another function over another type.
               WHEN f.oid IS NOT NULL AND NOT EXISTS (
                   SELECT FROM meant m
                   WHERE m.used = ANY (coalesce(f.proallargtypes, f.proargtypes::oid[]) || f.prorettype)) THEN 'function'
               ELSE 'other'
           END AS kind,
           coalesce(a.attname, da.attname, k.conname, c.relname, s.stxname, p.polname, g.tgname)::text AS name,
           f.oid AS function
    FROM edge e
    LEFT JOIN pg_catalog.pg_class c ON e.classid = 'pg_catalog.pg_class'::regclass AND c.oid = e.objid
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = e.objsubid AND e.objsubid > 0
    LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
    LEFT JOIN pg_catalog.pg_attrdef def ON e.classid = 'pg_catalog.pg_attrdef'::regclass AND def.oid = e.objid
    LEFT JOIN pg_catalog.pg_attribute da ON da.attrelid = def.adrelid AND da.attnum = def.adnum
    LEFT JOIN pg_catalog.pg_constraint k ON e.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = e.objid
    LEFT JOIN pg_catalog.pg_rewrite w ON e.classid = 'pg_catalog.pg_rewrite'::regclass AND w.oid = e.objid
    LEFT JOIN pg_catalog.pg_policy p ON e.classid = 'pg_catalog.pg_policy'::regclass AND p.oid = e.objid
    LEFT JOIN pg_catalog.pg_trigger g ON e.classid = 'pg_catalog.pg_trigger'::regclass AND g.oid = e.objid
    LEFT JOIN pg_catalog.pg_statistic_ext s ON e.classid = 'pg_catalog.pg_statistic_ext'::regclass AND s.oid = e.objid
    LEFT JOIN pg_catalog.pg_proc f ON e.classid = 'pg_catalog.pg_proc'::regclass AND f.oid = e.objid
)
SELECT DISTINCT asked.type,
       found.kind,
       pg_catalog.pg_describe_object(found.classid, found.objid, found.objsubid) AS described,
       (SELECT ARRAY[n.nspname::text, c.relname::text]
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = found.relation) AS relation,
       CASE WHEN found.function IS NULL THEN found.name
            ELSE (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(f.proname)
                      || '(' || pg_catalog.pg_get_function_identity_arguments(f.oid) || ')'
                  FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
                  WHERE f.oid = found.function) END AS name
FROM found
JOIN asked ON asked.oid = found.oid
ORDER BY 1, 2, 3
