DECLARE
    others bigint;
BEGIN
    SELECT pg_catalog.count(*) INTO others FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = pg_catalog.to_regnamespace('crossfade') AND p.proname NOT IN ('note_write', 'key_of');
    IF pg_catalog.to_regclass('crossfade.meta') IS NOT NULL OR others > 0 THEN
        RETURN;
    END IF;
    DROP FUNCTION IF EXISTS crossfade.note_write(text, text, oid, text, text, jsonb);
    DROP FUNCTION IF EXISTS crossfade.key_of(oid, jsonb);
    DROP SCHEMA IF EXISTS crossfade;
END
