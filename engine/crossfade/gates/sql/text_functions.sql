-- Functions whose body is a text with one of %(words)s somewhere in it; whether as a word is for the caller to say.
-- `uses` is whether the server knows that they are about one of the relations %(oids)s: as the function of a trigger, or
-- by a row of it among their arguments or results.
SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text AS name, l.lanname::pg_catalog.text AS language, p.prosrc AS body,
    EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid = ANY (%(oids)s::pg_catalog.oid[]))
    OR EXISTS (
        SELECT
        FROM pg_catalog.pg_type y
        WHERE y.typrelid = ANY (%(oids)s::pg_catalog.oid[])
            AND (
                ARRAY[y.oid, y.typarray] && (p.proargtypes::pg_catalog.oid[] || p.prorettype)
                OR ARRAY[y.oid, y.typarray] && p.proallargtypes
            )
    ) AS uses
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosqlbody IS NULL
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'crossfade')
    AND EXISTS (
        SELECT FROM pg_catalog.unnest(%(words)s::pg_catalog.text[]) AS w (word)
        WHERE pg_catalog.strpos(pg_catalog.lower(p.prosrc), pg_catalog.lower(w.word)) > 0
    )
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
ORDER BY name
