-- Every table and materialized view with a column of one of the types %(schemas)s, %(names)s (a schema NULL: as the search_path
-- has it), or of a domain over one, and every table OF one; partitions and inheritance children apart, which go with their
-- parent.
WITH RECURSIVE meant AS (
    SELECT to_regtype(concat_ws('.', quote_ident(w.schema), quote_ident(w.name)))::oid AS oid
    FROM ROWS FROM (unnest(%(schemas)s::text[]), unnest(%(names)s::text[])) AS w (schema, name)
    UNION
    SELECT t.oid FROM pg_type t JOIN meant ON t.typbasetype = meant.oid WHERE t.typtype = 'd'
),
used AS (
    SELECT a.attrelid AS oid
    FROM pg_attribute a JOIN meant ON meant.oid = a.atttypid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
    UNION
    SELECT c.oid FROM pg_class c JOIN meant ON meant.oid = c.reloftype
)
SELECT n.nspname::text, c.relname::text
FROM used
JOIN pg_class c ON c.oid = used.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'
ORDER BY 1, 2
