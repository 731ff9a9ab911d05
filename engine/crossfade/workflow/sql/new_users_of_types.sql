-- What uses the types %(types)s, arrays of them or domains over them, and came after run %(run)s had kept its tables: columns
-- on other tables, functions, domains, casts. Once the types have stepped aside, these would keep them from going.
WITH RECURSIVE meant AS (
    SELECT t.oid, t.typarray FROM unnest(%(types)s::text[]) AS w (name) JOIN pg_type t ON t.oid = to_regtype(w.name)
    UNION
    SELECT t.oid, t.typarray FROM pg_type t JOIN meant ON t.typbasetype IN (meant.oid, meant.typarray) WHERE t.typtype = 'd'
), users AS (
    SELECT format('column %%s.%%s.%%s', quote_ident(n.nspname), quote_ident(c.relname), quote_ident(a.attname)) AS user
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.atttypid IN (SELECT oid FROM meant UNION SELECT typarray FROM meant)
      AND c.relkind IN ('r', 'p', 'f', 'c') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attinhcount = 0
      AND NOT EXISTS (SELECT FROM crossfade.baselines b WHERE b.run_id = %(run)s AND b.relation = c.oid)
    UNION
    SELECT concat(i.type, ' ', i.identity)
    FROM pg_depend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
    WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT oid FROM meant UNION SELECT typarray FROM meant)
      AND d.deptype = 'n' AND d.classid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_cast'::regclass)
      AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t WHERE t.oid = d.objid AND t.typtype IN ('b', 'c')))
      -- A function of ours goes with the run.
      AND NOT (d.classid = 'pg_proc'::regclass AND EXISTS (
          SELECT FROM pg_proc p WHERE p.oid = d.objid AND p.pronamespace = 'crossfade'::regnamespace))
      AND NOT EXISTS (SELECT FROM crossfade.baselines b
                      WHERE b.run_id = %(run)s AND b.structure ? concat('dependent ', i.type, ' ', i.identity))
)
SELECT format('%%s was added', u.user)
FROM users u
WHERE EXISTS (SELECT FROM crossfade.baselines b WHERE b.run_id = %(run)s)
ORDER BY 1
