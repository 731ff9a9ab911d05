-- Columns of the types %(types)s, of arrays of them and of domains over them, on tables that run %(run)s has not kept: once
-- the types have stepped aside, these would keep them from going.
WITH RECURSIVE meant AS (
    SELECT t.oid, t.typarray FROM unnest(%(types)s::text[]) AS w (name) JOIN pg_type t ON t.oid = to_regtype(w.name)
    UNION
    SELECT t.oid, t.typarray FROM pg_type t JOIN meant ON t.typbasetype IN (meant.oid, meant.typarray) WHERE t.typtype = 'd'
)
SELECT format('column %%s.%%s.%%s was added', quote_ident(n.nspname), quote_ident(c.relname), quote_ident(a.attname))
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.atttypid IN (SELECT oid FROM meant UNION SELECT typarray FROM meant)
  AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
  AND NOT EXISTS (SELECT FROM crossfade.baselines b WHERE b.run_id = %(run)s AND b.relation = c.oid)
  AND EXISTS (SELECT FROM crossfade.baselines b WHERE b.run_id = %(run)s)
ORDER BY 1
