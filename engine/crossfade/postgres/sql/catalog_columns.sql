-- The live columns of the relations %(oids)s.
SELECT a.attrelid::bigint AS relation,
       a.attname::text AS name,
       a.attnum::int AS number,
       format_type(a.atttypid, a.atttypmod) AS type,
       ARRAY[(SELECT tn.nspname::text FROM pg_namespace tn WHERE tn.oid = t.typnamespace), t.typname::text] AS type_name,
       t.typcategory::text AS type_category,
       ARRAY[(SELECT bn.nspname::text FROM pg_namespace bn WHERE bn.oid = b.typnamespace), b.typname::text] AS base_type,
       e.name AS element_type,
       b.constrained AS domain_constrained,
       CASE WHEN a.attcollation NOT IN (0, t.typcollation)
            THEN (SELECT ARRAY[cn.nspname::text, co.collname::text]
                  FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
                  WHERE co.oid = a.attcollation) END AS collation,
       coalesce((SELECT co.collisdeterministic FROM pg_collation co WHERE co.oid = a.attcollation), true)
           AS collation_deterministic,
       a.attnotnull AS not_null,
       -- Before PostgreSQL 18 no such row exists for a table.
       (SELECT nc.conname::text FROM pg_constraint nc
        WHERE nc.conrelid = a.attrelid AND nc.contype = 'n' AND nc.conkey = ARRAY[a.attnum]) AS not_null_constraint,
       CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END AS generated,
       pg_get_expr(def.adbin, def.adrelid) AS expression,
       -- The stored tree names every function by its oid, operators and casts too, after overloads are resolved.
       EXISTS (SELECT
               FROM regexp_matches(def.adbin::text, ':(?:funcid|opfuncid) (\d+)', 'g') AS m
               JOIN pg_proc p ON p.oid = m[1]::oid
               WHERE p.provolatile = 'v') AS volatile,
       (SELECT ARRAY[sn.nspname::text, s.relname::text]
        FROM pg_depend use
        JOIN pg_depend own ON own.classid = 'pg_class'::regclass AND own.objid = use.refobjid AND own.deptype = 'a'
                          AND own.refclassid = 'pg_class'::regclass
                          AND own.refobjid = a.attrelid AND own.refobjsubid = a.attnum
        JOIN pg_class s ON s.oid = use.refobjid AND s.relkind = 'S'
        JOIN pg_namespace sn ON sn.oid = s.relnamespace
        WHERE use.classid = 'pg_attrdef'::regclass AND use.objid = def.oid
          AND use.refclassid = 'pg_class'::regclass
        LIMIT 1) AS default_sequence,
       ARRAY(SELECT ARRAY[sn.nspname::text, s.relname::text]
             FROM pg_depend own
             JOIN pg_class s ON s.oid = own.objid AND s.relkind = 'S'
             JOIN pg_namespace sn ON sn.oid = s.relnamespace
             WHERE own.classid = 'pg_class'::regclass AND own.deptype = 'a'
               AND own.refclassid = 'pg_class'::regclass
               AND own.refobjid = a.attrelid AND own.refobjsubid = a.attnum
             ORDER BY 1) AS owned_sequences,
       (SELECT jsonb_agg(jsonb_build_object(
                   'name', jsonb_build_array(sn.nspname, s.relname),
                   'type', format_type(q.seqtypid, NULL),
                   'start', q.seqstart, 'increment', q.seqincrement, 'minimum', q.seqmin, 'maximum', q.seqmax,
                   'cache', q.seqcache, 'cycles', q.seqcycle,
                   'owner', pg_get_userbyid(s.relowner),
                   'comment', obj_description(s.oid, 'pg_class'),
                   'privileges',
                   (SELECT coalesce(jsonb_agg(jsonb_build_object(
                               'grantee', CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END,
                               'privilege', x.privilege_type,
                               'grantable', x.is_grantable,
                               'grantor', pg_get_userbyid(x.grantor)::text) ORDER BY x.ordinality), '[]')
                    FROM aclexplode(s.relacl) WITH ORDINALITY AS x
                    HAVING s.relacl IS NOT NULL),
                   'default_grantees',
                   (SELECT jsonb_agg(DISTINCT CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END)
                    FROM pg_default_acl da, aclexplode(da.defaclacl) AS x
                    WHERE da.defaclobjtype = 'S' AND da.defaclrole = s.relowner
                      AND da.defaclnamespace IN (0, s.relnamespace))) ORDER BY sn.nspname, s.relname)
        FROM pg_depend own
        JOIN pg_class s ON s.oid = own.objid AND s.relkind = 'S'
        JOIN pg_namespace sn ON sn.oid = s.relnamespace
        JOIN pg_sequence q ON q.seqrelid = s.oid
        WHERE own.classid = 'pg_class'::regclass AND own.deptype IN ('a', 'i')
          AND own.refclassid = 'pg_class'::regclass
          AND own.refobjid = a.attrelid AND own.refobjsubid = a.attnum) AS sequences,
       CASE a.attidentity WHEN 'a' THEN true WHEN 'd' THEN false END AS identity_always,
       ids.name AS identity_sequence,
       ids.options AS sequence_options,
       ids.acl AS sequence_acl,
       ids.comment AS sequence_comment,
       CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::int END AS statistics_target,
       CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main'
                         ELSE 'extended' END AS storage,
       a.attstorage = t.typstorage AS storage_is_default,
       CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
       col_description(a.attrelid, a.attnum) AS comment,
       coalesce(a.attacl::text[], '{}') AS acl,
       (SELECT jsonb_agg(jsonb_build_object(
                   'grantee', CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END,
                   'privilege', x.privilege_type,
                   'grantable', x.is_grantable,
                   'grantor', pg_get_userbyid(x.grantor)::text) ORDER BY x.ordinality)
        FROM aclexplode(a.attacl) WITH ORDINALITY AS x) AS privileges,
       a.attinhcount::int AS inherited_count,
       a.attislocal AS is_local,
       coalesce(a.attoptions, '{}') AS options,
       a.atthasmissing AS has_missing_value,
       (SELECT st.avg_width FROM pg_stats st
        WHERE st.schemaname = (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.relnamespace)
          AND st.tablename = c.relname AND st.attname = a.attname
          AND st.inherited = (c.relkind = 'p')) AS average_width
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef def ON def.adrelid = a.attrelid AND def.adnum = a.attnum
JOIN LATERAL (
    WITH RECURSIVE chain AS (
        SELECT t.oid, t.typtype, t.typbasetype, t.typnotnull
        UNION ALL
        SELECT d.oid, d.typtype, d.typbasetype, d.typnotnull FROM chain JOIN pg_type d ON d.oid = chain.typbasetype
    )
    SELECT y.typname, y.typnamespace, y.typelem, y.typsubscript,
           EXISTS (SELECT FROM chain AS d
                   WHERE d.typtype = 'd'
                     AND (d.typnotnull
                          OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = d.oid AND k.contype = 'c'))
                  ) AS constrained
    FROM chain JOIN pg_type y ON y.oid = chain.oid WHERE chain.typtype <> 'd'
) AS b ON true
LEFT JOIN LATERAL (
    WITH RECURSIVE chain AS (
        SELECT i.oid, i.typtype, i.typbasetype FROM pg_type i
        WHERE i.oid = b.typelem AND b.typsubscript = 'array_subscript_handler'::regproc
        UNION ALL
        SELECT d.oid, d.typtype, d.typbasetype FROM chain JOIN pg_type d ON d.oid = chain.typbasetype
    )
    SELECT ARRAY[yn.nspname::text, y.typname::text] AS name
    FROM chain JOIN pg_type y ON y.oid = chain.oid JOIN pg_namespace yn ON yn.oid = y.typnamespace
    WHERE chain.typtype <> 'd'
) AS e ON true
LEFT JOIN LATERAL (
    -- From PostgreSQL 17 a partition shares the identity, and so the sequence, of its root.
    SELECT ARRAY[sn.nspname::text, s.relname::text] AS name,
           concat('START WITH ', q.seqstart, ' INCREMENT BY ', q.seqincrement, ' MINVALUE ', q.seqmin,
                  ' MAXVALUE ', q.seqmax, ' CACHE ', q.seqcache,
                  CASE WHEN q.seqcycle THEN ' CYCLE' ELSE ' NO CYCLE' END) AS options,
           coalesce(s.relacl::text[], '{}') AS acl,
           obj_description(s.oid, 'pg_class') AS comment
    FROM pg_attribute ra
    JOIN pg_depend own ON own.refclassid = 'pg_class'::regclass AND own.refobjid = ra.attrelid
                      AND own.refobjsubid = ra.attnum AND own.classid = 'pg_class'::regclass AND own.deptype = 'i'
    JOIN pg_class s ON s.oid = own.objid AND s.relkind = 'S'
    JOIN pg_namespace sn ON sn.oid = s.relnamespace
    JOIN pg_sequence q ON q.seqrelid = s.oid
    WHERE a.attidentity <> '' AND ra.attname = a.attname
      AND ra.attrelid IN (a.attrelid, pg_partition_root(a.attrelid))
    ORDER BY ra.attrelid = a.attrelid DESC
    LIMIT 1
) AS ids ON true
WHERE a.attrelid = ANY (%(oids)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
