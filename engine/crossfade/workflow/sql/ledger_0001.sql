-- The ledger, version 1: what crossfade remembers. Created by `crossfade init`; upgraded forwards only.
-- Everything is read and written under search_path = pg_catalog, so names are qualified.

CREATE SCHEMA IF NOT EXISTS crossfade;
COMMENT ON SCHEMA crossfade IS 'crossfade: the ledger and the triggers'' functions';

CREATE TABLE crossfade.meta (
    version integer NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One execution of a plan. `token` grows with every lease, so a runner that was away can be told from its successor.
CREATE TABLE crossfade.runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    plan jsonb NOT NULL,
    acks text[] NOT NULL DEFAULT '{}',
    program jsonb NOT NULL,
    fences jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'planned',
    state_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused text,
    failed jsonb,
    tuning jsonb NOT NULL DEFAULT '{}',
    token bigint NOT NULL DEFAULT 0,
    holder text,
    held_since timestamptz,
    retain_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL DEFAULT session_user
);
-- A name is free again after its run was rolled back or cancelled.
CREATE UNIQUE INDEX runs_name ON crossfade.runs (name) WHERE state NOT IN ('rolled_back', 'cancelled');
CREATE INDEX runs_with_fences ON crossfade.runs (id) WHERE fences <> '{}' AND state NOT IN ('rolled_back', 'cancelled');
CREATE INDEX runs_under_way ON crossfade.runs (id) WHERE state NOT IN ('contracted', 'rolled_back', 'cancelled');

CREATE TABLE crossfade.phases (
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    phase text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (run_id, phase)
);

CREATE TABLE crossfade.steps (
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    id text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done', 'undone')),
    attempts integer NOT NULL DEFAULT 0,
    lock_wait_ms double precision NOT NULL DEFAULT 0,
    duration_ms double precision NOT NULL DEFAULT 0,
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (run_id, id)
);

-- Where the rows of one relation stand (a leaf partition, or the table itself). `frontier` and `upper` are the key's
-- columns as an array of texts; with no key, a place. Every row up to the frontier lies in a batch.
CREATE TABLE crossfade.backfills (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    change_id text NOT NULL,
    relation text NOT NULL,
    relation_oid oid NOT NULL,
    key_columns text[] NOT NULL,
    key_types text[] NOT NULL,
    target text,
    keeps_all boolean NOT NULL DEFAULT false,
    shape text NOT NULL DEFAULT '',
    frontier text[],
    upper text[],
    rows_estimated bigint,
    rows_done bigint NOT NULL DEFAULT 0,
    rows_written bigint NOT NULL DEFAULT 0,
    batches bigint NOT NULL DEFAULT 0,
    batch_rows integer NOT NULL,
    smoothed_rows double precision NOT NULL DEFAULT 0,
    smoothed_seconds double precision NOT NULL DEFAULT 0,
    working_seconds double precision NOT NULL DEFAULT 0,
    free_at timestamptz NOT NULL DEFAULT '-infinity',
    throttled_by text,
    throttled_since timestamptz,
    throttled_seconds double precision NOT NULL DEFAULT 0,
    pass integer NOT NULL DEFAULT 1,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    verified_at timestamptz,
    verified_share double precision,
    UNIQUE (run_id, change_id, relation)
);
COMMENT ON COLUMN crossfade.backfills.shape IS
    'What has to stay as it was while batches are done: the type and collation of the key, which table `target` is, and for an archive that `keeps_all` the columns of both.';
-- What `shape` was made of, as it is now.
CREATE FUNCTION crossfade.shape_of(relation oid, key_columns text[], target text, keeps_all boolean) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT concat_ws('; ',
        (SELECT string_agg(format('%s %s %s', a.attname, a.atttypid, a.attcollation), ', ' ORDER BY a.attname)
         FROM pg_attribute a
         WHERE a.attrelid = shape_of.relation AND a.attname = ANY (shape_of.key_columns)),
        'into ' || to_regclass(shape_of.target)::oid,
        (SELECT string_agg(format('%s.%s', a.attrelid, a.attname), ', ' ORDER BY a.attrelid, a.attname)
         FROM pg_attribute a
         WHERE shape_of.keeps_all AND a.attrelid IN (shape_of.relation, to_regclass(shape_of.target))
           AND a.attnum > 0 AND NOT a.attisdropped))
$$;
COMMENT ON COLUMN crossfade.backfills.free_at IS
    'When the next batch may begin, by the limits of rows and of WAL a second; one clock for every worker.';

-- One row for each batch. It is `ready` when it is cut; whoever locks the row works on it, and marks it `done` in the
-- transaction of its rows. `void` is one that nobody will do: its relation is gone, or its run turned back. A foreign
-- key would lock the row of its relation in every cut and every split, beside workers that update it.
CREATE TABLE crossfade.batches (
    id bigint GENERATED ALWAYS AS IDENTITY,
    backfill_id bigint NOT NULL,
    run_id bigint NOT NULL,
    change_id text NOT NULL,
    pass integer NOT NULL,
    after_key text[],
    upto_key text[] NOT NULL,
    covered bigint NOT NULL,
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'done', 'void')),
    rows bigint,
    duration_ms double precision,
    wal_bytes bigint,
    worker text,
    at timestamptz,
    PRIMARY KEY (backfill_id, id)
);
CREATE INDEX batches_ready ON crossfade.batches (run_id, change_id, id) WHERE state = 'ready';

-- Rows that the backfill set aside, by key.
CREATE TABLE crossfade.rejected_rows (
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    change_id text NOT NULL,
    relation text NOT NULL,
    key jsonb NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    constraint_name text,
    image jsonb,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resolved', 'waived')),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    waived_by text,
    waived_because text,
    PRIMARY KEY (run_id, change_id, relation, key)
);

-- One row: whether every backfill of this database has to wait.
CREATE TABLE crossfade.brake (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    is_on boolean NOT NULL DEFAULT false,
    reason text,
    actor text,
    since timestamptz
);
INSERT INTO crossfade.brake DEFAULT VALUES;

-- A plan that runs again and again. Everything up to `last_fire` has been seen to; `program` is what the plan compiled to
-- when it was registered, which each of its runs has until it begins.
CREATE TABLE crossfade.schedules (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    plan jsonb NOT NULL,
    acks text[] NOT NULL DEFAULT '{}',
    program jsonb NOT NULL,
    last_fire timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused text,
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL DEFAULT session_user
);
-- A name is free again after its schedule was ended.
CREATE UNIQUE INDEX schedules_name ON crossfade.schedules (name) WHERE ended_at IS NULL;

-- What became of each time at which a schedule fired. The key is why it fires once, however many look at the clock.
CREATE TABLE crossfade.firings (
    schedule_id bigint NOT NULL REFERENCES crossfade.schedules,
    fire_time timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('started', 'skipped', 'queued', 'replaced')),
    run_id bigint REFERENCES crossfade.runs,
    reason text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (schedule_id, fire_time)
);
CREATE UNIQUE INDEX firings_run ON crossfade.firings (run_id);

-- The append-only record of schedules, as crossfade.events is that of runs.
CREATE TABLE crossfade.schedule_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule_id bigint NOT NULL REFERENCES crossfade.schedules,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    actor text NOT NULL DEFAULT session_user,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX schedule_events_schedule ON crossfade.schedule_events (schedule_id, id);

-- The append-only record.
CREATE TABLE crossfade.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    actor text NOT NULL DEFAULT session_user,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX events_run ON crossfade.events (run_id, id);

CREATE FUNCTION crossfade.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'crossfade.% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON crossfade.events
    FOR EACH STATEMENT EXECUTE FUNCTION crossfade.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON crossfade.schedule_events
    FOR EACH STATEMENT EXECUTE FUNCTION crossfade.refuse_change();

-- Evidence that an instance of an app is live. Times are the database's.
CREATE TABLE crossfade.sightings (
    app text NOT NULL,
    version text NOT NULL,
    instance text NOT NULL,
    source text NOT NULL,
    host text,
    first_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (app, version, instance, source)
);

-- Writes of an old shape, at most about one a second for each session and application name. Only ever inserted, so a
-- writer can neither wait for another nor fail to serialise because of it.
CREATE TABLE crossfade.legacy_writes (
    plan text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('legacy', 'conflict')),
    relation text NOT NULL,
    column_name text NOT NULL,
    application_name text NOT NULL,
    role_name text NOT NULL,
    address inet,
    at timestamptz NOT NULL
);
CREATE INDEX legacy_writes_latest ON crossfade.legacy_writes (plan, kind, at);
CREATE INDEX legacy_writes_writer ON crossfade.legacy_writes
    (plan, column_name, relation, application_name, role_name, address, at) WHERE kind = 'legacy';

CREATE TABLE crossfade.approvals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    phase text NOT NULL,
    digest text NOT NULL,
    approver text NOT NULL,
    role text,
    reason text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    db_user text NOT NULL DEFAULT session_user
);

-- Each evaluation of a phase's gates, with its evidence; and since when each gate has passed without a break.
CREATE TABLE crossfade.evaluations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    phase text NOT NULL,
    verdict text NOT NULL,
    gates jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX evaluations_run ON crossfade.evaluations (run_id, phase, id);
CREATE TABLE crossfade.passing (
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    phase text NOT NULL,
    gate text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (run_id, phase, gate)
);

-- Of each writer of an old shape only the latest note says something new; an old version that lives on for weeks would
-- fill the disk with the others. Called by heartbeats and when gates are asked, never in a writer's transaction; waits for
-- nobody, and takes away a thousand at a time of those older than a minute.
CREATE FUNCTION crossfade.compact_legacy_writes() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM crossfade.legacy_writes
    WHERE ctid = ANY (ARRAY(
        SELECT w.ctid
        FROM crossfade.legacy_writes w
        WHERE w.kind = 'legacy'
          AND w.at < clock_timestamp() - interval '1 minute'
          AND EXISTS (
              SELECT
              FROM crossfade.legacy_writes n
              WHERE n.kind = 'legacy' AND n.plan = w.plan AND n.column_name = w.column_name
                AND n.relation = w.relation AND n.application_name = w.application_name
                AND n.role_name = w.role_name AND n.address IS NOT DISTINCT FROM w.address AND n.at > w.at
          )
        LIMIT 1000
        FOR UPDATE OF w SKIP LOCKED
    ))
$$;

-- The fence: what each run has against a version of an app, by where it stands; no row where nothing is against it. From
-- `planned` to `backfilling`, and while it rolls back, versions that need the new shape may not run yet; from
-- `contracting` on those that need the old one may not run any more. A version that cannot be read is `allowed` NULL.
CREATE FUNCTION crossfade.objections(app text, version text)
    RETURNS TABLE (run text, is_closed boolean, allowed boolean, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT r.name, f.is_closed, CASE WHEN f.admitted IS NOT NULL THEN false END,
        CASE
            WHEN f.admitted IS NULL THEN format('%s cannot be read as a %s version', objections.version,
                                                r.fences -> objections.app ->> 'scheme')
            WHEN f.is_closed THEN format('run %s takes the old shape away: %s has to be %s', r.name, objections.app,
                                         r.fences -> objections.app ->> 'text')
            ELSE format('run %s is %s: %s %s needs the new shape, which is complete from backfilled on', r.name,
                        r.state, objections.app, objections.version)
        END
    FROM crossfade.runs r
    CROSS JOIN LATERAL (
        SELECT r.state IN ('contracting', 'retained', 'dropping', 'contracted', 'reverting') AS is_closed,
            crossfade.version_admitted(r.fences -> objections.app, objections.version) AS admitted
    ) f
    WHERE r.fences <> '{}' AND r.state NOT IN ('rolled_back', 'cancelled', 'backfilled')
      AND r.fences ? objections.app
      AND f.admitted IS DISTINCT FROM f.is_closed
    ORDER BY r.id;
END $$;

-- Only ever locked. Whoever raises the fence has it alone for a moment: each answer of before has left a sighting by then,
-- which the gates see, and each answer of after knows of the fence.
CREATE TABLE crossfade.fence ();
CREATE FUNCTION crossfade.is_fenced(app text, version text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    LOCK TABLE crossfade.fence IN ACCESS SHARE MODE;
    RETURN EXISTS (
        SELECT FROM crossfade.objections(is_fenced.app, is_fenced.version) o
        WHERE o.allowed IS NOT NULL OR o.is_closed
    );
END $$;

CREATE FUNCTION crossfade.can_i_run(app text, version text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF crossfade.is_fenced(can_i_run.app, can_i_run.version) THEN
        RETURN false;
    END IF;
    INSERT INTO crossfade.sightings AS s (app, version, instance, source, host)
    VALUES (can_i_run.app, can_i_run.version, 'pid ' || pg_backend_pid(), 'start', host(inet_client_addr()))
    ON CONFLICT ON CONSTRAINT sightings_pkey DO UPDATE SET last_seen = clock_timestamp(), host = excluded.host;
    RETURN true;
END $$;
COMMENT ON FUNCTION crossfade.can_i_run(text, text) IS
    'Whether this version of the app may work on the database as it is now. Ask at start, outside a transaction, and end if it says no.';

CREATE FUNCTION crossfade.heartbeat(app text, version text, instance text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fenced boolean := crossfade.is_fenced(heartbeat.app, heartbeat.version);
BEGIN
    INSERT INTO crossfade.sightings AS s (app, version, instance, source, host)
    VALUES (heartbeat.app, heartbeat.version, heartbeat.instance, 'heartbeat', host(inet_client_addr()))
    ON CONFLICT ON CONSTRAINT sightings_pkey DO UPDATE SET last_seen = clock_timestamp(), host = excluded.host;
    PERFORM crossfade.compact_legacy_writes();
    RETURN NOT fenced;
END $$;
COMMENT ON FUNCTION crossfade.heartbeat(text, text, text) IS
    'Says that this instance of the app is live, and answers whether it may go on. Call it at start and every 15 seconds or so, outside a transaction.';

-- Called by the trigger functions of a pair for a write of the old shape, which let a session through once a second;
-- `setting` is the session's that holds when it was.
-- The advisory lock says to gates that there is a note which they cannot see yet; being shared, nobody waits for it.
CREATE FUNCTION crossfade.note_lock_class() RETURNS integer
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT 1129469519 $$;
CREATE FUNCTION crossfade.note_write(plan text, kind text, relation oid, column_name text, setting text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO crossfade.legacy_writes (plan, kind, relation, column_name, application_name, role_name, address, at)
    VALUES (note_write.plan, note_write.kind, note_write.relation::regclass::text, note_write.column_name,
            current_setting('application_name'), session_user, inet_client_addr(), clock_timestamp());
    IF note_write.kind = 'legacy' THEN
        PERFORM pg_advisory_xact_lock_shared(crossfade.note_lock_class(), hashtext(note_write.plan));
        PERFORM set_config(note_write.setting, current_setting('application_name')
            || date_part('epoch', statement_timestamp())::int8::text, false);
    END IF;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA crossfade FROM PUBLIC;
INSERT INTO crossfade.meta (version) VALUES (1);
