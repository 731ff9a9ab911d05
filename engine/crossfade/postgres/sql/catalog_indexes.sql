-- The indexes of the relations %(oids)s.
SELECT i.indrelid::bigint AS relation,
       ARRAY[n.nspname::text, c.relname::text] AS name,
       i.indexrelid::bigint AS oid,
       pg_get_indexdef(i.indexrelid) AS definition,
       (SELECT am.amname::text FROM pg_am am WHERE am.oid = c.relam) AS method,
       ARRAY(SELECT a.attname::text
             FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
             ORDER BY k.position) AS columns,
       i.indnkeyatts::int AS key_count,
       -- Plain columns; what expressions and predicate are recorded to use; and all, where they use the whole row.
       ARRAY(SELECT a.attname::text
             FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped
               AND (a.attnum = ANY (i.indkey)
                    OR EXISTS (SELECT FROM pg_depend d
                               WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                 AND d.refclassid = 'pg_class'::regclass
                                 AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)
                    OR concat(i.indexprs::text, i.indpred::text) ~ ':varattno 0\M')) AS references,
       i.indisunique AS unique,
       i.indisprimary AS primary,
       i.indisexclusion AS exclusion,
       i.indisvalid AS valid,
       i.indisready AS ready,
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
       i.indpred IS NOT NULL AS partial,
       i.indexprs IS NOT NULL AS has_expressions,
       (SELECT k.conname::text FROM pg_constraint k
        WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS constraint,
       (SELECT ARRAY[pn.nspname::text, p.relname::text]
        FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
        WHERE h.inhrelid = i.indexrelid) AS parent,
       i.indisreplident AS replica_identity,
       i.indisclustered AS clustered,
       (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
       obj_description(i.indexrelid, 'pg_class') AS comment,
       ARRAY(SELECT ARRAY[a.attnum::int, a.attstattarget::int]
             FROM pg_attribute a
             WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0
             ORDER BY 1) AS statistics_targets,
       coalesce(pg_relation_size(i.indexrelid), 0) AS size_bytes,
       ARRAY(SELECT e.extname::text
             FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
             WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
               AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
             ORDER BY 1) AS extensions
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = ANY (%(oids)s::oid[])
ORDER BY n.nspname, c.relname
