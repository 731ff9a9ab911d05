"""A slip in a statement of a plan's own is found by `check`: a column, a role or a type that is not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg

from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crossfade.errors import Refusal
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TABLE teams (id int PRIMARY KEY, name text);
CREATE TABLE users (id int PRIMARY KEY, team_id int REFERENCES teams, email text UNIQUE, feels mood DEFAULT 'sad',
    tags text[], n bigint GENERATED ALWAYS AS IDENTITY);
CREATE UNIQUE INDEX ready ON users (email, id);
CREATE VIEW named AS SELECT u.id, u.email, t.name AS team FROM users u LEFT JOIN teams t ON t.id = u.team_id;
CREATE SEQUENCE drawn; CREATE TABLE made (id int, twice int GENERATED ALWAYS AS (id * 2) STORED, since date);
CREATE SCHEMA other; CREATE TABLE other."Odd ""One" (id int PRIMARY KEY, "Order" int);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE days (day int PRIMARY KEY) PARTITION BY RANGE (day);
CREATE TABLE low PARTITION OF days FOR VALUES FROM (0) TO (10);
CREATE FUNCTION label(users) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT $1.email$$;
"""


def plan(*changes: Mapping[str, object]) -> Plan:
    entries = "".join(f"  - {json.dumps(change)}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: slip\nhold: 0s\nchanges:\n{entries}", "plan.yaml")


def run(statement: str, undo: str = "SELECT 1") -> Mapping[str, object]:
    return {"sql": {"expand": [{"run": statement, "undo": undo}]}}


def told(engine: Engine, *changes: Mapping[str, object]) -> list[Refusal]:
    acks = ("breaks", "rows", "rewrite", "opaque")
    return list(engine.check(plan(*changes), acks=acks).refusals)


SLIPS = {
    "GRANT SELECT ON users TO ghost": 'role "ghost" does not exist',
    "ALTER TABLE users OWNER TO ghost": 'role "ghost" does not exist',
    "CREATE POLICY p ON users TO ghost USING (true)": 'role "ghost" does not exist',
    "CREATE POLICY p ON users USING (emial = 'a')": 'column "emial" does not exist',
    "CREATE INDEX CONCURRENTLY ui ON users (emial)": 'column "emial" does not exist',
    "CREATE INDEX CONCURRENTLY ui ON users (lower(id))": "function lower(integer) does not exist",
    "CREATE INDEX CONCURRENTLY ui ON users (email) WHERE nope": 'column "nope" does not exist',
    "ALTER TABLE users ADD COLUMN email text": 'column "email" of relation "users" already exists',
    "ALTER TABLE users ADD COLUMN x txt": 'type "txt" does not exist',
    "ALTER TABLE users ALTER COLUMN nope SET DEFAULT 1": 'column "nope" of relation "users" does not exist',
    "ALTER TABLE users DROP COLUMN nope": 'column "nope" of relation "users" does not exist',
    "ALTER TABLE users ADD CONSTRAINT c CHECK (nope > 0) NOT VALID": 'column "nope" does not exist',
    'ALTER TABLE other."Odd ""One" RENAME COLUMN "order" TO b': 'column "order" does not exist',
    "INSERT INTO users (nope) VALUES (1)": 'column "nope" of relation "users" does not exist',
    "INSERT INTO users (id, email) VALUES (1, 'a', 2)": "more expressions than target columns",
    "INSERT INTO teams (id, name) SELECT id, nam FROM named": 'column "nam" does not exist',
    "UPDATE users SET email = t.nam FROM teams t WHERE t.id = team_id": "column t.nam does not exist",
    "WITH gone AS (DELETE FROM users WHERE nope RETURNING id) SELECT id FROM gone": 'column "nope" does not exist',
    "CREATE VIEW v AS SELECT nope FROM users": 'column "nope" does not exist',
    "CREATE VIEW v AS SELECT team_id, email FROM users GROUP BY team_id": 'column "users.email" must appear',
    "CREATE TRIGGER t BEFORE UPDATE OF nope ON users FOR EACH ROW EXECUTE FUNCTION touch()": 'column "nope"',
    "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tuch()": "function tuch() does not exist",
    "CREATE STATISTICS s ON email, nope FROM users": 'column "nope" does not exist',
    "CREATE TABLE more (id int PRIMARY KEY, who int REFERENCES users (nope))": 'column "nope" referenced in foreign',
    "CREATE MATERIALIZED VIEW m AS SELECT nope FROM users": 'column "nope" does not exist',
    "GRANT SELECT (emial) ON users TO CURRENT_USER": 'column "emial" of relation "users" does not exist',
    "INSERT INTO users (id, n) VALUES (1, 1)": 'cannot insert a non-DEFAULT value into column "n"',
    "UPDATE made SET twice = 1": 'column "twice" can only be updated to DEFAULT',
    "ALTER TABLE made ADD COLUMN more int GENERATED ALWAYS AS (twice + 1) STORED": "cannot use generated column",
    "UPDATE made SET since = 'someday'": "invalid input syntax for type date",
    "CREATE DOMAIN d AS nosuch": 'type "nosuch" does not exist',
    "CREATE FUNCTION f(x nosuch) RETURNS int LANGUAGE sql AS 'SELECT 1'": "type nosuch does not exist",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT nope FROM users'": 'column "nope" does not exist',
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1'": "syntax error at end of input",
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'": "already exists with same",
    "CREATE TYPE mood AS ENUM ('a')": 'type "mood" already exists',
    "CREATE SCHEMA other": 'schema "other" already exists',
    "ALTER TYPE nosuch ADD VALUE 'a'": 'type "nosuch" does not exist',
    "ALTER TYPE mood ADD VALUE 'sad'": 'enum label "sad" already exists',
    "ALTER TYPE mood RENAME VALUE 'bad' TO 'good'": '"bad" is not an existing enum label',
    "DROP TYPE nosuch": 'type "nosuch" does not exist',
    "DROP DOMAIN mood": '"mood" is not a domain',
    "DROP FUNCTION touch(int)": "function touch(integer) does not exist",
    "DROP SCHEMA nosuch": 'schema "nosuch" does not exist',
    "DROP ROLE ghost": 'role "ghost" does not exist',
    "ALTER PUBLICATION nosuch ADD TABLE users": 'publication "nosuch" does not exist',
    "ALTER TABLE users SET SCHEMA nosuch": 'schema "nosuch" does not exist',
    "GRANT SELECT ON ALL TABLES IN SCHEMA nosuch TO PUBLIC": 'schema "nosuch" does not exist',
    "GRANT EXECUTE ON FUNCTION nosuch() TO PUBLIC": "function nosuch() does not exist",
    "SET LOCAL work_mem = 'much'": 'invalid value for parameter "work_mem"',
    "INSERT INTO users (id, feels) VALUES (1, 'glad')": 'invalid input value for enum mood: "glad"',
    "INSERT INTO teams (id) VALUES (1) ON CONFLICT (name) DO NOTHING": "no unique or exclusion constraint matching",
    "UPDATE teams SET id = 1 / 0": "division by zero",
    "CREATE TABLE more (who text REFERENCES teams (name))": "no unique constraint matching given keys",
    "CREATE TABLE more PARTITION OF users FOR VALUES IN (1)": '"users" is not partitioned',
    "CREATE TABLE lower PARTITION OF days FOR VALUES FROM (5) TO (20)": 'would overlap partition "public.low"',
    "CREATE TABLE lower PARTITION OF days FOR VALUES IN (20)": "invalid bound specification for a range partition",
    "CREATE TRIGGER t AFTER TRUNCATE ON users FOR EACH ROW EXECUTE FUNCTION touch()": "TRUNCATE FOR EACH ROW triggers",
    "CREATE INDEX CONCURRENTLY ni ON named (id)": 'cannot create index on relation "named"',
    "CREATE OR REPLACE VIEW named AS SELECT id FROM users": "cannot drop columns from view",
    "ALTER TABLE users ADD PRIMARY KEY (id, n)": 'multiple primary keys for table "users"',
    "ALTER TABLE users ALTER COLUMN id DROP IDENTITY": "is not an identity column",
    "ALTER TABLE users SET (fillfactor = 500)": 'value 500 out of bounds for option "fillfactor"',
    "SELECT nextval('nosuch')": 'relation "nosuch" does not exist',
}


def test_what_the_server_would_say_of_a_statement_is_said_before(database: Database) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        found = {statement: told(engine, run(statement)) for statement in SLIPS}
    for statement, said in SLIPS.items():
        assert [r.object for r in found[statement]] == ["expand.0 of sql"], (statement, found[statement])
        (refusal,) = found[statement]
        assert said in refusal.message, refusal.message
        assert "crossfade" not in refusal.message
        assert "pg_temp" not in refusal.message + refusal.instead


def test_what_takes_a_statement_back_is_tried_on_what_it_leaves(database: Database) -> None:
    database.execute(SETUP)
    added = "ALTER TABLE users ADD COLUMN x int"
    with Engine(database.url) as engine:
        right = told(engine, run(added, "ALTER TABLE users DROP COLUMN x"))
        wrong = told(engine, run(added, "ALTER TABLE users DROP COLUMN y"))
    assert right == []
    assert [r.object for r in wrong] == ["expand.0.undo of sql"]


def test_lists_that_take_a_phase_back_are_tried_on_what_the_phase_leaves(database: Database) -> None:
    database.execute(SETUP)
    back = {"expand": ["ALTER TABLE users ADD COLUMN zz int"], "rollback": ["ALTER TABLE users DROP COLUMN zz"]}
    hidden = "ALTER TABLE users RENAME COLUMN email TO mail"
    forth = {"contract": [hidden], "revert": ["ALTER TABLE users RENAME COLUMN mail TO email"]}
    with Engine(database.url) as engine:
        assert told(engine, {"sql": back}) == told(engine, {"sql": forth}) == []
        wrong = {**back, "rollback": ["ALTER TABLE users DROP COLUMN zy"]}
        assert [r.object for r in told(engine, {"sql": wrong})] == ["rollback.0 of sql"]
        wrong = {**forth, "revert": ["ALTER TABLE users RENAME COLUMN mai TO email"]}
        assert [r.object for r in told(engine, {"sql": wrong})] == ["revert.0 of sql"]
        (refusal,) = told(engine, run("CREATE TABLE zt (id int)", "DROP TABLE zzt"))
        assert (refusal.code, refusal.object) == ("no_such_table", "public.zzt")


def test_a_comment_is_on_a_column_that_there_is(database: Database) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        (refusal,) = told(engine, run("COMMENT ON COLUMN public.users.emial IS 'x'"))
        assert (refusal.code, "email" in refusal.instead) == ("no_such_column", True)
        assert told(engine, run("COMMENT ON COLUMN users.email IS 'x'")) == []


def test_a_name_that_is_taken_is_told(database: Database) -> None:
    database.execute(SETUP)
    for made in (
        "TABLE users (id int)",
        "VIEW teams AS SELECT 1",
        "TABLE ready AS SELECT 1",
        "SEQUENCE named",
        "INDEX made ON users (id)",
        "MATERIALIZED VIEW users_pkey AS SELECT 1",
    ):
        with Engine(database.url) as engine:
            assert [r.code for r in told(engine, run(f"CREATE {made}"))] == ["name_taken"], made


OF_TABLES = {
    "ALTER TABLE users DROP CONSTRAINT nope": ("no_such_constraint", "public.users.nope"),
    "ALTER TABLE users ADD CONSTRAINT users_pkey CHECK (id > 0) NOT VALID": ("constraint_exists", "users_pkey"),
    "ALTER TABLE users RENAME CONSTRAINT users_pkey TO users_email_key": ("constraint_exists", "users_email_key"),
    "ALTER TABLE users ALTER CONSTRAINT users_pkey DEFERRABLE": ("not_on_table", "foreign key users_pkey"),
    "ALTER TABLE users ADD CONSTRAINT ready UNIQUE (n)": ("name_taken", "public.ready"),
    "ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX nope": ("not_on_table", "unique index nope"),
    "ALTER TABLE users DISABLE TRIGGER touching": ("not_on_table", "trigger touching on public.users"),
    "ALTER TABLE users REPLICA IDENTITY USING INDEX nope": ("not_on_table", "index nope on public.users"),
    "ALTER TABLE users DETACH PARTITION teams": ("not_on_table", "partition teams on public.users"),
    "ALTER TABLE users RENAME TO teams": ("name_taken", "public.teams"),
    "ALTER TABLE low ADD COLUMN more int": ("inherited_column", "public.low"),
    "ALTER TABLE low DROP COLUMN day": ("inherited_column", "public.low"),
    "CREATE OR REPLACE VIEW teams AS SELECT 1": ("other_kind", "public.teams"),
    "DROP TRIGGER nope ON users": ("not_on_table", "trigger nope on public.users"),
    "DROP POLICY nope ON users": ("not_on_table", "policy nope on public.users"),
    "CREATE TRIGGER touched BEFORE UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION touch()": ("name_taken", "touched"),
    "COMMENT ON CONSTRAINT nope ON users IS 'x'": ("no_such_constraint", "public.users.nope"),
    "COMMENT ON TABLE usrs IS 'x'": ("no_such_table", "public.usrs"),
    "INSERT INTO users (id) VALUES (1) ON CONFLICT ON CONSTRAINT nope DO NOTHING": ("no_such_constraint", "nope"),
    "CREATE PUBLICATION p FOR TABLE users (nope)": ("no_such_column", "public.users.nope"),
    "ALTER SEQUENCE drawn OWNED BY users.nope": ("no_such_column", "public.users.nope"),
    "GRANT SELECT ON usrs TO PUBLIC": ("no_such_table", "public.usrs"),
    "CREATE TABLE more (who int REFERENCES usrs)": ("no_such_table", "public.usrs"),
    "CREATE VIEW v AS SELECT 1 FROM usrs": ("no_such_table", "public.usrs"),
    "DROP SEQUENCE nope": ("no_such_table", "public.nope"),
    "DROP VIEW users": ("other_kind", "public.users"),
    "DROP TABLE named": ("other_kind", "public.named"),
    "DROP TABLE ready": ("other_kind", "public.ready"),
    "REFRESH MATERIALIZED VIEW named": ("other_kind", "public.named"),
    "DROP TABLE teams": ("dependent", "view public.named", "foreign key users_team_id_fkey of public.users"),
    "ALTER TABLE users DROP COLUMN email": ("dependent", "view public.named"),
    "ALTER TABLE users ALTER COLUMN email TYPE varchar": ("dependent", "view public.named"),
    "ALTER TABLE teams DROP CONSTRAINT teams_pkey": ("dependent", "foreign key users_team_id_fkey of public.users"),
    "TRUNCATE teams": ("dependent", "foreign key users_team_id_fkey of public.users"),
}
"""What is known of a table beside its columns."""


def test_what_is_on_a_table_or_needs_it_is_known(database: Database) -> None:
    touched = "CREATE TRIGGER touched BEFORE UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION touch()"
    database.execute(f"{SETUP} {touched}")
    with Engine(database.url) as engine:
        found = {statement: told(engine, run(statement)) for statement in OF_TABLES}
    for statement, (code, *objects) in OF_TABLES.items():
        refusals = found[statement]
        assert {r.code for r in refusals} == {code}, (statement, refusals)
        assert len(refusals) == len(objects), (statement, refusals)
        for refusal, about in zip(refusals, objects, strict=True):
            assert about in refusal.object, (statement, refusal)
    wrong = 0
    for statement in {**SLIPS, **OF_TABLES}:
        try:
            database.execute(f"BEGIN; {statement.replace(' CONCURRENTLY', '')}; ROLLBACK")
        except psycopg.Error:
            wrong += 1
    assert wrong == len(SLIPS) + len(OF_TABLES)


SOUND = (
    "ALTER TABLE users ADD COLUMN IF NOT EXISTS email text, DROP COLUMN IF EXISTS nope",
    "ALTER TABLE users ADD COLUMN x bigint GENERATED BY DEFAULT AS IDENTITY, ALTER COLUMN feels DROP DEFAULT",
    "ALTER TABLE users DROP CONSTRAINT users_email_key",
    "ALTER TABLE users ADD CONSTRAINT again FOREIGN KEY (team_id) REFERENCES teams NOT VALID",
    "ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX ready",
    "INSERT INTO users (id, email) VALUES (1, 'a') ON CONFLICT (email) DO UPDATE SET email = excluded.email",
    "INSERT INTO users VALUES (1, NULL, 'a', 'fine', '{}') ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING",
    "CREATE VIEW v AS SELECT u.email, count(*) FROM users u JOIN teams t ON t.id = u.team_id GROUP BY u.id",
    "CREATE VIEW v AS SELECT label(users) AS one, label(users.*) AS two FROM users",
    "CREATE VIEW v AS SELECT users FROM users",
    "CREATE OR REPLACE VIEW named AS SELECT id, email, team_id::text AS team FROM users",
    "CREATE MATERIALIZED VIEW m AS WITH users AS (SELECT 1 AS nope) SELECT nope FROM users",
    "CREATE RULE r AS ON UPDATE TO named DO INSTEAD UPDATE users SET email = NEW.email WHERE id = OLD.id",
    "CREATE TRIGGER t INSTEAD OF UPDATE ON named FOR EACH ROW EXECUTE FUNCTION touch()",
    "CREATE POLICY p ON users FOR SELECT TO CURRENT_USER, PUBLIC USING (email = current_user)",
    "CREATE TABLE more (LIKE users INCLUDING ALL, also int REFERENCES teams)",
    "CREATE TABLE lowest PARTITION OF parted FOR VALUES FROM (0) TO (5)",
    "SELECT relname FROM pg_class WHERE relname = 'users'",
    "SELECT u.label, public.users.email FROM users u, public.users FOR UPDATE OF u",
    "UPDATE users SET email = 'x' WHERE public.users.email IS NULL",
    "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW WHEN (label(OLD) <> label(NEW)) EXECUTE FUNCTION touch()",
    "SELECT label(jsonb_populate_record(NULL::users, '{}'))",
    "CREATE TABLE more (id int DEFAULT nextval('drawn'), of users)",
    "DROP ROLE IF EXISTS gone",
    "ALTER TABLE made ALTER COLUMN twice DROP EXPRESSION, ALTER COLUMN twice SET DEFAULT 3",
    "ALTER TABLE users ALTER COLUMN n SET GENERATED BY DEFAULT SET START 5",
    "ALTER TABLE users ALTER COLUMN n DROP IDENTITY, ALTER COLUMN n SET DEFAULT 1",
    "INSERT INTO users (id, n) OVERRIDING SYSTEM VALUE VALUES (1, 1)",
    "UPDATE made SET twice = DEFAULT, since = 'infinity'",
    "GRANT SELECT (id), UPDATE ON users, teams TO PUBLIC",
    "CREATE FUNCTION f(x mood, y users) RETURNS SETOF mood LANGUAGE sql AS 'SELECT x'",
    "CREATE FUNCTION f(x int) RETURNS text BEGIN ATOMIC SELECT email FROM users WHERE id = x; END",
    "CREATE SEQUENCE numbers OWNED BY users.id",
    "CREATE TABLE IF NOT EXISTS users (id int)",
    "CREATE TEMPORARY TABLE users (id int)",
    "CREATE TABLE other.users (id int)",
    "CREATE TEMPORARY TABLE pg_temp.users (id int)",
    "UPDATE pg_index SET indisclustered = false WHERE false",
    "ALTER TABLE users DROP CONSTRAINT users_email_key, ADD CONSTRAINT users_email_key UNIQUE (n)",
    "INSERT INTO users (id) VALUES (1) ON CONFLICT (email, id) DO NOTHING",
    "MERGE INTO users USING teams ON false WHEN NOT MATCHED THEN INSERT (id) VALUES (1)",
    "CREATE SEQUENCE numbered INCREMENT 5",
    "CREATE TYPE pair AS (a mood, b int)",
    "DROP TYPE IF EXISTS nosuch",
    "TRUNCATE teams, users",
    "DROP TABLE teams, users CASCADE",
    "DROP TRIGGER IF EXISTS nope ON users",
    "CREATE TABLE high PARTITION OF days FOR VALUES FROM (10) TO (20)",
    "SET CONSTRAINTS ALL DEFERRED",
    "ALTER ROLE CURRENT_USER SET work_mem = '5MB'",
    "SELECT set_config('a.b', 'c', true), 'users'::regclass",
    "UPDATE ONLY users AS u SET tags[1] = 'a', (email, feels) = (SELECT name, 'sad'::mood FROM teams WHERE id = u.id)",
)


def test_what_the_server_would_take_is_taken(database: Database) -> None:
    database.execute(SETUP + "CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id)")
    with Engine(database.url) as engine:
        found = {statement: told(engine, run(statement)) for statement in SOUND}
    assert found == {statement: [] for statement in SOUND}
    for statement in SOUND:
        database.execute(f"BEGIN; {statement}; ROLLBACK")


TOGETHER = (
    ("DROP FUNCTION label(users)", "CREATE FUNCTION label(users) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'"),
    (
        "ALTER TABLE users DROP CONSTRAINT users_email_key",
        "ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (n)",
    ),
    ("DROP VIEW named", "ALTER TABLE users ALTER COLUMN email TYPE varchar", "CREATE VIEW named AS SELECT 1"),
    ("DROP VIEW named", "DROP FUNCTION label(users)", "DROP TABLE users", "TRUNCATE teams", "DROP TABLE teams"),
    ("ALTER TABLE users DROP CONSTRAINT users_team_id_fkey", "ALTER TABLE teams DROP CONSTRAINT teams_pkey"),
    (
        "CREATE TYPE size AS ENUM ('s')",
        "CREATE TABLE shirts (id serial, size size)",
        "DROP SEQUENCE shirts_id_seq CASCADE",
    ),
    ("CREATE TABLE more (id int)", "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM more'"),
    ("SET LOCAL check_function_bodies = off", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM more'"),
    ("CREATE UNIQUE INDEX nn ON users (n)", "INSERT INTO users (id) VALUES (1) ON CONFLICT (n) DO NOTHING"),
    ("DROP TABLE low", "CREATE TABLE lower PARTITION OF days FOR VALUES FROM (5) TO (20)"),
    ("DROP INDEX ready", "CREATE INDEX ready ON teams (name)"),
    (
        "CREATE TYPE pair AS (a int)",
        "ALTER TYPE pair RENAME ATTRIBUTE a TO b",
        "CREATE TABLE q (x pair, CHECK ((x).b > 0))",
    ),
    ("CREATE STATISTICS s ON id, email FROM users", "COMMENT ON STATISTICS s IS 'x'", "DROP STATISTICS s"),
    ("CREATE PUBLICATION p FOR TABLE users", "ALTER PUBLICATION p DROP TABLE users", "DROP PUBLICATION p"),
    ("CREATE TYPE pair AS (a int)", "ALTER TYPE pair ADD ATTRIBUTE b int", "CREATE TABLE pairs OF pair"),
    (
        "CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY)",
        "ALTER TABLE users RENAME TO people",
        "SELECT 1 FROM people",
    ),
)
"""Statements that are right behind one another only."""


def test_what_statements_leave_is_what_the_next_ones_find(database: Database) -> None:
    database.execute(SETUP)
    for statements in TOGETHER:
        database.execute(f"BEGIN; {'; '.join(statements)}; ROLLBACK")
        with Engine(database.url) as engine:
            runs = [{"run": text, "undo": "SELECT 1"} for text in statements]
            assert told(engine, {"sql": {"contract": runs}}) == [], statements


def test_what_other_statements_and_changes_of_the_plan_make_may_be_named(database: Database) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        assert told(engine, run("CREATE ROLE ghost", "DROP ROLE ghost"), run("GRANT SELECT ON users TO ghost")) == []
        drawn = "ALTER TABLE users ADD COLUMN s int DEFAULT nextval('numbers')"
        assert told(engine, run("CREATE SEQUENCE numbers", "DROP SEQUENCE numbers"), run(drawn)) == []
        renamed = run("ALTER FUNCTION touch() RENAME TO touched", "ALTER FUNCTION touched() RENAME TO touch")
        trigger = "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touched()"
        assert told(engine, renamed, run(trigger)) == []
        several = (
            "ALTER TABLE users ADD COLUMN y int",
            "UPDATE users SET y = 1 FROM (WITH users AS (SELECT y FROM users) SELECT y FROM users) z WHERE false",
            "CREATE TABLE nt (a int)",
            "CREATE TABLE nt2 (b nt)",
        )
        assert told(engine, {"sql": {"expand": [{"run": text, "undo": "SELECT 1"} for text in several]}}) == []
        assert told(engine, run("CREATE EXTENSION citext"), run("ALTER TABLE users ADD COLUMN c citext")) == []
        making, using = "CREATE DOMAIN d AS int", "ALTER TABLE users ADD COLUMN d d"
        both = {"sql": {"expand": [{"run": text, "undo": "SELECT 1"} for text in (making, using)]}}
        assert told(engine, both) == []
        both["sql"]["expand"][1]["run"] = "ALTER TABLE users ADD COLUMN d e"
        assert [r.object for r in told(engine, both)] == ["expand.1 of sql"]
        function = "CREATE FUNCTION named_so() RETURNS text LANGUAGE sql AS 'SELECT more FROM users'"
        trigger = "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION named_so()"
        steps = ("ALTER TABLE users ADD COLUMN more text", function, trigger)
        found = told(engine, {"sql": {"expand": [{"run": text, "undo": "SELECT 1"} for text in steps]}})
        assert [(r.object, "must return type trigger" in r.message) for r in found] == [("expand.2 of sql", True)]
        filled = {"table": "users", "set": {"email": "nosuch(id)"}, "where": "email IS NULL"}
        found = told(engine, {"sql": {"expand": [{"run": function, "undo": "SELECT 1"}], "backfill": filled}})
        assert [r.object for r in found] == ["backfill.set.email of sql on public.users", "expand.0 of sql"]
        (refusal,) = told(engine, run("DROP TRIGGER t ON usrs"))
        assert (refusal.code, refusal.object) == ("no_such_table", "public.usrs")
        made = {"add_column": {"table": "users", "name": "x", "type": "int"}}
        assert told(engine, made, run("CREATE VIEW v AS SELECT x FROM users")) == []
        gone = {"drop_column": {"table": "users", "column": "tags"}}
        assert told(engine, gone, run("UPDATE users SET tags = '{}' WHERE id = 1")) == []
        new = {"create_enum": {"name": "size", "values": ["s", "l"]}}
        assert told(engine, new, run("ALTER TABLE users ADD COLUMN s size")) == []
