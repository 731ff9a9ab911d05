BEGIN
    IF pg_catalog.to_regclass('crossfade.meta') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE OR REPLACE FUNCTION crossfade.note_write(
        plan text, kind text, relation oid, column_name text, setting text, example jsonb DEFAULT NULL
    ) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN END';
    CREATE OR REPLACE FUNCTION crossfade.key_of(relation oid, image jsonb) RETURNS jsonb
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT NULL::jsonb';
    REVOKE ALL ON FUNCTION crossfade.note_write, crossfade.key_of FROM PUBLIC;
END
