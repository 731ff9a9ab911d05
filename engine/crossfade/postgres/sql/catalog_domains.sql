-- Every domain of the database outside the system's schemas.
SELECT ARRAY[n.nspname::text, t.typname::text] AS name,
       format_type(t.typbasetype, t.typtypmod) AS type,
       ARRAY[bn.nspname::text, b.typname::text] AS type_name,
       t.typnotnull AS not_null,
       t.typdefault AS default,
       pg_get_userbyid(t.typowner) AS owner,
       pg_has_role(t.typowner, 'USAGE') AS owned,
       -- From PostgreSQL 17 its NOT NULL is a constraint too; typnotnull says it on every version.
       (SELECT coalesce(jsonb_agg(jsonb_build_object('name', c.conname, 'validated', c.convalidated,
                                                     'definition', pg_get_constraintdef(c.oid)) ORDER BY c.conname),
                        '[]')
        FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c') AS constraints,
       -- Of arrays, ranges and row types made of it, or of a domain over it; columns of such a domain apart.
       ARRAY(WITH RECURSIVE holder AS (
                 SELECT t.oid AS type, false AS inside
                 UNION
                 SELECT coalesce(k.reltype, d.objid), h.inside OR k.oid IS NOT NULL OR made.typtype <> 'd'
                 FROM holder h
                 JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = h.type
                 LEFT JOIN pg_type made ON d.classid = 'pg_type'::regclass AND made.oid = d.objid
                 LEFT JOIN pg_class k ON d.classid = 'pg_class'::regclass AND k.oid = d.objid AND k.reltype <> 0
                 WHERE made.oid IS NOT NULL OR k.oid IS NOT NULL
             )
             SELECT DISTINCT quote_ident(un.nspname) || '.' || quote_ident(u.relname) || '.' || quote_ident(ua.attname)
             FROM holder h
             JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = h.type
                             AND d.classid = 'pg_class'::regclass
             JOIN pg_class u ON u.oid = d.objid AND u.relkind IN ('r', 'p', 'm')
             JOIN pg_namespace un ON un.oid = u.relnamespace
             JOIN pg_attribute ua ON ua.attrelid = u.oid AND ua.attnum = d.objsubid AND NOT ua.attisdropped
             WHERE h.inside
             ORDER BY 1) AS held_in
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_type b ON b.oid = t.typbasetype
JOIN pg_namespace bn ON bn.oid = b.typnamespace
WHERE t.typtype = 'd' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 1
