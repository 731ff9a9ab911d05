-- Extended statistics over the relations %(oids)s.
SELECT x.stxrelid::bigint AS relation,
       ARRAY[n.nspname::text, x.stxname::text] AS name,
       pg_get_statisticsobjdef(x.oid) AS definition,
       ARRAY(SELECT a.attname::text
             FROM pg_attribute a
             WHERE a.attrelid = x.stxrelid AND a.attnum > 0 AND NOT a.attisdropped
               AND (a.attnum = ANY (x.stxkeys)
                    OR EXISTS (SELECT FROM pg_depend d
                               WHERE d.classid = 'pg_statistic_ext'::regclass AND d.objid = x.oid
                                 AND d.refclassid = 'pg_class'::regclass
                                 AND d.refobjid = x.stxrelid AND d.refobjsubid = a.attnum))
             ORDER BY a.attnum) AS columns,
       CASE WHEN x.stxstattarget >= 0 THEN x.stxstattarget::int END AS target,
       pg_get_userbyid(x.stxowner)::text AS owner,
       pg_has_role(x.stxowner, 'USAGE') AS owned,
       obj_description(x.oid, 'pg_statistic_ext') AS comment
FROM pg_statistic_ext x
JOIN pg_namespace n ON n.oid = x.stxnamespace
WHERE x.stxrelid = ANY (%(oids)s::oid[])
ORDER BY n.nspname, x.stxname
