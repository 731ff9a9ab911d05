-- Everything in the users' schemas, and every function and table of notes in ours, that has a name or a comment of ours;
-- with its comment.
-- What follows its parent has no comment of its own and is left out: a partition's clone of a trigger, an inherited
-- column, and so has an index that was made for a new partition: neither our name nor our comment.
WITH user_tables AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname NOT IN ('crossfade', 'pg_catalog', 'information_schema')
      AND n.nspname !~ '^pg_(toast|temp)'
), found AS (
    SELECT 1 AS position, 'trigger' AS kind, t.tgname AS name, u.nspname, u.relname,
           obj_description(t.oid, 'pg_trigger') AS comment
    FROM pg_trigger t JOIN user_tables u ON u.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND t.tgparentid = 0
    UNION ALL
    SELECT 2, 'column', a.attname, u.nspname, u.relname, col_description(u.oid, a.attnum)
    FROM pg_attribute a JOIN user_tables u ON u.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
    UNION ALL
    SELECT 3, 'index', i.relname, u.nspname, u.relname, obj_description(i.oid, 'pg_class')
    FROM pg_index x JOIN user_tables u ON u.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    UNION ALL
    SELECT 4, 'function', p.proname, n.nspname, NULL, obj_description(p.oid, 'pg_proc')
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'crossfade' AND p.proname ~ '^crossfade_(insert|update|written|home)_'
    UNION ALL
    SELECT 5, 'table', c.relname, n.nspname, NULL, obj_description(c.oid, 'pg_class')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'crossfade' AND c.relkind = 'r' AND c.relname ~ '^crossfade_home_'
)
SELECT kind, name::text, nspname::text AS schema, relname::text AS relation, comment
FROM found
WHERE comment LIKE 'crossfade: run %' OR name ~ '^~?crossfade_[a-z]+_[0-9a-f]{12}'
ORDER BY position, nspname, relname, name
