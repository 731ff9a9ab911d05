-- The relations of these names; one without a schema is any of that name that is no system's. The name of an index
-- stands for its table.
SELECT w.place::pg_catalog.int4 AS place, n.nspname || '.' || r.relname AS name, r.oid::pg_catalog.int8 AS oid
FROM ROWS FROM (
    pg_catalog.unnest(%(schemas)s::pg_catalog.text[]), pg_catalog.unnest(%(names)s::pg_catalog.text[])
) WITH ORDINALITY AS w (schema, name, place)
JOIN pg_catalog.pg_class c ON c.relname = w.name AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'i', 'I')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
JOIN pg_catalog.pg_class r ON r.oid = coalesce(i.indrelid, c.oid)
WHERE n.nspname = w.schema
   OR w.schema IS NULL AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY 1, 2
