-- The views %(oids)s: what each is and reads, and what stands on it. Their columns, indexes, triggers and extended
-- statistics are read with those of the tables.
SELECT c.oid::bigint AS oid,
       ARRAY[n.nspname::text, c.relname::text] AS name,
       CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END AS kind,
       c.relpersistence = 't' AS temporary,
       pg_get_userbyid(c.relowner)::text AS owner,
       -- To give a new view to its owner we have to be able to become it.
       pg_has_role(c.relowner, 'USAGE')
           AND pg_has_role(c.relowner, CASE WHEN current_setting('server_version_num')::int >= 160000
                                            THEN 'SET' ELSE 'MEMBER' END) AS owned,
       current_user::text AS creator,
       has_schema_privilege(c.relnamespace, 'CREATE') AS can_create_in_schema,
       has_schema_privilege(c.relowner, c.relnamespace, 'CREATE') AS owner_can_create_in_schema,
       rtrim(pg_get_viewdef(c.oid), ';') AS definition,
       coalesce(c.reloptions, '{}')
           || ARRAY(SELECT 'toast.' || o FROM pg_class t, unnest(t.reloptions) AS o WHERE t.oid = c.reltoastrelid)
           AS options,
       (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
       (SELECT am.amname::text FROM pg_am am WHERE am.oid = c.relam) AS access_method,
       c.relispopulated AS populated,
       CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'd' THEN 'default' ELSE 'nothing' END
           AS replica_identity,
       obj_description(c.oid, 'pg_class') AS comment,
       CASE WHEN c.relacl IS NOT NULL THEN coalesce(granted.privileges, '[]') END AS privileges,
       (SELECT coalesce(jsonb_agg(DISTINCT CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END)
                            FILTER (WHERE x.grantee IS NOT NULL), '[]')
        FROM pg_default_acl f LEFT JOIN LATERAL aclexplode(f.defaclacl) AS x ON true
        WHERE f.defaclrole = me.oid AND f.defaclobjtype = 'r' AND f.defaclnamespace IN (0, c.relnamespace)
        HAVING count(*) > 0) AS default_grantees,
       ARRAY(SELECT DISTINCT pg_get_userbyid(x.grantor)::text
             FROM (SELECT c.relacl AS acl
                   UNION ALL SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = c.oid) AS given,
                  aclexplode(given.acl) AS x
             WHERE x.grantor <> c.relowner
               AND NOT pg_has_role(session_user, x.grantor,
                                   CASE WHEN current_setting('server_version_num')::int >= 160000
                                        THEN 'SET' ELSE 'MEMBER' END)
             ORDER BY 1) AS unreachable_grantors,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'name', w.rulename, 'definition', rtrim(pg_get_ruledef(w.oid), ';'),
                   'comment', obj_description(w.oid, 'pg_rewrite')) ORDER BY w.rulename), '[]')
        FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN') AS rules,
       ARRAY(SELECT DISTINCT l.provider FROM pg_seclabel l
             WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid ORDER BY 1) AS label_providers,
       (SELECT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
          AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS extension,
       ARRAY(SELECT DISTINCT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
             WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
               AND (d.classid = 'pg_class'::regclass
                    AND (d.objid = c.oid OR d.objid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid))
                    OR d.classid = 'pg_trigger'::regclass
                    AND d.objid IN (SELECT t.oid FROM pg_trigger t WHERE t.tgrelid = c.oid))
             ORDER BY 1) AS extension_dependencies,
       used.uses,
       stood.dependents
FROM pg_class c
LEFT JOIN pg_type y ON y.oid = c.reltype
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_roles me ON me.rolname = current_user
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
               'grantee', CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END,
               'privilege', x.privilege_type,
               'grantable', x.is_grantable,
               'grantor', pg_get_userbyid(x.grantor)::text) ORDER BY x.ordinality) AS privileges
    FROM aclexplode(c.relacl) WITH ORDINALITY AS x
) AS granted
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'relation', ARRAY[un.nspname, u.relname],
               'columns', ARRAY(SELECT a.attname FROM pg_attribute a
                                WHERE a.attrelid = u.oid AND a.attnum > 0 AND a.attnum = ANY (edge.numbers)
                                ORDER BY a.attnum),
               -- A whole-row variable is recorded as one of the table; it is told from it by its type.
               'whole_row', edge.by_type
                   OR EXISTS (SELECT FROM pg_rewrite w
                              WHERE w.ev_class = c.oid AND u.reltype <> 0
                                AND concat(w.ev_action::text, w.ev_qual::text)
                                    ~ (':varattno 0 :vartype ' || u.reltype || '\M')))
               ORDER BY un.nspname, u.relname), '[]') AS uses
    FROM (SELECT e.relation, array_agg(e.number) AS numbers, bool_or(e.by_type) AS by_type
          FROM (SELECT d.refobjid AS relation, d.refobjsubid::int AS number, false AS by_type
                FROM pg_rewrite w
                JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                                AND d.refclassid = 'pg_class'::regclass
                WHERE w.ev_class = c.oid
                UNION ALL
                SELECT y.typrelid, 0, true
                FROM pg_depend d
                LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
                JOIN pg_type t ON t.oid = d.refobjid
                JOIN pg_type y ON y.oid = t.oid OR y.typarray = t.oid
                WHERE d.refclassid = 'pg_type'::regclass AND y.typrelid <> 0
                  AND (d.classid = 'pg_class'::regclass AND d.objid = c.oid OR w.ev_class = c.oid)) AS e
          GROUP BY e.relation) AS edge
    JOIN pg_class u ON u.oid = edge.relation AND u.oid <> c.oid AND u.relkind IN ('r', 'p', 'f', 'v', 'm')
    JOIN pg_namespace un ON un.oid = u.relnamespace
) AS used
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('kind', i.type, 'name', i.identity)), '[]') AS dependents
    FROM pg_depend d
    LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
    LEFT JOIN pg_class o ON o.oid = CASE d.classid
                                        WHEN 'pg_class'::regclass THEN d.objid
                                        WHEN 'pg_rewrite'::regclass THEN w.ev_class
                                        WHEN 'pg_trigger'::regclass
                                            THEN (SELECT t.tgrelid FROM pg_trigger t WHERE t.oid = d.objid)
                                        WHEN 'pg_attrdef'::regclass
                                            THEN (SELECT f.adrelid FROM pg_attrdef f WHERE f.oid = d.objid)
                                        WHEN 'pg_statistic_ext'::regclass
                                            THEN (SELECT x.stxrelid FROM pg_statistic_ext x WHERE x.oid = d.objid)
                                    END
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
    WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
           OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (c.reltype, y.typarray))
      AND NOT (d.classid = 'pg_type'::regclass AND d.objid IN (c.reltype, y.typarray))
      -- What belongs to a view or an index is recreated with it; a TOAST table comes by itself.
      AND coalesce(o.relkind NOT IN ('v', 'm', 'i', 't'), true)
) AS stood
WHERE c.oid = ANY (%(oids)s::oid[])
ORDER BY n.nspname, c.relname
