-- The tables named by %(schemas)s and %(names)s (a NULL schema: first on %(path)s), with all their descendants. The name
-- of an index stands for its table.
WITH RECURSIVE named AS (
    SELECT (SELECT coalesce((SELECT i.indrelid FROM pg_index i WHERE i.indexrelid = c.oid), c.oid)
            FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relname = w.name
              AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'i', 'I')
              AND (n.nspname = w.schema OR w.schema IS NULL AND n.nspname::text = ANY (%(path)s::text[]))
            ORDER BY array_position(%(path)s::text[], n.nspname::text)
            LIMIT 1) AS oid
    FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS w (schema, name)
), tree AS (
    SELECT oid FROM named WHERE oid IS NOT NULL
    UNION
    SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
), key_column AS (
    -- A partition key's columns depend on their table, as a whole, the other way round than usual.
    SELECT a.attrelid AS relation, a.attname::text AS name, a.attnum AS number
    FROM pg_attribute a
    JOIN pg_class k ON k.oid = a.attrelid AND k.relkind = 'p'
    WHERE EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = a.attrelid AND d.objsubid = a.attnum
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = 0
                    AND d.deptype = 'i')
)
SELECT c.oid::bigint AS oid,
       ARRAY[n.nspname::text, c.relname::text] AS name,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign'
                      WHEN 'v' THEN 'view' ELSE 'materialized view' END AS kind,
       CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END AS persistence,
       pg_get_userbyid(c.relowner)::text AS owner,
       pg_has_role(c.relowner, 'USAGE') AS owned,
       has_schema_privilege(c.relnamespace, 'CREATE') AS can_create_in_schema,
       ARRAY(SELECT jsonb_build_object(
                 'name', r.rulename, 'instead', r.is_instead, 'conditional', r.ev_qual::text <> '<>',
                 'enabled', r.ev_enabled, 'event',
                 CASE r.ev_type WHEN '2' THEN 'update' WHEN '3' THEN 'insert' WHEN '4' THEN 'delete' ELSE 'select' END)
             FROM pg_rewrite r
             WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN' ORDER BY r.rulename) AS rules,
       ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY 1) AS policies,
       c.relrowsecurity AS row_security,
       c.relforcerowsecurity AS force_row_security,
       coalesce(c.relacl::text[], '{}') AS acl,
       CASE WHEN c.relacl IS NOT NULL THEN
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'grantee', CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END,
                       'privilege', x.privilege_type,
                       'grantable', x.is_grantable,
                       'grantor', pg_get_userbyid(x.grantor)::text) ORDER BY x.ordinality), '[]')
            FROM aclexplode(c.relacl) WITH ORDINALITY AS x)
       END AS privileges,
       ARRAY(SELECT DISTINCT CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END
             FROM pg_default_acl f JOIN pg_roles me ON me.oid = f.defaclrole, aclexplode(f.defaclacl) AS x
             WHERE me.rolname = current_user AND f.defaclobjtype = 'r'
             ORDER BY 1) AS default_grantees,
       CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'index'
                           ELSE 'default' END AS replica_identity,
       (SELECT ic.relname::text FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisreplident) AS replica_identity_index,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       ARRAY(SELECT k.name FROM key_column k WHERE k.relation = c.oid ORDER BY k.number) AS partition_key_columns,
       ARRAY(SELECT DISTINCT k.name FROM pg_partition_ancestors(c.oid) AS up (relation)
             JOIN key_column k USING (relation) WHERE relation <> c.oid ORDER BY 1) AS bound_columns,
       c.relispartition AS is_partition,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
       ARRAY(SELECT ARRAY[pn.nspname::text, p.relname::text]
             FROM pg_inherits i
             JOIN pg_class p ON p.oid = i.inhparent
             JOIN pg_namespace pn ON pn.oid = p.relnamespace
             WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
       ARRAY(SELECT ARRAY[kn.nspname::text, k.relname::text]
             FROM pg_inherits i
             JOIN pg_class k ON k.oid = i.inhrelid
             JOIN pg_namespace kn ON kn.oid = k.relnamespace
             WHERE i.inhparent = c.oid ORDER BY 1) AS descendants,
       coalesce(c.reloptions, '{}') AS storage_parameters,
       obj_description(c.oid, 'pg_class') AS comment,
       c.reltuples::bigint AS rows_estimate,
       coalesce(pg_relation_size(c.oid), 0) AS size_bytes,
       coalesce(pg_total_relation_size(c.oid), 0) AS total_bytes,
       (SELECT am.amname::text FROM pg_am am WHERE am.oid = c.relam) AS access_method,
       CASE WHEN c.relkind IN ('r', 'm') THEN
           (SELECT s.spcname::text
            FROM pg_database b
            JOIN pg_tablespace s ON s.oid = CASE WHEN c.reltablespace <> 0 THEN c.reltablespace ELSE b.dattablespace END
            WHERE b.datname = current_database())
       END AS tablespace,
       CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS typed_of,
       c.relnatts::int AS attribute_count,
       -- Of the row's type, or of arrays, domains, ranges and composite types made of it.
       ARRAY(WITH RECURSIVE holder AS (
                 SELECT c.reltype AS type
                 UNION
                 SELECT coalesce(k.reltype, d.objid)
                 FROM holder h
                 JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = h.type
                 LEFT JOIN pg_class k ON d.classid = 'pg_class'::regclass AND k.oid = d.objid AND k.relkind = 'c'
                 WHERE d.classid = 'pg_type'::regclass OR k.oid IS NOT NULL
             )
             SELECT DISTINCT quote_ident(un.nspname) || '.' || quote_ident(u.relname) || '.' || quote_ident(ua.attname)
             FROM holder h
             JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = h.type
                             AND d.classid = 'pg_class'::regclass
             JOIN pg_class u ON u.oid = d.objid AND u.relkind IN ('r', 'p', 'm')
             JOIN pg_namespace un ON un.oid = u.relnamespace
             JOIN pg_attribute ua ON ua.attrelid = u.oid AND ua.attnum = d.objsubid AND NOT ua.attisdropped
             WHERE h.type <> 0
             ORDER BY 1) AS row_type_columns
FROM tree
JOIN pg_class c ON c.oid = tree.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY n.nspname, c.relname
