-- What depends on the column %(column)s of the relations %(oids)s and is not ours; it follows when the column is renamed.
SELECT DISTINCT coalesce(
    pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, r.ev_class, 0),
    pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
) AS name
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_depend d
    ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
LEFT JOIN pg_catalog.pg_rewrite r
    ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
LEFT JOIN pg_catalog.pg_trigger t ON d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = d.objid
LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
WHERE a.attrelid = ANY (%(oids)s::pg_catalog.oid[]) AND a.attname = %(column)s AND NOT a.attisdropped
    AND p.pronamespace IS DISTINCT FROM pg_catalog.to_regnamespace('crossfade')
ORDER BY name
LIMIT 51
