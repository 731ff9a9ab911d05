-- What `doctor` judges, in one row; transactions count from %(long)s seconds. For any role: what is hidden from it is NULL.
SELECT current_setting('server_version_num')::int AS server_version,
       current_setting('server_version') AS server_version_text,
       current_database()::text AS database,
       current_user::text AS role,
       extract(epoch FROM clock_timestamp())::float8 AS clock,
       pg_is_in_recovery() AS standby,
       current_setting('transaction_read_only')::boolean AS read_only,
       -- Our own session has switched it off; what matters is how a new one begins.
       (SELECT reset_val = 'on' FROM pg_settings WHERE name = 'default_transaction_read_only') AS read_only_by_default,
       has_database_privilege(current_database(), 'CREATE') AS may_create_schema,
       (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'crossfade') AS may_use_schema,
       (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'crossfade') AS owns_schema,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_activity,
       current_setting('track_activities')::boolean AS track_activities,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) AS connections_allowed,
       (SELECT sum(numbackends) FROM pg_stat_database)::int AS connections_used,
       (SELECT reset_val::int / 1000.0 FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout')::float8
           AS idle_in_transaction_seconds,
       current_setting('wal_level') AS wal_level,
       EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS has_statements,
       ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE active ORDER BY 1) AS active_slots,
       ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE NOT active AND NOT temporary ORDER BY 1) AS idle_slots,
       ARRAY(SELECT format('%%s (by %%s, %%s s ago)', gid, owner, round(extract(epoch FROM clock_timestamp() - prepared)))
             FROM pg_prepared_xacts
             WHERE database = current_database() AND clock_timestamp() - prepared > make_interval(secs => %(long)s)
             ORDER BY prepared) AS prepared_transactions,
       ARRAY(SELECT format('pid %%s (%%s, user %%s, %%s, open for %%s s)', pid,
                           coalesce(nullif(application_name, ''), 'unnamed'), usename, state,
                           round(extract(epoch FROM clock_timestamp() - xact_start)))
             FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
               AND clock_timestamp() - xact_start > make_interval(secs => %(long)s)
             ORDER BY xact_start) AS long_transactions
