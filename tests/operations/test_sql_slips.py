"""A slip in a statement of a plan's own is found by `check`: a column, a role or a type that is not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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
    "CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (5)",
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
    "UPDATE ONLY users AS u SET tags[1] = 'a', (email, feels) = (SELECT name, 'sad'::mood FROM teams WHERE id = u.id)",
)


def test_what_the_server_would_take_is_taken(database: Database) -> None:
    database.execute(SETUP + "CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id)")
    with Engine(database.url) as engine:
        found = {statement: told(engine, run(statement)) for statement in SOUND}
    assert found == {statement: [] for statement in SOUND}
    for statement in SOUND:
        database.execute(f"BEGIN; {statement}; ROLLBACK")


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
        assert [r.object for r in found] == ["backfill.set.email of sql on public.users"]
        (refusal,) = told(engine, run("DROP TRIGGER t ON usrs"))
        assert (refusal.code, refusal.object) == ("no_such_table", "public.usrs")
        made = {"add_column": {"table": "users", "name": "x", "type": "int"}}
        assert told(engine, made, run("CREATE VIEW v AS SELECT x FROM users")) == []
        gone = {"drop_column": {"table": "users", "column": "tags"}}
        assert told(engine, gone, run("UPDATE users SET tags = '{}' WHERE id = 1")) == []
        new = {"create_enum": {"name": "size", "values": ["s", "l"]}}
        assert told(engine, new, run("ALTER TABLE users ADD COLUMN s size")) == []
