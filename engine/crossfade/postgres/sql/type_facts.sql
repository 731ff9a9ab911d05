-- Every type that a column can have, the server's own ones too; row types of tables only where a column has one.
SELECT ARRAY[n.nspname::text, t.typname::text] AS name,
       CASE WHEN t.typsubscript = 'array_subscript_handler'::regproc AND t.typlen = -1 AND t.typelem <> 0 THEN 'array'
            WHEN t.typtype = 'c' THEN 'composite'
            WHEN t.typtype = 'd' THEN 'domain'
            WHEN t.typtype = 'e' THEN 'enum'
            WHEN t.typtype = 'r' THEN 'range'
            WHEN t.typtype = 'm' THEN 'multirange'
            ELSE 'base' END AS kind,
       (SELECT ARRAY[on_.nspname::text, o.typname::text]
        FROM pg_type o JOIN pg_namespace on_ ON on_.oid = o.typnamespace
        WHERE o.oid = CASE t.typtype
                          WHEN 'd' THEN t.typbasetype
                          WHEN 'r' THEN (SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid)
                          WHEN 'm' THEN (SELECT r.rngsubtype FROM pg_range r WHERE r.rngmultitypid = t.oid)
                          ELSE t.typelem END) AS over,
       ARRAY(SELECT l.enumlabel::text FROM pg_enum l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder) AS labels,
       (SELECT jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), fn.nspname, f.typname) ORDER BY a.attnum)
        FROM pg_attribute a
        JOIN pg_type f ON f.oid = a.atttypid
        JOIN pg_namespace fn ON fn.oid = f.typnamespace
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS fields,
       t.typnotnull AS not_null,
       t.typdefault IS NOT NULL AS has_default,
       obj_description(t.oid, 'pg_type') AS comment
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype <> 'p'
  AND NOT starts_with(n.nspname, 'pg_toast')
  AND NOT starts_with(n.nspname, 'pg_temp_')
  AND (t.typtype <> 'c'
       OR (SELECT c.relkind FROM pg_class c WHERE c.oid = t.typrelid) = 'c'
       OR t.oid IN (SELECT a.atttypid FROM pg_attribute a)
       OR t.typarray IN (SELECT a.atttypid FROM pg_attribute a))
ORDER BY n.nspname, t.typname
