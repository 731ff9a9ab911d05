-- The types of these names by the session's search_path, a row for each in their order; without an oid there is none.
SELECT t.oid::bigint AS oid,
       ARRAY[n.nspname::text, t.typname::text] AS name,
       n.nspname = 'pg_catalog' AS is_builtin,
       t.typcategory::text AS category,
       ARRAY[bn.nspname::text, b.typname::text] AS base,
       b.constrained,
       ARRAY(SELECT l.enumlabel::text FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder) AS labels,
       pg_catalog.pg_get_userbyid(t.typowner)::text AS owner,
       pg_catalog.pg_has_role(t.typowner, 'USAGE') AS owned,
       pg_catalog.obj_description(t.oid, 'pg_type') AS comment,
       (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'grantee', CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee)::text END,
                   'privilege', x.privilege_type,
                   'grantable', x.is_grantable,
                   'grantor', pg_catalog.pg_get_userbyid(x.grantor)::text) ORDER BY x.ordinality), '[]')
        FROM pg_catalog.aclexplode(t.typacl) WITH ORDINALITY AS x
        HAVING t.typacl IS NOT NULL) AS privileges,
       ARRAY(SELECT DISTINCT CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee)::text END
             FROM pg_catalog.pg_default_acl da, pg_catalog.aclexplode(da.defaclacl) AS x
             WHERE da.defaclobjtype = 'T' AND da.defaclrole = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
               AND da.defaclnamespace IN (0, t.typnamespace)) AS default_grantees,
       CASE WHEN t.typelem <> 0 AND t.typcategory = 'A'
            THEN (SELECT ARRAY[en.nspname::text, e.typname::text] FROM pg_catalog.pg_type e
                  JOIN pg_catalog.pg_namespace en ON en.oid = e.typnamespace WHERE e.oid = t.typelem) END AS element,
       coalesce((SELECT c.collisdeterministic FROM pg_catalog.pg_collation c WHERE c.oid = t.typcollation), true)
           AS deterministic
FROM pg_catalog.unnest(%(types)s::text[]) WITH ORDINALITY AS asked (name, position)
LEFT JOIN pg_catalog.pg_type t ON t.oid = pg_catalog.to_regtype(asked.name)
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN LATERAL (
    WITH RECURSIVE chain AS (
        SELECT t.oid, t.typtype, t.typbasetype, t.typnotnull
        UNION ALL
        SELECT d.oid, d.typtype, d.typbasetype, d.typnotnull
        FROM chain JOIN pg_catalog.pg_type d ON d.oid = chain.typbasetype
    )
    SELECT (SELECT c.oid FROM chain c WHERE c.typbasetype = 0) AS oid,
           EXISTS (SELECT FROM chain c WHERE c.typnotnull
                   OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contypid = c.oid)) AS constrained
) AS ends ON true
LEFT JOIN LATERAL (SELECT pt.typname, pt.typnamespace, ends.constrained FROM pg_catalog.pg_type pt WHERE pt.oid = ends.oid) AS b ON true
LEFT JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace
ORDER BY asked.position
