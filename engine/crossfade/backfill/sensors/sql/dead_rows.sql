-- Live and dead rows of each relation, and whether autovacuum is about to come: past its threshold and not switched off.
WITH wanted AS (
    SELECT
        c.oid,
        w.schema,
        w.name,
        greatest(c.reltuples, 0) AS rows,
        -- After a crash the statistics have only seen what happened since.
        greatest(
            pg_catalog.pg_stat_get_live_tuples(c.oid),
            c.reltuples::pg_catalog.int8 - pg_catalog.pg_stat_get_dead_tuples(c.oid)
        ) AS live,
        pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead,
        (SELECT pg_catalog.jsonb_object_agg(o.option_name, o.option_value)
         FROM pg_catalog.pg_options_to_table(c.reloptions) o) AS options
    FROM ROWS FROM (
        pg_catalog.unnest(%(schemas)s::pg_catalog.text[]), pg_catalog.unnest(%(names)s::pg_catalog.text[])
    ) AS w (schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
), threshold AS (
    SELECT
        w.oid,
        coalesce(w.options ->> 'autovacuum_vacuum_threshold', pg_catalog.current_setting('autovacuum_vacuum_threshold'))
            ::pg_catalog.float8
        + coalesce(
            w.options ->> 'autovacuum_vacuum_scale_factor',
            pg_catalog.current_setting('autovacuum_vacuum_scale_factor')
        )::pg_catalog.float8 * w.rows AS usual,
        -- Since 18; -1 is none.
        nullif(coalesce(
            w.options ->> 'autovacuum_vacuum_max_threshold',
            pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true)
        )::pg_catalog.float8, -1) AS most
    FROM wanted w
)
SELECT
    w.schema,
    w.name,
    w.live,
    w.dead,
    pg_catalog.current_setting('autovacuum')::pg_catalog.bool
        AND pg_catalog.current_setting('track_counts')::pg_catalog.bool
        AND coalesce((w.options ->> 'autovacuum_enabled')::pg_catalog.bool, true)
        AND w.dead > least(t.usual, t.most) AS is_due,
    EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum p WHERE p.relid = w.oid) AS is_vacuumed
FROM wanted w
JOIN threshold t ON t.oid = w.oid
