-- The users' relations of some kinds, to find the one that was meant.
SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind::pg_catalog.text = ANY (%(kinds)s)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'crossfade')
  AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY 1, 2
LIMIT 10000
