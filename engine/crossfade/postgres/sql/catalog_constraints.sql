-- Constraints on the relations %(oids)s, and foreign keys that point at them. Constraint triggers are triggers.
-- Columns that a server version lacks are read through to_jsonb, which does not mind.
SELECT c.conrelid::bigint AS relation,
       c.confrelid::bigint AS target,
       c.conparentid <> 0 AS is_copy,
       -- Of a foreign key to a partitioned table PostgreSQL keeps one for each partition of that, on the same table.
       coalesce(whole.conrelid = c.conrelid, false) AS is_part,
       c.conname::text AS name,
       CASE c.contype WHEN 'p' THEN 'primary' WHEN 'u' THEN 'unique' WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign'
                      WHEN 'x' THEN 'exclusion' ELSE 'not_null' END AS kind,
       ARRAY[rn.nspname::text, r.relname::text] AS on_table,
       -- In a CHECK, column 0 is the row as a whole.
       ARRAY(SELECT a.attname::text
             FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, position)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND NOT a.attisdropped AND a.attnum > 0
                                AND (a.attnum = k.attnum OR k.attnum = 0 AND c.contype = 'c')
             ORDER BY k.position, a.attnum) AS columns,
       pg_get_constraintdef(c.oid) AS definition,
       c.convalidated AS validated,
       coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) AS enforced,
       c.condeferrable AS deferrable,
       c.condeferred AS deferred,
       CASE WHEN c.contype IN ('p', 'u', 'x')
            THEN (SELECT i.relname::text FROM pg_class i WHERE i.oid = c.conindid) END AS index,
       obj_description(c.oid, 'pg_constraint') AS comment,
       c.connoinherit AS no_inherit,
       (SELECT ARRAY[tn.nspname::text, t.relname::text]
        FROM pg_class t JOIN pg_namespace tn ON tn.oid = t.relnamespace
        WHERE t.oid = c.confrelid) AS referenced,
       ARRAY(SELECT a.attname::text
             FROM unnest(c.confkey) WITH ORDINALITY AS k (attnum, position)
             JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum
             ORDER BY k.position) AS referenced_columns,
       c.coninhcount > 0 OR c.conparentid <> 0 AS inherited,
       c.conislocal AS is_local,
       -- A query that groups by a primary key alone, or a parsed body with ON CONFLICT ON CONSTRAINT.
       ARRAY(SELECT DISTINCT coalesce(
                 (SELECT CASE v.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END
                             || quote_ident(vn.nspname) || '.' || quote_ident(v.relname)
                  FROM pg_rewrite w
                  JOIN pg_class v ON v.oid = w.ev_class
                  JOIN pg_namespace vn ON vn.oid = v.relnamespace
                  WHERE d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid AND w.rulename = '_RETURN'),
                 pg_describe_object(d.classid, d.objid, d.objsubid))
             FROM pg_depend d
             WHERE d.refclassid = 'pg_constraint'::regclass AND d.refobjid = c.oid
               AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
             ORDER BY 1) AS needed_by
FROM pg_constraint c
JOIN pg_class r ON r.oid = c.conrelid
JOIN pg_namespace rn ON rn.oid = r.relnamespace
LEFT JOIN pg_constraint whole ON whole.oid = c.conparentid
WHERE c.contype IN ('p', 'u', 'c', 'f', 'x', 'n')
  AND (c.conrelid = ANY (%(oids)s::oid[]) OR c.confrelid = ANY (%(oids)s::oid[]))
ORDER BY rn.nspname, r.relname, c.conname
