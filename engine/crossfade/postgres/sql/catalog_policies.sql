-- Row security policies, of whatever table, that use columns of the relations %(oids)s: one row per policy and relation.
WITH edge AS (
    SELECT d.refobjid AS relation, d.objid, array_agg(d.refobjsubid::int) AS numbers
    FROM pg_depend d
    WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = ANY (%(oids)s::oid[]) AND d.refobjsubid > 0
    GROUP BY d.refobjid, d.objid
)
SELECT e.relation::bigint AS relation,
       p.polname::text AS name,
       ARRAY[n.nspname::text, c.relname::text] AS "table",
       pg_get_expr(p.polqual, p.polrelid) AS "using",
       pg_get_expr(p.polwithcheck, p.polrelid) AS "check",
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = e.relation AND a.attnum = ANY (e.numbers)
             ORDER BY a.attnum) AS columns,
       pg_has_role(c.relowner, 'USAGE') AS owned
FROM edge e
JOIN pg_policy p ON p.oid = e.objid
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY e.relation, n.nspname, c.relname, p.polname
