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
        FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c') AS constraints
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_type b ON b.oid = t.typbasetype
JOIN pg_namespace bn ON bn.oid = b.typnamespace
WHERE t.typtype = 'd' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 1
