-- What the server knows to depend on columns of the relations %(oids)s, one row per dependent and relation.
-- A table's own constraints, indexes, plain defaults, sequences and partition key are parts of it and not listed.
WITH edge AS (
    SELECT d.refobjid AS relation, d.classid, d.objid, d.objsubid, array_agg(d.refobjsubid::int) AS numbers
    FROM pg_depend d
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (%(oids)s::oid[])
      AND d.classid <> 'pg_type'::regclass
    GROUP BY d.refobjid, d.classid, d.objid, d.objsubid
), spelled AS (
    SELECT c.oid, c.relkind, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
), found AS (
    SELECT e.relation, e.numbers,
           CASE WHEN r.rulename <> '_RETURN' THEN 'rule'
                WHEN s.relkind = 'm' THEN 'materialized view' ELSE 'view' END AS kind,
           CASE WHEN r.rulename <> '_RETURN' THEN quote_ident(r.rulename) || ' on ' || s.name ELSE s.name END AS name
    FROM edge e
    JOIN pg_rewrite r ON r.oid = e.objid
    JOIN spelled s ON s.oid = r.ev_class
    WHERE e.classid = 'pg_rewrite'::regclass AND NOT (r.ev_class = e.relation AND r.rulename = '_RETURN')
    UNION ALL
    SELECT e.relation, e.numbers, 'policy', quote_ident(p.polname) || ' on ' || s.name
    FROM edge e JOIN pg_policy p ON p.oid = e.objid JOIN spelled s ON s.oid = p.polrelid
    WHERE e.classid = 'pg_policy'::regclass
    UNION ALL
    SELECT e.relation, e.numbers, 'function',
           quote_ident(n.nspname) || '.' || quote_ident(p.proname)
               || '(' || pg_get_function_identity_arguments(p.oid) || ')'
    FROM edge e JOIN pg_proc p ON p.oid = e.objid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE e.classid = 'pg_proc'::regclass
    UNION ALL
    SELECT e.relation, array_remove(e.numbers, a.attnum::int), 'generated column',
           s.name || '.' || quote_ident(a.attname)
    FROM edge e
    JOIN pg_attrdef f ON f.oid = e.objid
    JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> ''
    JOIN spelled s ON s.oid = f.adrelid
    WHERE e.classid = 'pg_attrdef'::regclass
    UNION ALL
    -- PostgreSQL 14 records the generated column itself, not its expression.
    SELECT e.relation, e.numbers, 'generated column', s.name || '.' || quote_ident(a.attname)
    FROM edge e
    JOIN pg_attribute a ON a.attrelid = e.objid AND a.attnum = e.objsubid AND a.attgenerated <> ''
    JOIN spelled s ON s.oid = e.objid
    WHERE e.classid = 'pg_class'::regclass AND e.objid = e.relation
    UNION ALL
    SELECT e.relation, k.confkey::int[], 'foreign key', quote_ident(k.conname) || ' on ' || s.name
    FROM edge e
    JOIN pg_constraint k ON k.oid = e.objid AND k.contype = 'f' AND k.confrelid = e.relation AND k.conparentid = 0
    JOIN spelled s ON s.oid = k.conrelid
    WHERE e.classid = 'pg_constraint'::regclass
    UNION ALL
    SELECT e.relation, e.numbers, 'publication', quote_ident(p.pubname)
    FROM edge e JOIN pg_publication_rel r ON r.oid = e.objid JOIN pg_publication p ON p.oid = r.prpubid
    WHERE e.classid = 'pg_publication_rel'::regclass
    UNION ALL
    SELECT e.relation, e.numbers, 'statistics', quote_ident(n.nspname) || '.' || quote_ident(x.stxname)
    FROM edge e JOIN pg_statistic_ext x ON x.oid = e.objid JOIN pg_namespace n ON n.oid = x.stxnamespace
    WHERE e.classid = 'pg_statistic_ext'::regclass
    UNION ALL
    SELECT e.relation, e.numbers, 'trigger', quote_ident(t.tgname) || ' on ' || s.name
    FROM edge e JOIN pg_trigger t ON t.oid = e.objid AND NOT t.tgisinternal JOIN spelled s ON s.oid = t.tgrelid
    WHERE e.classid = 'pg_trigger'::regclass
    UNION ALL
    SELECT e.relation, e.numbers, 'other', pg_describe_object(e.classid, e.objid, e.objsubid)
    FROM edge e
    WHERE e.classid NOT IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass,
                            'pg_attrdef'::regclass, 'pg_class'::regclass, 'pg_constraint'::regclass,
                            'pg_publication_rel'::regclass, 'pg_statistic_ext'::regclass, 'pg_trigger'::regclass)
    UNION ALL
    -- Views are known by their rules, which use the row itself as well.
    SELECT t.typrelid, '{}'::int[], 'row type', pg_describe_object(d.classid, d.objid, d.objsubid)
    FROM pg_type t
    JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray) AND d.deptype = 'n'
    WHERE t.typrelid = ANY (%(oids)s::oid[]) AND d.classid <> 'pg_rewrite'::regclass
), named AS (
    SELECT f.relation::bigint AS relation, f.kind, f.name,
           ARRAY(SELECT a.attname::text FROM pg_attribute a
                 WHERE a.attrelid = f.relation AND a.attnum > 0 AND a.attnum = ANY (f.numbers)
                 ORDER BY a.attnum) AS columns
    FROM found f
)
SELECT relation, kind, name, columns
FROM named
WHERE columns <> '{}' OR kind IN ('view', 'materialized view', 'rule', 'function', 'row type')
ORDER BY relation, kind, name
