-- Of the relations %(family)s, and those kept for run %(run)s, the ones that are not as they were kept; %(roots)s are
-- those that the plan names.
-- `structure` is an object of items by kind and name. The numbers of columns are beside it: one that was dropped and is
-- there again counts as undone, and one that has another name can be told. Foreign keys of other tables are found by their
-- triggers, since there is no index on what they refer to. An index that is not valid serves nobody, and one of a
-- partition follows its parent's, so neither is in it.
WITH items AS (
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
               'uses', ARRAY(SELECT DISTINCT a.attname::text
                             FROM pg_depend d JOIN pg_attribute a ON a.attrelid = w.ev_class AND a.attnum = d.refobjsubid
                             WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = w.ev_class
                             ORDER BY 1))
    FROM pg_rewrite w
    WHERE w.ev_class = ANY (%(family)s::oid[]) AND w.rulename <> '_RETURN'
    UNION ALL
    -- What has no place on the table and needs its columns.
    SELECT u.relation, concat('dependent ', u.name), jsonb_build_object(
               'uses', coalesce(jsonb_agg(DISTINCT u.attname ORDER BY u.attname) FILTER (WHERE u.attname IS NOT NULL), '[]'),
               'view', (SELECT jsonb_build_object(
                            'definition', encode(sha256(convert_to(pg_get_viewdef(v.oid), 'UTF8')), 'hex'),
                            'rights', v.relacl::text,
                            'comment', obj_description(v.oid, 'pg_class'),
                            'options', v.reloptions)
                        FROM pg_class v WHERE v.oid = u.view))
    FROM (SELECT d.refobjid AS relation, a.attname,
                 CASE WHEN d.classid = 'pg_rewrite'::regclass THEN (
                     SELECT v.oid FROM pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class
                     WHERE w.oid = d.objid AND v.relkind IN ('v', 'm')) END AS view,
                 CASE d.classid
                     WHEN 'pg_rewrite'::regclass THEN (
                         SELECT concat(CASE v.relkind WHEN 'm' THEN 'materialized view ' WHEN 'v' THEN 'view ' ELSE 'a rule on ' END,
                                       format('%%s.%%s', quote_ident(n.nspname), quote_ident(v.relname)))
                         FROM pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
                         WHERE w.oid = d.objid AND w.ev_class <> d.refobjid)
                     WHEN 'pg_policy'::regclass THEN (
                         SELECT format('policy %%s on %%s', quote_ident(p.polname), i.identity)
                         FROM pg_policy p, pg_identify_object('pg_class'::regclass, p.polrelid, 0) AS i
                         WHERE p.oid = d.objid AND p.polrelid <> d.refobjid)
                     WHEN 'pg_proc'::regclass THEN (
                         SELECT concat('function ', i.identity)
                         FROM pg_proc p, pg_identify_object('pg_proc'::regclass, p.oid, 0) AS i
                         WHERE p.oid = d.objid AND p.pronamespace <> 'crossfade'::regnamespace)
                     WHEN 'pg_publication_rel'::regclass THEN (
                         SELECT concat('publication ', quote_ident(p.pubname))
                         FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.oid = d.objid)
                     WHEN 'pg_statistic_ext'::regclass THEN (
                         SELECT concat('statistics ', i.identity)
                         FROM pg_identify_object('pg_statistic_ext'::regclass, d.objid, 0) AS i)
                 END AS name
          FROM pg_depend d
          LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = nullif(d.refobjsubid, 0)
          WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (%(family)s::oid[])
            AND (d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass,
                               'pg_publication_rel'::regclass)
                 OR (d.refobjsubid > 0 AND d.classid = 'pg_statistic_ext'::regclass))) AS u
    WHERE u.name IS NOT NULL
    GROUP BY u.relation, u.name, u.view
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
