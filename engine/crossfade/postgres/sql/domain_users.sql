-- Every table with a column of one of the types %(schemas)s, %(names)s (a schema NULL: as the search_path has it), or of a
-- domain over one; partitions and inheritance children apart, whose columns are their parent's.
WITH RECURSIVE meant AS (
    SELECT to_regtype(concat_ws('.', quote_ident(w.schema), quote_ident(w.name)))::oid AS oid
    FROM ROWS FROM (unnest(%(schemas)s::text[]), unnest(%(names)s::text[])) AS w (schema, name)
    UNION
    SELECT t.oid FROM pg_type t JOIN meant ON t.typbasetype = meant.oid WHERE t.typtype = 'd'
)
SELECT DISTINCT n.nspname::text, c.relname::text
FROM pg_attribute a
JOIN meant ON meant.oid = a.atttypid
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
ORDER BY 1, 2
