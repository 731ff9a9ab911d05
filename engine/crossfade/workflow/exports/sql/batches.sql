DECLARE
    crossfade_block pg_catalog.int8;
    crossfade_blocks pg_catalog.int8;
    crossfade_again pg_catalog.int8;
    crossfade_over pg_catalog.bool;
BEGIN
    FOR crossfade_pass IN 1 .. {passes} LOOP
        WITH RECURSIVE family (relation) AS (
            SELECT {name}::pg_catalog.regclass::pg_catalog.oid
            UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN family AS f ON i.inhparent = f.relation
        )
        SELECT coalesce(pg_catalog.max(pg_catalog.pg_relation_size(f.relation)), 0)
            / pg_catalog.current_setting('block_size')::pg_catalog.int8
        INTO crossfade_blocks FROM family AS f;
        crossfade_over := true;
        crossfade_block := 0;
        WHILE crossfade_block <= crossfade_blocks LOOP
            PERFORM pg_catalog.set_config('lock_timeout', {lock_timeout}, true);
            BEGIN
                {write};
            EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
                crossfade_over := false;
            END;
            COMMIT;
            crossfade_block := crossfade_block + {blocks};
        END LOOP;
        crossfade_over := crossfade_over AND {over};
        EXIT WHEN crossfade_over;
        PERFORM pg_catalog.pg_sleep(0.2);
        COMMIT;
    END LOOP;
    IF NOT crossfade_over THEN
        RAISE EXCEPTION USING MESSAGE = {message}, HINT = 'Apply it again: what is done is not done twice.';
    END IF;
END
