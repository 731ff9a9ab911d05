-- Users' triggers on the relations %(oids)s. The bits of tgtype are those of PostgreSQL's pg_trigger.h.
SELECT t.tgrelid::bigint AS relation,
       t.tgname::text AS name,
       ARRAY[n.nspname::text, p.proname::text] AS function,
       CASE WHEN t.tgtype & 2 <> 0 THEN 'before' WHEN t.tgtype & 64 <> 0 THEN 'instead' ELSE 'after' END AS timing,
       array_remove(ARRAY[CASE WHEN t.tgtype & 4 <> 0 THEN 'insert' END,
                          CASE WHEN t.tgtype & 8 <> 0 THEN 'delete' END,
                          CASE WHEN t.tgtype & 16 <> 0 THEN 'update' END,
                          CASE WHEN t.tgtype & 32 <> 0 THEN 'truncate' END], NULL) AS events,
       t.tgtype & 1 <> 0 AS row,
       ARRAY(SELECT a.attname::text
             FROM unnest(t.tgattr::int2[]) WITH ORDINALITY AS k (attnum, position)
             JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = k.attnum
             ORDER BY k.position) AS columns,
       ARRAY(SELECT a.attname::text
             FROM pg_attribute a
             WHERE a.attrelid = t.tgrelid
               AND EXISTS (SELECT FROM pg_depend d
                           WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
                             AND d.refclassid = 'pg_class'::regclass
                             AND d.refobjid = t.tgrelid AND d.refobjsubid = a.attnum)
             ORDER BY a.attnum) AS "references",
       t.tgenabled::text AS enabled,
       pg_get_triggerdef(t.oid) AS definition,
       t.tgqual IS NOT NULL AS has_when,
       p.prosrc AS function_body,
       (SELECT l.lanname::text FROM pg_language l WHERE l.oid = p.prolang) AS function_language,
       t.tgparentid <> 0 AS parent_inherited,
       obj_description(t.oid, 'pg_trigger') AS comment,
       ARRAY(SELECT e.extname::text
             FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
             WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
               AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
             ORDER BY 1) AS extensions
FROM pg_trigger t
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE t.tgrelid = ANY (%(oids)s::oid[]) AND NOT t.tgisinternal
ORDER BY t.tgrelid, t.tgname
