-- The ledger, version 1: what crossfade remembers. Created by `crossfade init`; upgraded forwards only.
-- Everything is read and written under search_path = pg_catalog, so names are qualified.

CREATE SCHEMA IF NOT EXISTS crossfade;
COMMENT ON SCHEMA crossfade IS 'crossfade: the ledger and the triggers'' functions';

CREATE TABLE crossfade.meta (
    version integer NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE crossfade.meta REPLICA IDENTITY FULL;

-- One execution of a plan. `token` grows with every lease, so a runner that was away can be told from its successor.
-- `started_by` is the person who asked for it, by the name they go by; `created_by` the database role.
CREATE TABLE crossfade.runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    plan json NOT NULL,
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
    created_by text NOT NULL DEFAULT session_user,
    started_by text NOT NULL DEFAULT session_user
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
    -- Of a step that hides: the run's triggers as it left them, an array of [table, name, version]. A revert has nothing
    -- to compare while they are the same.
    triggers jsonb,
    -- What its undo drops by a name of the users', as the step left it: an array of [kind, schema, table, name, oid, what
    -- the server says of it, the columns that this speaks of].
    made jsonb,
    PRIMARY KEY (run_id, id)
);

-- How the tables of a run were when its program was compiled, and after each of its steps, with their partitions and
-- children: what differs from that was done by somebody else. `structure` is an object of columns, constraints, indexes
-- and so on; `digest` is of it alone, `numbers` are those of the columns, by which one with another name is told. A table
-- that the plan names is a root.
CREATE TABLE crossfade.baselines (
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    relation oid NOT NULL,
    is_root boolean NOT NULL,
    structure jsonb NOT NULL,
    numbers jsonb NOT NULL,
    digest text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, relation)
);
CREATE INDEX baselines_relation ON crossfade.baselines (relation);

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
    plan json NOT NULL,
    acks text[] NOT NULL DEFAULT '{}',
    program jsonb NOT NULL,
    last_fire timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused text,
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL DEFAULT session_user,
    started_by text NOT NULL DEFAULT session_user
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

-- Evidence that an instance of an app is live. Times are the database's. `role_name` is the role that it logged in with, where
-- the source tells.
CREATE TABLE crossfade.sightings (
    app text NOT NULL,
    version text NOT NULL,
    instance text NOT NULL,
    source text NOT NULL,
    host text,
    role_name text,
    first_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (app, version, instance, source)
) WITH (fillfactor = 50);
COMMENT ON COLUMN crossfade.sightings.last_seen IS
    'In no index, and every page has room for the next heartbeats of its rows: they leave nothing for VACUUM to do.';

-- Writes of an old shape, and such as a coming constraint would refuse (`violation`, with the constraint's name for that of
-- the column), at most about one a second for each session and application name. Only ever inserted, so a writer can
-- neither wait for another nor fail to serialise because of it. `example` is the key of the row, where it has one.
CREATE TABLE crossfade.legacy_writes (
    plan text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('legacy', 'conflict', 'violation', 'unrepresentable')),
    relation text NOT NULL,
    column_name text NOT NULL,
    application_name text NOT NULL,
    role_name text NOT NULL,
    address inet,
    at timestamptz NOT NULL,
    example jsonb
);
-- In a publication FOR ALL TABLES a row that cannot be told from others cannot be deleted.
ALTER TABLE crossfade.legacy_writes REPLICA IDENTITY FULL;
CREATE INDEX legacy_writes_latest ON crossfade.legacy_writes (plan, kind, at);
CREATE INDEX legacy_writes_writer ON crossfade.legacy_writes
    (plan, column_name, relation, application_name, role_name, address, at) WHERE kind = 'legacy';

-- What people said of a phase; the latest word of each counts. `digest` binds it to what was approved.
CREATE TABLE crossfade.approvals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    phase text NOT NULL,
    digest text NOT NULL,
    approver text NOT NULL,
    role text,
    reason text,
    withdraws boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    db_user text NOT NULL DEFAULT session_user
);
CREATE INDEX approvals_run ON crossfade.approvals (run_id, phase, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON crossfade.approvals
    FOR EACH STATEMENT EXECUTE FUNCTION crossfade.refuse_change();

-- Which database this is, the same for every role that asks: a copy of it elsewhere is another.
CREATE FUNCTION crossfade.this_database() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here oid := (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
BEGIN
    RETURN concat_ws(' ', (SELECT system_identifier FROM pg_control_system()), here);
EXCEPTION WHEN insufficient_privilege THEN
    RETURN concat_ws(' ', current_database(), here);
END $$;

-- What an approval of this run stands for: the plan, all that it compiles to, and the database.
CREATE FUNCTION crossfade.approved_digest(run_id bigint) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(concat_ws(E'\n', r.digest, r.program, crossfade.this_database()), 'UTF8')), 'hex')
    FROM crossfade.runs r
    WHERE r.id = approved_digest.run_id
$$;

-- Each evaluation of a phase's gates, with its evidence; with `step` the one on whose word that step was run, which is
-- written in the step's own transaction. And since when each gate has passed without a break, and who saw that last.
CREATE TABLE crossfade.evaluations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    phase text NOT NULL,
    verdict text NOT NULL,
    gates jsonb NOT NULL,
    step text,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Break-glass: a person's word that a gate of a phase need not pass for a while. Append-only, as its events are.
CREATE TABLE crossfade.overrides (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    phase text NOT NULL,
    gate text NOT NULL,
    digest text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    until timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    db_user text NOT NULL DEFAULT session_user
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON crossfade.overrides
    FOR EACH STATEMENT EXECUTE FUNCTION crossfade.refuse_change();
CREATE INDEX evaluations_run ON crossfade.evaluations (run_id, phase, id);
CREATE TABLE crossfade.passing (
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    phase text NOT NULL,
    gate text NOT NULL,
    since timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    watch text NOT NULL,
    PRIMARY KEY (run_id, phase, gate)
);

-- What targets are told, each once: `occurrence` is why. Whoever sends one has it in state `sending` until `next_at`, in a
-- transaction that is over before the request begins; after that time it is anybody's again. `target` has no address.
CREATE TABLE crossfade.notifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    target text NOT NULL,
    event text NOT NULL,
    occurrence text NOT NULL,
    payload jsonb NOT NULL,
    delivery uuid NOT NULL DEFAULT gen_random_uuid(),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    UNIQUE (run_id, target, occurrence)
);
CREATE INDEX notifications_unsent ON crossfade.notifications (id) WHERE state IN ('waiting', 'sending');

-- What a gate asks a person to take note of, and since when every look has found it: an approval covers what was there.
CREATE TABLE crossfade.shown (
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    phase text NOT NULL,
    gate text NOT NULL,
    name text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, phase, gate, name)
);

-- The counters that a gate found at its last recorded look, by what they count, and the look that found each of them moved
-- last: none, as long as that is not known.
CREATE TABLE crossfade.counters (
    run_id bigint NOT NULL REFERENCES crossfade.runs,
    gate text NOT NULL,
    counter text NOT NULL,
    seen jsonb NOT NULL,
    moved_at timestamptz,
    PRIMARY KEY (run_id, gate, counter)
);

-- Of each writer of an old shape only the latest note says something new; an old version that lives on for weeks would
-- fill the disk with the others. Called by one heartbeat in fifty and when gates are asked, never in a writer's
-- transaction, and done by one at a time, so it waits for nobody; takes away some thousands of those older than a minute.
CREATE FUNCTION crossfade.compact_legacy_writes() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('crossfade compact_legacy_writes')) THEN
        RETURN;
    END IF;
    -- Planned each time: a plan of this session from when the table was empty would read it once for each row.
    EXECUTE $delete$
        DELETE FROM crossfade.legacy_writes
        WHERE ctid = ANY (ARRAY(
            SELECT noted.ctid
            FROM (
                SELECT w.ctid, w.at, max(w.at) OVER (
                    PARTITION BY w.plan, w.kind, w.relation, w.column_name, w.application_name, w.role_name, w.address
                ) AS latest
                FROM crossfade.legacy_writes w
                WHERE w.kind IN ('legacy', 'violation')
            ) AS noted
            WHERE noted.at < noted.latest AND noted.at < clock_timestamp() - interval '1 minute'
            LIMIT 20000
        ))
    $delete$;
END $$;

-- An instance that has not been seen for 90 days says nothing any more, nor does a record that another has replaced.
-- Called for one new instance in a hundred and when gates are asked, so what goes keeps up with what comes.
CREATE FUNCTION crossfade.forget_sightings() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('crossfade forget_sightings')) THEN
        RETURN;
    END IF;
    EXECUTE $delete$
        DELETE FROM crossfade.sightings
        WHERE ctid = ANY (ARRAY(
            SELECT s.ctid
            FROM crossfade.sightings s
            WHERE s.last_seen < clock_timestamp() - interval '90 days'
              AND (s.source <> 'record' OR EXISTS (
                  SELECT
                  FROM crossfade.sightings n
                  WHERE n.app = s.app AND n.instance = s.instance AND n.source = 'record' AND n.last_seen > s.last_seen
              ))
            LIMIT 1000
            FOR UPDATE OF s SKIP LOCKED
        ))
    $delete$;
END $$;

-- The fence: what each run has against a version of an app, by where it stands; no row where nothing is against it. From
-- `planned` to `backfilling`, and while it rolls back, versions that need the new shape may not run yet; from
-- `contracting` on those that need the old one may not run any more. A version that cannot be read is `allowed` NULL.
CREATE VIEW crossfade.fences AS
    SELECT r.id AS run_id, r.name AS run, r.state, r.fences AS wanted,
        r.state IN ('contracting', 'retained', 'dropping', 'contracted', 'reverting') AS is_closed
    FROM crossfade.runs r
    WHERE r.fences <> '{}' AND r.state NOT IN ('rolled_back', 'cancelled', 'backfilled');
COMMENT ON VIEW crossfade.fences IS
    'The runs that have something against versions of their apps: those in the range `wanted`, or `is_closed`, all others.';

CREATE FUNCTION crossfade.objections(app text, version text)
    RETURNS TABLE (run text, is_closed boolean, allowed boolean, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT f.run, f.is_closed, CASE WHEN f.admitted IS NOT NULL THEN false END,
        CASE
            WHEN f.admitted IS NULL THEN format('%s cannot be read as a %s version', objections.version,
                                                f.wanted -> objections.app ->> 'scheme')
            WHEN f.is_closed THEN format('run %s takes the old shape away: %s has to be %s', f.run, objections.app,
                                         f.wanted -> objections.app ->> 'text')
            ELSE format('run %s is %s: %s %s needs the new shape, which is complete from backfilled on', f.run,
                        f.state, objections.app, objections.version)
        END
    FROM (
        SELECT *, crossfade.version_admitted(raised.wanted -> objections.app, objections.version) AS admitted
        FROM crossfade.fences raised
        WHERE raised.wanted ? objections.app
    ) f
    WHERE f.admitted IS DISTINCT FROM f.is_closed
    ORDER BY f.run_id;
END $$;

-- The fence of a contracted run stays for ever, and every heartbeat asks each: what a later one says, too, is taken out.
CREATE FUNCTION crossfade.merge_fences() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE crossfade.runs r
    SET fences = (
        SELECT coalesce(jsonb_object_agg(f.app, f.wanted), '{}')
        FROM jsonb_each(r.fences) AS f (app, wanted)
        WHERE NOT coalesce(crossfade.is_covered(f.wanted, NEW.fences -> f.app), false)
    )
    WHERE r.id IN (
        SELECT o.id
        FROM crossfade.runs o
        WHERE o.fences <> '{}' AND o.state = 'contracted' AND o.id <> NEW.id
          AND o.fences ?| ARRAY(SELECT jsonb_object_keys(NEW.fences))
        FOR NO KEY UPDATE SKIP LOCKED
    );
    RETURN NULL;
END $$;
CREATE TRIGGER merge_fences AFTER UPDATE OF state ON crossfade.runs
    FOR EACH ROW WHEN (NEW.state = 'contracted' AND NEW.fences <> '{}') EXECUTE FUNCTION crossfade.merge_fences();

-- Only ever locked. Whoever raises the fence has it alone for a moment: each answer of before has left a sighting by then,
-- which the gates see, and each answer of after knows of the fence.
CREATE TABLE crossfade.fence ();
-- Reading a version and its ranges is most of what a heartbeat costs, and a session asks the same again and again. So it
-- keeps the answer, with what was asked: the app, the version, and which rows of which runs it came from. A run that is
-- written gets another row. Whoever sets this setting themselves deceives only those who share their session.
-- Without statistics the planner would read every run that ever was, few of which have fences left.
CREATE FUNCTION crossfade.is_fenced(app text, version text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    asked text;
    kept text := current_setting('crossfade.fenced', true);
    fenced boolean;
BEGIN
    LOCK TABLE crossfade.fence IN ACCESS SHARE MODE;
    asked := (
        SELECT concat_ws(' ', string_agg(r.ctid::text || r.xmin::text, ' ' ORDER BY r.id),
                         quote_literal(is_fenced.app), is_fenced.version)
        FROM crossfade.runs r
        WHERE r.fences <> '{}' AND r.state NOT IN ('rolled_back', 'cancelled')
    );
    IF kept = 'yes ' || asked OR kept = 'no ' || asked THEN
        RETURN starts_with(kept, 'yes');
    END IF;
    fenced := EXISTS (
        SELECT
        FROM crossfade.fences f
        WHERE f.wanted ? is_fenced.app
          AND coalesce(crossfade.version_admitted(f.wanted -> is_fenced.app, is_fenced.version), false) <> f.is_closed
    );
    PERFORM set_config('crossfade.fenced', CASE WHEN fenced THEN 'yes ' ELSE 'no ' END || asked, false);
    RETURN fenced;
END $$;

CREATE FUNCTION crossfade.can_i_run(app text, version text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (can_i_run.app || can_i_run.version) !~ '^[^[:cntrl:]]+$' IS NOT FALSE
        OR '' IN (can_i_run.app, can_i_run.version) OR greatest(length(can_i_run.app), length(can_i_run.version)) > 200 THEN
        RAISE EXCEPTION 'crossfade.can_i_run: app and version are texts of 1 to 200 characters without control characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF crossfade.is_fenced(can_i_run.app, can_i_run.version) THEN
        RETURN false;
    END IF;
    INSERT INTO crossfade.sightings AS s (app, version, instance, source, host, role_name)
    VALUES (can_i_run.app, can_i_run.version, 'pid ' || pg_backend_pid(), 'start', host(inet_client_addr()), session_user)
    ON CONFLICT ON CONSTRAINT sightings_pkey DO UPDATE
        SET last_seen = clock_timestamp(), host = excluded.host, role_name = excluded.role_name;
    RETURN true;
END $$;
COMMENT ON FUNCTION crossfade.can_i_run(text, text) IS
    'Whether this version of the app may work on the database as it is now. Ask at start, outside a transaction, and end if it says no.';

CREATE FUNCTION crossfade.heartbeat(app text, version text, instance text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fenced boolean;
    is_new boolean;
BEGIN
    -- What is said is shown on terminals and in the logs of pipelines.
    IF (heartbeat.app || heartbeat.version || heartbeat.instance) !~ '^[^[:cntrl:]]+$' IS NOT FALSE
        OR '' IN (heartbeat.app, heartbeat.version, heartbeat.instance)
        OR greatest(length(heartbeat.app), length(heartbeat.version), length(heartbeat.instance)) > 200 THEN
        RAISE EXCEPTION 'crossfade.heartbeat: app, version and instance are texts of 1 to 200 characters without control characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    fenced := crossfade.is_fenced(heartbeat.app, heartbeat.version);
    INSERT INTO crossfade.sightings AS s (app, version, instance, source, host, role_name)
    VALUES (heartbeat.app, heartbeat.version, heartbeat.instance, 'heartbeat', host(inet_client_addr()), session_user)
    ON CONFLICT ON CONSTRAINT sightings_pkey DO UPDATE
        SET last_seen = clock_timestamp(), host = excluded.host, role_name = excluded.role_name
    RETURNING s.xmax = 0 INTO is_new;
    IF is_new AND random() < 0.01 THEN
        PERFORM crossfade.forget_sightings();
    END IF;
    IF random() < 0.02 THEN
        PERFORM crossfade.compact_legacy_writes();
    END IF;
    RETURN NOT fenced;
END $$;
COMMENT ON FUNCTION crossfade.heartbeat(text, text, text) IS
    'Says that this instance of the app is live, and answers whether it may go on. Call it at start and every 15 seconds or so, outside a transaction.';

-- Called by the trigger functions of a pair for a write of the old shape, and by those that watch for a constraint, which
-- let a session through once a second; `setting` is the session's that holds when it was.
-- Exported migrations may have made an empty one, and an empty key_of.
-- The advisory lock says to gates that there is a note which they cannot see yet; being shared, nobody waits for it.
CREATE FUNCTION crossfade.note_lock_class() RETURNS integer
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT 1129469519 $$;
CREATE FUNCTION crossfade.note_lock(plan text, kind text) RETURNS integer
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT hashtext(CASE kind WHEN 'legacy' THEN plan ELSE concat_ws(' ', plan, kind) END)
$$;
CREATE OR REPLACE FUNCTION crossfade.note_write(
    plan text, kind text, relation oid, column_name text, setting text, example jsonb DEFAULT NULL
) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO crossfade.legacy_writes
        (plan, kind, relation, column_name, application_name, role_name, address, example, at)
    VALUES (note_write.plan, note_write.kind, note_write.relation::regclass::text, note_write.column_name,
            current_setting('application_name'), session_user, inet_client_addr(), note_write.example,
            clock_timestamp());
    IF note_write.kind IN ('legacy', 'violation') THEN
        PERFORM pg_advisory_xact_lock_shared(
            crossfade.note_lock_class(), crossfade.note_lock(note_write.plan, note_write.kind));
        PERFORM set_config(note_write.setting, current_setting('application_name')
            || date_part('epoch', clock_timestamp())::int8::text, false);
    END IF;
END $$;

-- The primary key of a row that is given as a document, by the names that its columns have; NULL where there is none.
CREATE OR REPLACE FUNCTION crossfade.key_of(relation oid, image jsonb) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_object_agg(a.attname, key_of.image -> a.attname::text)
    FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = key_of.relation AND i.indisprimary
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA crossfade FROM PUBLIC;
INSERT INTO crossfade.meta (version) VALUES (1);
