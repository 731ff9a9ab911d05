-- Every relation of the database outside the system's schemas and other sessions' temporary ones.
SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind IN ('r', 'p', 'f', 'v', 'm') AS is_table
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND (n.oid = pg_my_temp_schema() OR NOT starts_with(n.nspname, 'pg_temp_'))
  AND NOT starts_with(n.nspname, 'pg_toast_temp_')
ORDER BY 1, 2
