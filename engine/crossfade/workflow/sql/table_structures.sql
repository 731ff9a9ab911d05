-- Of the relations %(family)s, and those kept for run %(run)s, the ones that are not as they were kept; %(roots)s are
-- those that the plan names.
-- `structure` is an object of items by kind and name. The numbers of columns are beside it: one that was dropped and is
-- there again counts as undone, and one that has another name can be told. Foreign keys of other tables are found by their
-- triggers, since there is no index on what they refer to. An index that is not valid serves nobody, and one of a
-- partition follows its parent's, so neither is in it. What stands on a view that stands on a table counts as standing on
-- that, with the columns that the view uses; not where the view is one of the relations.
WITH RECURSIVE views AS (
    SELECT d.refobjid AS relation, d.refobjsubid AS number, v.oid AS view
    FROM pg_depend d
    JOIN pg_rewrite w ON w.oid = d.objid
    JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (%(family)s::oid[]) AND d.classid = 'pg_rewrite'::regclass
      AND v.oid <> ALL (%(family)s::oid[])
    UNION
    SELECT b.relation, b.number, v.oid
    FROM views b
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = b.view AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> b.view
    JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm') AND v.oid <> ALL (%(family)s::oid[])
), needed AS (
    SELECT d.refobjid AS relation, d.refobjsubid AS number, d.refobjid AS below, d.classid, d.objid, false AS is_of_row
    FROM pg_depend d
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (%(family)s::oid[])
    UNION ALL
    SELECT b.relation, b.number, b.view, d.classid, d.objid, false
    FROM views b
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = b.view
    UNION ALL
    -- What needs the type of a row goes with the table, and not with a column.
    SELECT o.relation, o.number, o.below, d.classid, d.objid, true
    FROM (SELECT f AS relation, 0 AS number, f AS below FROM unnest(%(family)s::oid[]) AS f
          UNION SELECT b.relation, b.number, b.view FROM views b) AS o
    JOIN pg_class c ON c.oid = o.below
    JOIN pg_type t ON t.oid = c.reltype
    JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray) AND d.deptype = 'n'
), items AS (
    SELECT c.oid AS relation, 'table' AS key, jsonb_build_object(
               'name', format('%%s.%%s', quote_ident(n.nspname), quote_ident(c.relname)),
               'relation', c.relname,
               'owner', pg_get_userbyid(c.relowner),
               'persistence', c.relpersistence,
               'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
               'bound', pg_get_expr(c.relpartbound, c.oid),
               'parents', (SELECT jsonb_agg(h.inhparent::regclass::text ORDER BY h.inhseqno)
                           FROM pg_inherits h WHERE h.inhrelid = c.oid),
               'row_security', c.relrowsecurity,
               'forced_row_security', c.relforcerowsecurity,
               'replica_identity', concat(c.relreplident, ' ' || (
                   SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)),
               'kind', c.relkind,
               -- The first table that a view is over.
               'shows', CASE WHEN c.relkind = 'v' THEN (
                   SELECT min(format('%%s.%%s', quote_ident(bn.nspname), quote_ident(b.relname)))
                   FROM pg_rewrite w
                   JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                                   AND d.refclassid = 'pg_class'::regclass
                   JOIN pg_class b ON b.oid = d.refobjid AND b.relkind IN ('r', 'p')
                   JOIN pg_namespace bn ON bn.oid = b.relnamespace
                   WHERE w.ev_class = c.oid) END,
               'rights', ARRAY(
                   SELECT concat(g.privilege_type, ' to ', CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END,
                                 CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' END)
                   FROM aclexplode(c.relacl) AS g WHERE g.grantee <> c.relowner ORDER BY 1),
               'comment', obj_description(c.oid, 'pg_class'),
               'options', c.reloptions,
               'tablespace', (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace)
           ) AS item
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(family)s::oid[])
    UNION ALL
    SELECT a.attrelid, concat('column ', a.attname), jsonb_build_object(
               'type', format_type(a.atttypid, a.atttypmod),
               'not_null', a.attnotnull,
               'default', pg_get_expr(d.adbin, d.adrelid),
               'generated', a.attgenerated,
               'identity', a.attidentity,
               'collation', CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
               'storage', a.attstorage,
               'rights', ARRAY(
                   SELECT concat(g.privilege_type, ' to ', CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END,
                                 CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' END)
                   FROM aclexplode(a.attacl) AS g ORDER BY 1),
               'comment', col_description(a.attrelid, a.attnum),
               'not_null_comment', (SELECT obj_description(k.oid, 'pg_constraint') FROM pg_constraint k
                                    WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]),
               'statistics', nullif(a.attstattarget, -1),
               'options', a.attoptions,
               'compression', nullif(a.attcompression, ''),
               'uses', CASE WHEN a.attgenerated <> '' THEN ARRAY(
                   SELECT u.attname::text
                   FROM pg_depend o JOIN pg_attribute u ON u.attrelid = a.attrelid AND u.attnum = o.refobjsubid
                   WHERE o.classid = 'pg_attrdef'::regclass AND o.objid = d.oid
                     AND o.refclassid = 'pg_class'::regclass AND o.refobjid = a.attrelid AND u.attnum <> a.attnum
                   ORDER BY 1) ELSE '{}' END)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = ANY (%(family)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT DISTINCT a.attrelid, concat('enum ', quote_ident(n.nspname), '.', quote_ident(t.typname)), jsonb_build_object(
               'values', ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
               'owner', pg_get_userbyid(t.typowner),
               'comment', obj_description(t.oid, 'pg_type'),
               'rights', ARRAY(
                   SELECT concat(g.privilege_type, ' to ', CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END)
                   FROM aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) AS g WHERE g.grantee <> t.typowner ORDER BY 1))
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid AND t.typtype = 'e'
    JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE a.attrelid = ANY (%(family)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT k.conrelid, concat('constraint ', k.conname), jsonb_build_object(
               'definition', pg_get_constraintdef(k.oid),
               'validated', k.convalidated,
               'comment', obj_description(k.oid, 'pg_constraint'),
               'index_comment', CASE WHEN k.contype IN ('p', 'u', 'x') THEN obj_description(k.conindid, 'pg_class') END,
               'clustered', (SELECT i.indisclustered FROM pg_index i
                             WHERE i.indexrelid = k.conindid AND i.indrelid = k.conrelid AND k.contype IN ('p', 'u', 'x')),
               -- Number 0 is the row as a whole, or an expression.
               'uses', ARRAY(SELECT coalesce(a.attname::text, '*')
                             FROM unnest(k.conkey) AS u (attnum)
                             LEFT JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = nullif(u.attnum, 0)
                             ORDER BY 1))
    FROM pg_constraint k
    WHERE k.conrelid = ANY (%(family)s::oid[]) AND k.contype IN ('p', 'u', 'c', 'f', 'x') AND k.conparentid = 0 AND (k.conislocal OR k.coninhcount = 0)
    UNION ALL
    SELECT DISTINCT k.confrelid, concat('foreign key ', k.conname, ' of ', k.conrelid::regclass), jsonb_build_object(
               'definition', pg_get_constraintdef(k.oid),
               'validated', k.convalidated,
               'uses', ARRAY(SELECT a.attname::text FROM pg_attribute a
                             WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey) ORDER BY 1))
    FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint
    WHERE t.tgrelid = ANY (%(family)s::oid[]) AND t.tgisinternal
      AND k.contype = 'f' AND k.confrelid = t.tgrelid AND k.conrelid <> t.tgrelid AND k.conparentid = 0
    UNION ALL
    SELECT i.indrelid, concat('index ', x.relname), jsonb_build_object(
               'definition', pg_get_indexdef(i.indexrelid),
               'valid', i.indisvalid,
               'comment', obj_description(x.oid, 'pg_class'),
               'clustered', i.indisclustered,
               'uses', ARRAY(SELECT a.attname::text
                             FROM pg_attribute a
                             WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped
                               AND (a.attnum = ANY (i.indkey)
                                    OR EXISTS (SELECT FROM pg_depend d
                                               WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                                 AND d.refclassid = 'pg_class'::regclass
                                                 AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)
                                    OR concat(i.indexprs::text, i.indpred::text) ~ ':varattno 0\M')
                             ORDER BY 1))
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indrelid = ANY (%(family)s::oid[])
      AND (i.indisvalid OR x.relkind = 'I') AND NOT x.relispartition
      AND NOT EXISTS (SELECT FROM pg_constraint k
                      WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT t.tgrelid, concat('trigger ', t.tgname), jsonb_build_object(
               'definition', CASE WHEN t.tgparentid = 0 THEN pg_get_triggerdef(t.oid) END,
               'enabled', t.tgenabled,
               'comment', obj_description(t.oid, 'pg_trigger'),
               'body', CASE WHEN p.pronamespace = 'crossfade'::regnamespace
                            THEN encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') END,
               'uses', CASE WHEN p.pronamespace = 'crossfade'::regnamespace THEN '{*}' ELSE ARRAY(
                   SELECT a.attname::text
                   FROM pg_attribute a
                   WHERE a.attrelid = t.tgrelid AND a.attnum > 0
                     AND (a.attnum = ANY (t.tgattr)
                          OR EXISTS (SELECT FROM pg_depend d
                                     WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
                                       AND d.refclassid = 'pg_class'::regclass
                                       AND d.refobjid = t.tgrelid AND d.refobjsubid = a.attnum))
                   ORDER BY 1) END)
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = ANY (%(family)s::oid[]) AND NOT t.tgisinternal
    UNION ALL
    SELECT p.polrelid, concat('policy ', p.polname), jsonb_build_object(
               'definition', concat_ws('; ', p.polcmd, p.polpermissive,
                   (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r)::text END, ', ' ORDER BY 1)
                    FROM unnest(p.polroles) AS r),
                   'using ' || pg_get_expr(p.polqual, p.polrelid),
                   'check ' || pg_get_expr(p.polwithcheck, p.polrelid)),
               'comment', obj_description(p.oid, 'pg_policy'),
               'uses', ARRAY(SELECT a.attname::text
                             FROM pg_depend d JOIN pg_attribute a ON a.attrelid = p.polrelid AND a.attnum = d.refobjsubid
                             WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid
                             ORDER BY 1))
    FROM pg_policy p
    WHERE p.polrelid = ANY (%(family)s::oid[])
    UNION ALL
    SELECT w.ev_class, concat('rule ', w.rulename), jsonb_build_object(
               'definition', pg_get_ruledef(w.oid), 'enabled', w.ev_enabled,
               'comment', obj_description(w.oid, 'pg_rewrite'),
               'uses', ARRAY(SELECT DISTINCT a.attname::text
                             FROM pg_depend d JOIN pg_attribute a ON a.attrelid = w.ev_class AND a.attnum = d.refobjsubid
                             WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = w.ev_class
                             ORDER BY 1))
    FROM pg_rewrite w
    WHERE w.ev_class = ANY (%(family)s::oid[]) AND w.rulename <> '_RETURN'
    UNION ALL
    -- What has no place on the table and needs its columns, or its row.
    SELECT u.relation, concat('dependent ', u.name), jsonb_build_object(
               'uses', coalesce(jsonb_agg(DISTINCT a.attname ORDER BY a.attname) FILTER (WHERE a.attname IS NOT NULL), '[]'),
               'made', CASE u.classid
                   WHEN 'pg_rewrite'::regclass THEN (
                       SELECT jsonb_build_object(
                           'definition', encode(sha256(convert_to(pg_get_viewdef(v.oid), 'UTF8')), 'hex'),
                           'owner', v.relowner,
                           'rights', v.relacl::text,
                           'comment', obj_description(v.oid, 'pg_class'),
                           'options', v.reloptions,
                           -- What PostgreSQL adds to the rights of one that is made anew.
                           'defaults', (SELECT jsonb_agg(concat(pg_get_userbyid(f.defaclrole), ' ', f.defaclacl) ORDER BY f.oid)
                                        FROM pg_default_acl f
                                        WHERE f.defaclobjtype = 'r' AND f.defaclnamespace IN (0, v.relnamespace)),
                           'storage', concat_ws(' ', v.reltablespace, v.relreplident, v.relam),
                           'columns', (SELECT jsonb_agg(concat_ws(' ', a.attname, pg_get_expr(f.adbin, f.adrelid), a.attacl,
                                                                  quote_nullable(col_description(v.oid, a.attnum)), a.attstattarget,
                                                                  a.attstorage, a.attcompression, a.attoptions) ORDER BY a.attnum)
                                       FROM pg_attribute a LEFT JOIN pg_attrdef f ON f.adrelid = v.oid AND f.adnum = a.attnum
                                       WHERE a.attrelid = v.oid AND a.attnum > 0),
                           'triggers', (SELECT jsonb_agg(concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled,
                                                                   quote_nullable(obj_description(t.oid, 'pg_trigger'))) ORDER BY t.tgname)
                                        FROM pg_trigger t WHERE t.tgrelid = v.oid AND NOT t.tgisinternal),
                           'rules', (SELECT jsonb_agg(concat_ws(' ', pg_get_ruledef(r.oid),
                                                                quote_nullable(obj_description(r.oid, 'pg_rewrite'))) ORDER BY r.rulename)
                                     FROM pg_rewrite r WHERE r.ev_class = v.oid AND r.rulename <> '_RETURN'),
                           'indexes', (SELECT jsonb_agg(concat_ws(' ', pg_get_indexdef(x.oid), i.indisclustered,
                                                                  quote_nullable(obj_description(x.oid, 'pg_class'))) ORDER BY x.relname)
                                       FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                                       WHERE i.indrelid = v.oid AND i.indisvalid),
                           'statistics', (SELECT jsonb_agg(concat_ws(' ', pg_get_statisticsobjdef(e.oid), e.stxstattarget,
                                                                     quote_nullable(obj_description(e.oid, 'pg_statistic_ext')))
                                                           ORDER BY e.stxname)
                                          FROM pg_statistic_ext e WHERE e.stxrelid = v.oid))
                       FROM pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class
                       WHERE w.oid = u.objid AND v.relkind IN ('v', 'm'))
                   WHEN 'pg_proc'::regclass THEN (
                       SELECT jsonb_build_object('definition', encode(sha256(convert_to(pg_get_functiondef(p.oid), 'UTF8')), 'hex'))
                       FROM pg_proc p WHERE p.oid = u.objid AND p.prokind IN ('f', 'p'))
                   WHEN 'pg_statistic_ext'::regclass THEN (
                       SELECT jsonb_build_object('definition', pg_get_statisticsobjdef(e.oid), 'target', nullif(e.stxstattarget, -1),
                                                 'owner', e.stxowner, 'comment', obj_description(e.oid, 'pg_statistic_ext'))
                       FROM pg_statistic_ext e WHERE e.oid = u.objid)
                   WHEN 'pg_publication_rel'::regclass THEN (
                       -- Columns and a condition, which PostgreSQL has from 15 on.
                       SELECT jsonb_build_object('definition', concat_ws(' ', r.item ->> 'prattrs', encode(
                                  sha256(convert_to(r.item ->> 'prqual', 'UTF8')), 'hex')))
                       FROM (SELECT to_jsonb(o) AS item FROM pg_publication_rel o WHERE o.oid = u.objid) AS r)
               END)
    FROM (SELECT d.relation, d.number, d.classid,
                 -- A view with rules is named once.
                 CASE WHEN d.classid = 'pg_rewrite'::regclass
                      THEN (SELECT min(r.oid) FROM pg_rewrite w JOIN pg_rewrite r ON r.ev_class = w.ev_class WHERE w.oid = d.objid)
                      ELSE d.objid END AS objid,
                 CASE d.classid
                     WHEN 'pg_rewrite'::regclass THEN (
                         SELECT concat(CASE v.relkind WHEN 'm' THEN 'materialized view ' WHEN 'v' THEN 'view ' ELSE 'a rule on ' END,
                                       format('%%s.%%s', quote_ident(n.nspname), quote_ident(v.relname)))
                         FROM pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
                         WHERE w.oid = d.objid AND w.ev_class <> d.below)
                     WHEN 'pg_policy'::regclass THEN (
                         SELECT format('policy %%s on %%s', quote_ident(p.polname), i.identity)
                         FROM pg_policy p, pg_identify_object('pg_class'::regclass, p.polrelid, 0) AS i
                         WHERE p.oid = d.objid AND p.polrelid <> d.below)
                     WHEN 'pg_proc'::regclass THEN (
                         SELECT concat('function ', i.identity)
                         FROM pg_proc p, pg_identify_object('pg_proc'::regclass, p.oid, 0) AS i
                         WHERE p.oid = d.objid AND p.pronamespace <> 'crossfade'::regnamespace)
                     WHEN 'pg_publication_rel'::regclass THEN (
                         SELECT concat('publication ', quote_ident(p.pubname))
                         FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.oid = d.objid)
                     WHEN 'pg_statistic_ext'::regclass THEN (
                         SELECT concat('statistics ', i.identity)
                         FROM pg_statistic_ext e, pg_identify_object('pg_statistic_ext'::regclass, e.oid, 0) AS i
                         WHERE e.oid = d.objid AND e.stxrelid = d.relation AND d.number > 0)
                     WHEN 'pg_type'::regclass THEN (
                         SELECT concat('type ', i.identity)
                         FROM pg_type t, pg_identify_object('pg_type'::regclass, t.oid, 0) AS i
                         WHERE t.oid = d.objid AND t.typrelid <> d.below AND t.typtype <> 'b')
                     WHEN 'pg_class'::regclass THEN (
                         SELECT concat(CASE c.relkind WHEN 'c' THEN 'type ' ELSE 'table ' END, i.identity)
                         FROM pg_class c, pg_identify_object('pg_class'::regclass, c.oid, 0) AS i
                         WHERE c.oid = d.objid AND c.oid <> d.below AND c.relkind IN ('r', 'p', 'f', 'c') AND d.is_of_row)
                 END AS name
          FROM needed d
          WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass, 'pg_publication_rel'::regclass,
                              'pg_statistic_ext'::regclass, 'pg_type'::regclass, 'pg_class'::regclass)) AS u
    LEFT JOIN pg_attribute a ON a.attrelid = u.relation AND a.attnum = nullif(u.number, 0)
    WHERE u.name IS NOT NULL
    GROUP BY u.relation, u.name, u.classid, u.objid
), found AS (
    SELECT i.relation, i.structure, encode(sha256(convert_to(i.structure::text, 'UTF8')), 'hex') AS digest
    FROM (SELECT relation, jsonb_object_agg(key, item) AS structure FROM items GROUP BY relation) AS i
)
SELECT coalesce(k.relation, f.relation)::bigint AS relation,
       coalesce(k.is_root, f.relation = ANY (%(roots)s::oid[])) AS is_root,
       EXISTS (SELECT FROM pg_class c WHERE c.oid = coalesce(k.relation, f.relation)) AS is_there,
       k.structure AS kept,
       k.numbers AS kept_numbers,
       f.structure AS found,
       (SELECT jsonb_object_agg(a.attname, a.attnum)
        FROM pg_attribute a
        WHERE a.attrelid = f.relation AND a.attnum > 0 AND NOT a.attisdropped) AS found_numbers
FROM found f
FULL JOIN (SELECT * FROM crossfade.baselines b WHERE b.run_id = %(run)s) AS k USING (relation)
WHERE k.digest IS DISTINCT FROM f.digest
ORDER BY 2 DESC, 1
