-- Functions with a parsed body that uses columns of the relations %(oids)s: one row per function and relation.
WITH edge AS (
    SELECT d.refobjid AS relation, d.objid, array_agg(d.refobjsubid::int) AS numbers
    FROM pg_depend d
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = ANY (%(oids)s::oid[]) AND d.refobjsubid > 0
    GROUP BY d.refobjid, d.objid
)
SELECT e.relation::bigint AS relation,
       quote_ident(n.nspname) || '.' || quote_ident(p.proname)
           || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name,
       pg_get_functiondef(p.oid) AS definition,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = e.relation AND a.attnum = ANY (e.numbers)
             ORDER BY a.attnum) AS columns,
       pg_has_role(p.proowner, 'USAGE') AS owned,
       ARRAY(SELECT e.extname::text
             FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
             WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
               AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
             ORDER BY 1) AS extensions
FROM edge e
JOIN pg_proc p ON p.oid = e.objid AND p.prokind IN ('f', 'p', 'w')
JOIN pg_namespace n ON n.oid = p.pronamespace
ORDER BY e.relation, n.nspname, p.proname, name
