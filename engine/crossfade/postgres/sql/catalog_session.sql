-- Who we are and where; one row. Runs before search_path is pinned, hence the qualified names.
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS server_version,
       pg_catalog.current_setting('server_version') AS server_version_text,
       pg_catalog.current_database()::pg_catalog.text AS database,
       current_user::pg_catalog.text AS current_user,
       pg_catalog.current_setting('TimeZone') AS time_zone,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user) AS is_superuser,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS can_create_in_database,
       pg_catalog.array_remove(pg_catalog.current_schemas(true), 'pg_catalog')::pg_catalog.text[] AS search_path,
       ARRAY(SELECT slot_name::pg_catalog.text
             FROM pg_catalog.pg_replication_slots
             WHERE slot_type OPERATOR(pg_catalog.=) 'logical'
               AND database OPERATOR(pg_catalog.=) pg_catalog.current_database()
             ORDER BY 1) AS logical_slots,
       (SELECT ARRAY[n.nspname::pg_catalog.text, e.extname::pg_catalog.text]
        FROM pg_catalog.pg_extension e
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
        WHERE e.extname OPERATOR(pg_catalog.=) 'pg_stat_statements') AS statements_extension
