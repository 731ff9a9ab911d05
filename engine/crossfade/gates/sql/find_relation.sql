-- The first relation of the name in these schemas.
SELECT c.oid::pg_catalog.int8, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind::pg_catalog.text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %(name)s AND n.nspname::pg_catalog.text = ANY (%(schemas)s)
ORDER BY pg_catalog.array_position(%(schemas)s::pg_catalog.text[], n.nspname::pg_catalog.text)
LIMIT 1
