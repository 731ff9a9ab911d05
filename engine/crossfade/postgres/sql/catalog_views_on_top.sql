-- The views on top of the relations %(oids)s, directly or through other views, and those that are among them; one row.
WITH RECURSIVE reached AS (
    SELECT c.oid, c.relkind, ARRAY[c.reltype, y.typarray] AS row_types
    FROM pg_class c LEFT JOIN pg_type y ON y.oid = c.reltype
    WHERE c.oid = ANY (%(oids)s::oid[])
    UNION
    SELECT v.oid, v.relkind, ARRAY[v.reltype, y.typarray]
    FROM reached r
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid
                     OR d.refclassid = 'pg_type'::regclass AND d.refobjid = ANY (r.row_types)
    LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
    JOIN pg_class v ON v.relkind IN ('v', 'm')
                   AND v.oid = CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid ELSE w.ev_class END
    LEFT JOIN pg_type y ON y.oid = v.reltype
)
SELECT coalesce(array_agg(DISTINCT oid::bigint), '{}') AS oids
FROM reached
WHERE relkind IN ('v', 'm')
