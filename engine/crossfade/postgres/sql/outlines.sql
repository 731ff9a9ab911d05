-- Every table and view of the database outside the system's schemas, with what makes one change along with another:
-- parents, foreign keys, columns of types and collations of one's own, triggers, statistics, functions, sequences, what it
-- is sorted by, publications; of a view what it reads.
WITH part (classid, oid, relation) AS (
    SELECT 'pg_attrdef'::regclass, oid, adrelid FROM pg_attrdef
    UNION ALL
    SELECT 'pg_constraint'::regclass, oid, conrelid FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0
    UNION ALL
    SELECT 'pg_class'::regclass, indexrelid, indrelid FROM pg_index
    UNION ALL
    SELECT 'pg_policy'::regclass, oid, polrelid FROM pg_policy
    UNION ALL
    SELECT 'pg_rewrite'::regclass, oid, ev_class FROM pg_rewrite
),
sorting (classid, oid, name) AS (
    SELECT 'pg_collation'::regclass, c.oid, ARRAY['OBJECT_COLLATION', n.nspname::text, c.collname::text]
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
    UNION ALL
    SELECT 'pg_opclass'::regclass, c.oid, ARRAY['OBJECT_OPCLASS', n.nspname::text, c.opcname::text]
    FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace
    UNION ALL
    SELECT 'pg_opclass'::regclass, c.oid, ARRAY['OBJECT_OPFAMILY', n.nspname::text, f.opfname::text]
    FROM pg_opclass c JOIN pg_opfamily f ON f.oid = c.opcfamily JOIN pg_namespace n ON n.oid = f.opfnamespace
),
needed AS (
    SELECT part.relation,
           jsonb_agg(DISTINCT jsonb_build_object(
               'name', ARRAY[fn.nspname, f.proname],
               'arguments', ARRAY(SELECT t.typname
                                  FROM unnest(f.proargtypes::oid[]) WITH ORDINALITY AS a (type, place)
                                  JOIN pg_type t ON t.oid = a.type ORDER BY a.place)))
               FILTER (WHERE f.oid IS NOT NULL) AS functions,
           array_agg(DISTINCT sorting.name) FILTER (WHERE sorting.oid IS NOT NULL) AS sorting,
           array_agg(DISTINCT ARRAY[sn.nspname::text, s.relname::text]) FILTER (WHERE s.oid IS NOT NULL) AS sequences
    FROM pg_depend d
    JOIN part ON part.classid = d.classid AND part.oid = d.objid
    LEFT JOIN pg_proc f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
    LEFT JOIN pg_namespace fn ON fn.oid = f.pronamespace
    LEFT JOIN pg_class s ON d.refclassid = 'pg_class'::regclass AND s.oid = d.refobjid AND s.relkind = 'S'
    LEFT JOIN pg_namespace sn ON sn.oid = s.relnamespace
    LEFT JOIN sorting ON sorting.classid = d.refclassid AND sorting.oid = d.refobjid
    WHERE f.oid IS NOT NULL OR s.oid IS NOT NULL OR sorting.oid IS NOT NULL
    GROUP BY part.relation
),
published AS (
    SELECT ARRAY[schemaname::text, tablename::text] AS name, array_agg(pubname::text) AS publications
    FROM pg_publication_tables GROUP BY schemaname, tablename
),
relation AS (
    SELECT c.oid, c.relkind, c.reloftype, ARRAY[n.nspname::text, c.relname::text] AS name
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND (n.oid = pg_my_temp_schema() OR NOT starts_with(n.nspname, 'pg_temp_'))
)
SELECT relation.name,
       CASE relation.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign'
                             WHEN 'v' THEN 'view' ELSE 'materialized view' END AS kind,
       CASE WHEN relation.reloftype <> 0 THEN format_type(relation.reloftype, NULL) END AS typed_of,
       ARRAY(SELECT k.name FROM pg_inherits i JOIN relation k ON k.oid = i.inhrelid
             WHERE i.inhparent = relation.oid) AS descendants,
       ARRAY(SELECT jsonb_build_object(
                 'name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'referenced', p.name,
                 'columns', ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
                                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number
                                  ORDER BY u.place),
                 'referenced_columns',
                 ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
                       JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place))
             FROM pg_constraint k JOIN relation p ON p.oid = k.confrelid
             WHERE k.conrelid = relation.oid AND k.contype = 'f' AND k.conparentid = 0) AS keys,
       ARRAY(SELECT jsonb_build_object(
                 'name', a.attname, 'number', a.attnum, 'type', format_type(a.atttypid, a.atttypmod),
                 'type_name', ARRAY[tn.nspname, t.typname],
                 'element_type', CASE WHEN e.oid IS NOT NULL THEN ARRAY[en.nspname, e.typname] END,
                 'collation', CASE WHEN cn.nspname <> 'pg_catalog' THEN ARRAY[cn.nspname, co.collname] END)
             FROM pg_attribute a
             JOIN pg_type t ON t.oid = a.atttypid
             JOIN pg_namespace tn ON tn.oid = t.typnamespace
             LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
             LEFT JOIN pg_namespace en ON en.oid = e.typnamespace
             LEFT JOIN pg_collation co ON co.oid = a.attcollation
             LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
             WHERE a.attrelid = relation.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND relation.relkind IN ('r', 'p', 'f')
               AND (tn.nspname <> 'pg_catalog' OR cn.nspname <> 'pg_catalog')) AS columns,
       ARRAY(SELECT jsonb_build_object('name', g.tgname, 'function', ARRAY[fn.nspname, f.proname])
             FROM pg_trigger g
             JOIN pg_proc f ON f.oid = g.tgfoid
             JOIN pg_namespace fn ON fn.oid = f.pronamespace
             WHERE g.tgrelid = relation.oid AND NOT g.tgisinternal) AS triggers,
       ARRAY(SELECT ARRAY[sn.nspname::text, s.stxname::text]
             FROM pg_statistic_ext s JOIN pg_namespace sn ON sn.oid = s.stxnamespace
             WHERE s.stxrelid = relation.oid) AS statistics,
       coalesce(published.publications, '{}') AS publications,
       coalesce(needed.functions, '[]') AS calls,
       coalesce(needed.sorting, '{}') AS sorts_by,
       coalesce(needed.sequences, '{}') AS draws_from,
       CASE WHEN relation.relkind IN ('v', 'm') THEN
           (SELECT coalesce(jsonb_agg(jsonb_build_object('relation', u.name, 'columns', u.columns)), '[]')
            FROM (SELECT r.name, array_agg(a.attname) FILTER (WHERE a.attname IS NOT NULL) AS columns
                  FROM pg_rewrite w
                  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                                  AND d.refclassid = 'pg_class'::regclass
                  JOIN relation r ON r.oid = d.refobjid AND r.oid <> relation.oid
                  LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
                  WHERE w.ev_class = relation.oid AND w.rulename = '_RETURN'
                  GROUP BY r.name) AS u)
       END AS reads,
       CASE WHEN relation.relkind = 'v' AND pg_relation_is_updatable(relation.oid, false) <> 0
            THEN rtrim(pg_get_viewdef(relation.oid), ';') END AS definition,
       -- Bits of a trigger's type: 64 INSTEAD OF, 4 INSERT, 8 DELETE, 16 UPDATE.
       ARRAY(SELECT e.event
             FROM pg_trigger g
             JOIN (VALUES (4, 'insert'), (8, 'delete'), (16, 'update')) AS e (bit, event) ON g.tgtype & e.bit <> 0
             WHERE g.tgrelid = relation.oid AND g.tgtype & 64 <> 0
             UNION
             SELECT CASE w.ev_type WHEN '2' THEN 'update' WHEN '3' THEN 'insert' ELSE 'delete' END
             FROM pg_rewrite w
             WHERE w.ev_class = relation.oid AND w.is_instead AND w.ev_type <> '1') AS replaced
FROM relation
LEFT JOIN needed ON needed.relation = relation.oid
LEFT JOIN published ON published.name = relation.name
ORDER BY relation.name
