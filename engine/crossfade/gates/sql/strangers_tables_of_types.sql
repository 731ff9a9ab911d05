-- The tables with a column of one of these types, of an array of it or of a domain over it; a type without a schema is
-- any of that name that is no system's.
SELECT DISTINCT tn.nspname::pg_catalog.text, c.relname::pg_catalog.text
FROM ROWS FROM (
    pg_catalog.unnest(%(schemas)s::pg_catalog.text[]), pg_catalog.unnest(%(names)s::pg_catalog.text[])
) AS w (schema, name)
JOIN pg_catalog.pg_type t ON t.typname = w.name
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_type y ON t.oid IN (y.oid, y.typelem, y.typbasetype)
JOIN pg_catalog.pg_attribute a ON a.atttypid = y.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'f')
JOIN pg_catalog.pg_namespace tn ON tn.oid = c.relnamespace
WHERE n.nspname = w.schema
   OR w.schema IS NULL AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY 1, 2
