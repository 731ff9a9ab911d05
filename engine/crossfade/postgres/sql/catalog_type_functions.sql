-- Functions in PL/pgSQL or SQL whose text has the name of one of the types %(schemas)s, %(names)s in it, or `%%TYPE`.
SELECT ARRAY[w.schema, w.name] AS type,
       ARRAY[n.nspname::text, p.proname::text] AS name,
       pg_get_function_identity_arguments(p.oid) AS arguments,
       p.prosecdef AS security_definer,
       pg_has_role(p.proowner, 'USAGE') AS owned
FROM ROWS FROM (unnest(%(schemas)s::text[]), unnest(%(names)s::text[])) AS w (schema, name)
JOIN pg_proc p ON p.prokind IN ('f', 'p')
    AND (strpos(lower(p.prosrc), lower(replace(w.name, '"', '""'))) > 0 OR strpos(lower(p.prosrc), '%%type') > 0)
JOIN pg_language l ON l.oid = p.prolang AND l.lanname IN ('plpgsql', 'sql')
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'crossfade') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY 1, 2, 3
