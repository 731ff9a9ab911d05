-- The schema that pg_stat_statements is installed in, and whether its view of its own losses is there (since version 1.9,
-- which a database may have been kept below through upgrades of its server) and the age of each entry (since 1.11).
SELECT n.nspname::pg_catalog.text AS schema,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_class c
        WHERE c.relnamespace = e.extnamespace AND c.relname = 'pg_stat_statements_info'
    ) AS tells_losses,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = e.extnamespace AND c.relname = 'pg_stat_statements' AND a.attname = 'stats_since'
    ) AS tells_since
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
