-- Functions with a text body that holds one of %(names)s somewhere (whether as a word of its own is for the caller
-- to say), or that serve a trigger of the relations %(oids)s.
WITH used AS (
    SELECT t.tgfoid AS oid, array_agg(DISTINCT t.tgrelid::bigint) AS relations
    FROM pg_trigger t
    WHERE t.tgrelid = ANY (%(oids)s::oid[]) AND NOT t.tgisinternal
    GROUP BY t.tgfoid
)
SELECT ARRAY[n.nspname::text, p.proname::text] AS name,
       pg_get_function_identity_arguments(p.oid) AS arguments,
       l.lanname::text AS language,
       p.prosrc AS body,
       coalesce(used.relations, '{}') AS trigger_of
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
LEFT JOIN used ON used.oid = p.oid
WHERE p.prosqlbody IS NULL
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND (used.oid IS NOT NULL
       OR EXISTS (SELECT FROM unnest(%(names)s::text[]) AS w (name) WHERE strpos(lower(p.prosrc), lower(w.name)) > 0)
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))
ORDER BY 1, 2
