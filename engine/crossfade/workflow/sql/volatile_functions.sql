-- Which functions of these %(schemas)s and %(names)s (a NULL schema: any on %(path)s) have a volatile form.
SELECT DISTINCT n.nspname::text AS schema, p.proname::text AS name
FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS w (schema, name)
JOIN pg_proc p ON p.proname = w.name AND p.provolatile = 'v'
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = w.schema OR w.schema IS NULL AND n.nspname = ANY (%(path)s::text[])
ORDER BY 1, 2
