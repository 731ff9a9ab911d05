-- Something of everything that the catalog has to tell. Runs on PostgreSQL 15 and later; PEER is put in by the test.
CREATE SCHEMA shop;
CREATE SCHEMA "Odd ""Schema""";
CREATE EXTENSION citext SCHEMA shop;
CREATE EXTENSION pg_stat_statements SCHEMA shop;
CREATE TYPE shop.status AS ENUM ('new', 'paid');
CREATE DOMAIN shop.short AS varchar(20);
CREATE DOMAIN shop.code AS shop.short CHECK (VALUE <> '');
CREATE DOMAIN shop.codes AS shop.code[];
CREATE FUNCTION shop.token() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT 'x' $$;
CREATE FUNCTION shop.token(integer) RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'y' $$;
CREATE FUNCTION shop.loud_concat(text, text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT $1 || $2 $$;
CREATE OPERATOR shop.@@@ (LEFTARG = text, RIGHTARG = text, FUNCTION = shop.loud_concat);

CREATE TABLE shop.teams (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE shop.users (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5 CACHE 3) PRIMARY KEY,
    email varchar(200) NOT NULL DEFAULT 'nobody' || '@example.org',
    nickname shop.citext COLLATE "C",
    bytes bytea,
    status shop.status DEFAULT 'new',
    code shop.code,
    codes shop.codes,
    tags text[],
    gone int,
    serial_no serial,
    made timestamptz DEFAULT now(),
    ticked timestamptz DEFAULT clock_timestamp(),
    token text DEFAULT shop.token(),
    steady text DEFAULT shop.token(1),
    joined text DEFAULT 'a'::text OPERATOR(shop.@@@) 'b'::text,
    today date DEFAULT CURRENT_DATE,
    doubled bigint GENERATED ALWAYS AS (serial_no * 2) STORED,
    team int REFERENCES shop.teams ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    boss bigint REFERENCES shop.users (id),
    period int4range,
    CONSTRAINT "Email at" CHECK (email LIKE '%@%') NO INHERIT,
    CONSTRAINT no_overlap EXCLUDE USING gist (period WITH &&, int8range(boss, boss, '[]') WITH &&)
) WITH (fillfactor = 70);
ALTER TABLE shop.users DROP COLUMN gone;
ALTER TABLE shop.users ADD CONSTRAINT sane_team CHECK (team > 0) NOT VALID;
ALTER TABLE shop.users ADD CONSTRAINT whole_row CHECK (users IS NOT NULL) NOT VALID;
CREATE SEQUENCE shop.spare OWNED BY shop.users.tags;
COMMENT ON TABLE shop.users IS 'People.';
COMMENT ON COLUMN shop.users.email IS 'Where we write to.';
COMMENT ON CONSTRAINT sane_team ON shop.users IS 'Teams count from one.';
COMMENT ON SEQUENCE shop.users_id_seq IS 'Numbers.';
ALTER TABLE shop.users ALTER email SET STATISTICS 500, ALTER email SET STORAGE MAIN, ALTER email SET COMPRESSION pglz,
    ALTER email SET (n_distinct = -0.5);
GRANT SELECT (email), UPDATE (email) ON shop.users TO PUBLIC;
GRANT SELECT (email) ON shop.users TO "PEER" WITH GRANT OPTION;
GRANT USAGE ON SCHEMA shop TO "PEER";
GRANT USAGE ON SEQUENCE shop.users_id_seq TO "PEER";
ALTER TABLE shop.users REPLICA IDENTITY USING INDEX users_pkey;
CREATE UNIQUE INDEX users_email_lower ON shop.users (lower(email), status) INCLUDE (tags) NULLS NOT DISTINCT
    WHERE nickname IS NOT NULL;
ALTER INDEX shop.users_email_lower ALTER COLUMN 1 SET STATISTICS 77;
COMMENT ON INDEX shop.users_email_lower IS 'For the login.';
CREATE INDEX users_whole ON shop.users ((users IS NULL));
CREATE INDEX users_made ON shop.users USING brin (made);
CREATE INDEX users_status ON shop.users (status);
ALTER TABLE shop.users CLUSTER ON users_status;
CREATE STATISTICS shop.users_pair (ndistinct) ON email, (lower(token)) FROM shop.users;

CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.made := now(); RETURN NEW; END $$;
CREATE TRIGGER "touch ""FOR EACH ROW WHEN (" BEFORE INSERT OR UPDATE OF email, team ON shop.users
    FOR EACH ROW WHEN (NEW.email <> ') EXECUTE ') EXECUTE FUNCTION shop.touch('a');
CREATE TRIGGER audit AFTER DELETE OR TRUNCATE ON shop.users FOR EACH STATEMENT EXECUTE FUNCTION shop.touch();
ALTER TABLE shop.users ENABLE ALWAYS TRIGGER audit;
COMMENT ON TRIGGER audit ON shop.users IS 'Who did it.';
CREATE RULE no_ghosts AS ON DELETE TO shop.users WHERE OLD.email = 'ghost' DO INSTEAD NOTHING;
CREATE POLICY only_mine ON shop.users USING (email = current_user);
CREATE POLICY anyone ON shop.users USING (true);
CREATE POLICY by_user ON shop.teams USING (EXISTS (SELECT FROM shop.users u WHERE u.email = teams.email));
ALTER TABLE shop.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE VIEW shop.active AS SELECT id, email FROM shop.users WHERE status = 'paid';
CREATE VIEW shop.counted AS SELECT count(*) FROM shop.users;
CREATE MATERIALIZED VIEW shop.emails AS SELECT email FROM shop.users;
CREATE VIEW "Odd ""Schema""".above AS SELECT email FROM shop.active;
CREATE TABLE shop.orders (id int PRIMARY KEY, buyer bigint CONSTRAINT buyer_known REFERENCES shop.users (id));
CREATE FUNCTION shop.address_of(bigint) RETURNS varchar LANGUAGE sql
    BEGIN ATOMIC SELECT email FROM shop.users WHERE id = $1; END;
CREATE FUNCTION shop.rename_me() RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM shop.USERS';
CREATE FUNCTION shop.not_me() RETURNS int LANGUAGE sql AS 'SELECT 1 AS users_of_nothing';

CREATE PUBLICATION listed FOR TABLE shop.users (id, email) WHERE (id > 5);
CREATE PUBLICATION whole_schema FOR TABLES IN SCHEMA shop;
CREATE PUBLICATION everything FOR ALL TABLES;

CREATE TABLE shop.events (id int, at date, kind text) PARTITION BY RANGE (at, (upper(kind)));
CREATE TABLE shop.events_a PARTITION OF shop.events FOR VALUES FROM ('2024-01-01', MINVALUE)
    TO ('2025-01-01', MINVALUE) PARTITION BY LIST (kind);
CREATE TABLE shop.events_a1 PARTITION OF shop.events_a FOR VALUES IN ('x');
CREATE TABLE shop.events_b PARTITION OF shop.events DEFAULT;
CREATE INDEX events_kind ON shop.events (kind);
CREATE TRIGGER each_event BEFORE UPDATE ON shop.events FOR EACH ROW EXECUTE FUNCTION shop.touch();
INSERT INTO shop.events SELECT 1, '2024-05-05', 'x' FROM generate_series(1, 100);

CREATE TABLE shop.animals (name text, legs int CHECK (legs >= 0));
CREATE TABLE shop.dogs (breed text) INHERITS (shop.animals);
CREATE TABLE shop.pups () INHERITS (shop.dogs);
CREATE UNLOGGED TABLE shop.scratch (a int);
CREATE TYPE shop.pair AS (a int, b text);
CREATE TABLE shop.pairs OF shop.pair;

CREATE TABLE "Odd ""Schema"""."Ünï""code Select" (
    "Größe ""x""" int, "select" text,
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" text CHECK (
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" <> ''));
CREATE FUNCTION shop.odd() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM "Odd ""Schema"""."Ünï""code Select"';
CREATE VIEW "Odd ""Schema"""."View" AS SELECT "select" FROM "Odd ""Schema"""."Ünï""code Select";
