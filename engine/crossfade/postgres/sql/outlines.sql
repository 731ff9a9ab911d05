-- Every table and view of the database outside the system's schemas, with what makes one change along with another:
-- parents, foreign keys, columns of types and collations of one's own, triggers, statistics, publications; of a view what
-- it reads.
WITH published AS (
    SELECT ARRAY[schemaname::text, tablename::text] AS name, array_agg(pubname::text) AS publications
    FROM pg_publication_tables GROUP BY schemaname, tablename
),
relation AS NOT MATERIALIZED (
    SELECT c.oid, c.relkind, c.relowner, c.reloftype, ARRAY[n.nspname::text, c.relname::text] AS name
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND (n.oid = pg_my_temp_schema() OR NOT starts_with(n.nspname, 'pg_temp_'))
)
SELECT relation.name,
       CASE relation.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign'
                             WHEN 'v' THEN 'view' ELSE 'materialized view' END AS kind,
       pg_get_userbyid(relation.relowner) AS owner,
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
LEFT JOIN published ON published.name = relation.name
ORDER BY relation.name
