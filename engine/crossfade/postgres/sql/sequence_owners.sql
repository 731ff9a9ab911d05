-- Every sequence that a column owns, its identity's too, with the column's table.
SELECT ARRAY[sn.nspname::text, s.relname::text] AS sequence, ARRAY[tn.nspname::text, t.relname::text] AS "table"
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
  AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
