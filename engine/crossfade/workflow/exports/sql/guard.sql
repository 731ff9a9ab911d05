BEGIN
    IF pg_catalog.to_regclass({relation}) IS NULL
        OR coalesce(pg_catalog.current_setting('crossfade.discard', true), '') OPERATOR(pg_catalog.=) 'on' THEN
        RETURN;
    END IF;
    IF ({query}) THEN
        RAISE EXCEPTION USING MESSAGE = {message},
            HINT = 'Set crossfade.discard to on in this session to go on all the same.';
    END IF;
END
