-- What tables, views, functions, types and so on, or parts of them, cannot be without: functions, operators, extensions,
-- each with all that it cannot be without in turn. Dropped with CASCADE, it takes them along.
WITH RECURSIVE held (classid, oid, namespace, name) AS (
    SELECT 'pg_class'::regclass, oid, relnamespace, relname FROM pg_class WHERE relkind IN ('r', 'p', 'f', 'v', 'm')
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, pronamespace, proname FROM pg_proc
    UNION ALL
    SELECT 'pg_type'::regclass, oid, typnamespace, typname FROM pg_type
    WHERE oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_type'::regclass AND deptype = 'i')
    UNION ALL
    SELECT 'pg_operator'::regclass, oid, oprnamespace, oprname FROM pg_operator
    UNION ALL
    SELECT 'pg_opclass'::regclass, oid, opcnamespace, opcname FROM pg_opclass
    UNION ALL
    SELECT 'pg_opfamily'::regclass, oid, opfnamespace, opfname FROM pg_opfamily
    UNION ALL
    SELECT 'pg_collation'::regclass, oid, collnamespace, collname FROM pg_collation
    UNION ALL
    SELECT 'pg_conversion'::regclass, oid, connamespace, conname FROM pg_conversion
    UNION ALL
    SELECT 'pg_ts_config'::regclass, oid, cfgnamespace, cfgname FROM pg_ts_config
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, oid, dictnamespace, dictname FROM pg_ts_dict
),
holder AS (
    SELECT held.classid, held.oid, ARRAY[n.nspname::text, held.name::text] AS name
    FROM held
    JOIN pg_namespace n ON n.oid = held.namespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND (n.oid = pg_my_temp_schema() OR NOT starts_with(n.nspname, 'pg_temp_'))
),
part (classid, objid, objsubid, of_class, of_object, goes, "column") AS (
    SELECT classid, oid, 0, classid, oid, NULL, NULL FROM holder
    UNION ALL
    SELECT 'pg_rewrite'::regclass, oid, 0, 'pg_class'::regclass, ev_class,
           CASE WHEN rulename <> '_RETURN' THEN 'a rule' END, NULL
    FROM pg_rewrite
    UNION ALL
    SELECT 'pg_class'::regclass, attrelid, attnum, 'pg_class'::regclass, attrelid, 'a column', attname::text
    FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum, 'pg_type'::regclass, c.reltype, 'an attribute', NULL
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attnum > 0 AND c.relkind = 'c'
    UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, 0, 'pg_class'::regclass, d.adrelid,
           CASE a.attgenerated WHEN '' THEN 'a default' ELSE 'a column' END,
           CASE WHEN a.attgenerated <> '' THEN a.attname::text END
    FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT 'pg_constraint'::regclass, oid, 0, 'pg_class'::regclass, conrelid, 'a constraint', NULL
    FROM pg_constraint WHERE conrelid <> 0
    UNION ALL
    SELECT 'pg_constraint'::regclass, oid, 0, 'pg_type'::regclass, contypid, 'a constraint', NULL
    FROM pg_constraint WHERE contypid <> 0
    UNION ALL
    SELECT 'pg_class'::regclass, indexrelid, 0, 'pg_class'::regclass, indrelid, 'an index', NULL FROM pg_index
    UNION ALL
    SELECT 'pg_policy'::regclass, oid, 0, 'pg_class'::regclass, polrelid, 'a policy', NULL FROM pg_policy
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, oid, 0, 'pg_class'::regclass, stxrelid, 'statistics', NULL FROM pg_statistic_ext
    UNION ALL
    SELECT 'pg_trigger'::regclass, oid, 0, 'pg_class'::regclass, tgrelid, 'a trigger', NULL
    FROM pg_trigger WHERE NOT tgisinternal
),
-- Who needs whom; a whole is not there without its inner parts either. A member of an extension goes with that alone.
need AS (
    SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid
    FROM pg_depend d
    WHERE d.deptype = 'e'
       OR NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = d.classid AND m.objid = d.objid AND m.deptype = 'e')
    UNION ALL
    SELECT refclassid, refobjid, refobjsubid, classid, objid, objsubid FROM pg_depend WHERE deptype = 'i'
    UNION ALL
    SELECT 'pg_class'::regclass, attrelid, attnum, 'pg_class'::regclass, attrelid, 0 FROM pg_attribute
    WHERE attnum > 0 AND NOT attisdropped
),
-- Schemas are known otherwise; of tables also what is on them, and what other tables mean to them.
direct AS (
    SELECT DISTINCT part.of_class, part.of_object, part.goes, part.column,
                    d.refclassid AS classid, d.refobjid AS objid, d.refobjsubid AS objsubid
    FROM part
    JOIN pg_depend d USING (classid, objid, objsubid)
    LEFT JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid
    LEFT JOIN pg_constraint k ON d.refclassid = 'pg_constraint'::regclass AND k.oid = d.refobjid
    WHERE d.refclassid <> 'pg_namespace'::regclass
      AND (part.of_class <> 'pg_class'::regclass OR c.oid IS NULL OR c.relkind IN ('S', 'c'))
      AND k.conrelid IS DISTINCT FROM part.of_object
),
above AS (
    SELECT DISTINCT classid, objid, objsubid, classid AS refclassid, objid AS refobjid, objsubid AS refobjsubid FROM direct
    UNION
    SELECT a.classid, a.objid, a.objsubid, n.refclassid, n.refobjid, n.refobjsubid
    FROM above a
    JOIN need n ON (n.classid, n.objid, n.objsubid) = (a.refclassid, a.refobjid, a.refobjsubid)
),
-- Nobody can drop such a thing by itself.
part_of_another AS (
    SELECT DISTINCT classid, objid, objsubid FROM pg_depend WHERE deptype IN ('i', 'e')
),
argument (classid, objid, types) AS (
    SELECT called.classid, called.oid, array_agg(t.typname::text ORDER BY u.place)
    FROM (SELECT 'pg_proc'::regclass AS classid, oid, proargtypes::oid[] AS types FROM pg_proc
          UNION ALL
          SELECT 'pg_operator'::regclass, oid, ARRAY[oprleft, oprright] FROM pg_operator) AS called
    CROSS JOIN unnest(called.types) WITH ORDINALITY AS u (type, place)
    LEFT JOIN pg_type t ON t.oid = u.type
    GROUP BY called.classid, called.oid
),
thing AS (
    SELECT o.refclassid, o.refobjid, o.refobjsubid,
           CASE o.refclassid WHEN 'pg_proc'::regclass THEN 'function' ELSE i.type END AS what,
           CASE WHEN t.oid IS NOT NULL THEN ARRAY[tn.nspname::text, t.typname::text]
                WHEN i.type IN ('operator class', 'operator family') THEN i.object_names[2:]
                ELSE i.object_names END AS name,
           coalesce(argument.types, '{}') AS arguments
    FROM (SELECT DISTINCT refclassid, refobjid, refobjsubid FROM above) AS o
    LEFT JOIN part_of_another p ON (p.classid, p.objid, p.objsubid) = (o.refclassid, o.refobjid, o.refobjsubid)
    CROSS JOIN pg_identify_object_as_address(o.refclassid, o.refobjid, o.refobjsubid) AS i
    LEFT JOIN pg_type t ON o.refclassid = 'pg_type'::regclass AND t.oid = o.refobjid
    LEFT JOIN pg_namespace tn ON tn.oid = t.typnamespace
    LEFT JOIN argument ON (argument.classid, argument.objid) = (o.refclassid, o.refobjid)
    WHERE p.objid IS NULL
)
SELECT holder.name, holder.classid = 'pg_class'::regclass AS is_relation,
       jsonb_agg(DISTINCT jsonb_build_object('what', thing.what, 'name', thing.name, 'arguments', thing.arguments,
                                             'goes', direct.goes, 'column', direct.column)) AS needs
FROM direct
JOIN holder ON (holder.classid, holder.oid) = (direct.of_class, direct.of_object)
JOIN above ON (above.classid, above.objid, above.objsubid) = (direct.classid, direct.objid, direct.objsubid)
JOIN thing USING (refclassid, refobjid, refobjsubid)
WHERE thing.name[:2] <> holder.name AND thing.name <> holder.name[:1]
GROUP BY holder.name, is_relation
