"""Statements that are one change together, and those that may mean two things."""

from __future__ import annotations

from typing import Any

import pytest

from crossfade.migrations.typed import Enums, typed
from crossfade.migrations.typed.columns import LEFT_OUT
from crossfade.migrations.typed.groups.renumbered import NO_WAY_BACK
from crossfade.migrations.typed.types import AT_ONCE
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema
from crossfade.postgres.forecast.trees import one_statement

from .reading import after, changes, read

BEFORE = after(
    """
    CREATE TYPE role AS ENUM ('user', 'admin', 'guest');
    CREATE TABLE teams (id int CONSTRAINT teams_pkey PRIMARY KEY, name text);
    CREATE TABLE users (id int CONSTRAINT users_pkey PRIMARY KEY, email text NOT NULL, age int, team int,
        role role NOT NULL DEFAULT 'user', CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id));
    CREATE INDEX users_email ON users (email);
    """
)

Case = tuple[str, str, list[dict[str, Any]]]
VALIDATE = "ALTER TABLE users VALIDATE CONSTRAINT users_team"
VALIDATED = {"sql": {"contract": ({"run": VALIDATE, "undo": VALIDATE},)}}
"""Before an exchange for the sake of the way back, and behind it."""
NUMBERED = (
    "ALTER TABLE users ALTER age DROP DEFAULT",
    "ALTER TABLE users ALTER age ADD GENERATED ALWAYS AS IDENTITY",
)


def renumbered(*statements: str) -> dict[str, Any]:
    return {"sql": {"contract": statements, "irreversible": True, "reason": NO_WAY_BACK}}


CERTAIN: list[Case] = [
    (
        "a check that is validated later",
        "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT c",
        [{"add_check": {"table": "users", "name": "c", "expression": "age > 0"}}],
    ),
    (
        "a domain's check that is validated later",
        "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0) NOT VALID; ALTER DOMAIN d VALIDATE CONSTRAINT c",
        [{"add_domain_check": {"domain": "d", "name": "c", "expression": "value > 0"}}],
    ),
    (
        "NOT NULL by a CHECK",
        (
            "ALTER TABLE users ADD CONSTRAINT c CHECK (age IS NOT NULL) NOT VALID; "
            "UPDATE users SET age = 0 WHERE age IS NULL; "
            "ALTER TABLE users VALIDATE CONSTRAINT c; ALTER TABLE users ALTER age SET NOT NULL; "
            "ALTER TABLE users DROP CONSTRAINT c"
        ),
        [{"set_not_null": {"table": "users", "column": "age", "fill": "0"}}],
    ),
    (
        "a serial column that becomes an identity",
        (
            "ALTER TABLE teams ALTER id DROP DEFAULT; DROP SEQUENCE teams_id_seq; "
            "ALTER TABLE teams ALTER id ADD GENERATED ALWAYS AS IDENTITY"
        ),
        [
            renumbered(
                "ALTER TABLE teams ALTER id DROP DEFAULT",
                "DROP SEQUENCE teams_id_seq",
                "ALTER TABLE teams ALTER id ADD GENERATED ALWAYS AS IDENTITY",
                """SELECT setval(pg_get_serial_sequence('"teams"', 'id'), max("id")) FROM "teams\"""",
            )
        ],
    ),
    (
        "two serial columns, one of another type, that become identities in turn",
        (
            "ALTER TABLE users ALTER id DROP DEFAULT, ALTER id TYPE bigint; ALTER TABLE teams ALTER id DROP DEFAULT; "
            "DROP SEQUENCE users_id_seq, teams_id_seq; "
            "ALTER TABLE users ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH 9); "
            "ALTER TABLE teams ALTER id ADD GENERATED ALWAYS AS IDENTITY; SELECT setval('teams_id_seq', 7)"
        ),
        [
            {"change_type": {"table": "users", "column": "id", "to": "bigint"}},
            renumbered(
                "ALTER TABLE users ALTER COLUMN id DROP DEFAULT",
                "DROP SEQUENCE users_id_seq",
                "ALTER TABLE users ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH 9)",
            ),
            renumbered(
                "ALTER TABLE teams ALTER id DROP DEFAULT",
                "DROP SEQUENCE teams_id_seq",
                "ALTER TABLE teams ALTER id ADD GENERATED ALWAYS AS IDENTITY",
                "SELECT setval('teams_id_seq', 7)",
            ),
        ],
    ),
    (
        "an identity that becomes serial",
        (
            "ALTER TABLE teams ALTER id DROP IDENTITY; CREATE SEQUENCE teams_id_seq OWNED BY teams.id; "
            "ALTER TABLE teams ALTER name SET NOT NULL; SELECT setval('teams_id_seq', 7); "
            "ALTER TABLE teams ALTER id SET DEFAULT nextval('teams_id_seq')"
        ),
        [
            {"set_not_null": {"table": "teams", "column": "name"}},
            renumbered(
                "ALTER TABLE teams ALTER id DROP IDENTITY",
                "CREATE SEQUENCE teams_id_seq OWNED BY teams.id",
                "SELECT setval('teams_id_seq', 7)",
                "ALTER TABLE teams ALTER id SET DEFAULT nextval('teams_id_seq')",
            ),
        ],
    ),
    (
        "another sequence that goes on behind the rows that are there",
        (
            "CREATE SEQUENCE numbers; SELECT setval('numbers', (SELECT max(id) FROM teams)); "
            "ALTER TABLE teams ALTER id SET DEFAULT nextval('numbers')"
        ),
        [
            renumbered(
                "CREATE SEQUENCE numbers",
                "SELECT setval('numbers', (SELECT max(id) FROM teams))",
                "ALTER TABLE teams ALTER id SET DEFAULT nextval('numbers')",
            )
        ],
    ),
    (
        "several columns, one UPDATE, NOT NULL",
        (
            "ALTER TABLE users ADD name text, ADD domain text; "
            "UPDATE users SET name = split_part(email, '@', 1), domain = split_part(email, '@', 2); "
            "ALTER TABLE users ALTER name SET NOT NULL"
        ),
        [
            {
                "add_column": {
                    "table": "users",
                    "name": "name",
                    "type": "text",
                    "nullable": False,
                    "fill": "split_part(email, '@', 1)",
                }
            },
            {"add_column": {"table": "users", "name": "domain", "type": "text", "fill": "split_part(email, '@', 2)"}},
        ],
    ),
    (
        "a default that is dropped and set",
        (
            "ALTER TABLE users ALTER age DROP DEFAULT; UPDATE users SET age = 0; "
            "ALTER TABLE users ALTER age SET DEFAULT 5"
        ),
        [
            {"update_rows": {"table": "users", "set": {"age": "0"}}},
            {"set_default": {"table": "users", "column": "age", "value": "5"}},
        ],
    ),
    (
        "rows filled, then NOT NULL",
        "UPDATE users SET age = 0 WHERE age IS NULL; ALTER TABLE users ALTER age SET NOT NULL",
        [{"set_not_null": {"table": "users", "column": "age", "fill": "0"}}],
    ),
    (
        "a column, its values, NOT NULL",
        (
            "ALTER TABLE users ADD COLUMN nick text; UPDATE users SET nick = lower(users.email); "
            "ALTER TABLE users ALTER nick SET NOT NULL"
        ),
        [
            {
                "add_column": {
                    "table": "users",
                    "name": "nick",
                    "type": "text",
                    "nullable": False,
                    "fill": "lower(email)",
                }
            }
        ],
    ),
    (
        "a default for the rows that are there only",
        "ALTER TABLE users ADD COLUMN nick text NOT NULL DEFAULT 'x'; ALTER TABLE users ALTER nick DROP DEFAULT",
        [{"add_column": {"table": "users", "name": "nick", "type": "text", "nullable": False, "fill": "'x'"}}],
    ),
    (
        "values for the rows that are there, and another default",
        "ALTER TABLE users ADD COLUMN n int; UPDATE users SET n = age; ALTER TABLE users ALTER n SET DEFAULT 1",
        [{"add_column": {"table": "users", "name": "n", "type": "integer", "fill": "age", "default": "1"}}],
    ),
    (
        "an index that becomes a constraint",
        (
            "CREATE UNIQUE INDEX CONCURRENTLY i ON users (email, age); "
            "ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX i"
        ),
        [{"add_unique": {"table": "users", "name": "u", "columns": ("email", "age")}}],
    ),
    (
        "an index that becomes a primary key",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON users (email); ALTER TABLE users ADD PRIMARY KEY USING INDEX i",
        [{"add_primary_key": {"table": "users", "name": "i", "columns": ("email",)}}],
    ),
    (
        "an index of the same name",
        "DROP INDEX users_email; CREATE INDEX users_email ON users (email, age)",
        [{"replace_index": {"name": "users_email", "columns": ("email", "age")}}],
    ),
    (
        "an index that gets the name",
        (
            "CREATE INDEX CONCURRENTLY i ON users (age); DROP INDEX CONCURRENTLY users_email; "
            "ALTER INDEX i RENAME TO users_email"
        ),
        [{"replace_index": {"name": "users_email", "columns": ("age",)}}],
    ),
    (
        "a key and its references",
        (
            "ALTER TABLE users DROP CONSTRAINT users_team; ALTER TABLE users ALTER team TYPE bigint; ALTER TABLE teams "
            "DROP CONSTRAINT teams_pkey, ALTER id TYPE bigint, ADD CONSTRAINT teams_pkey PRIMARY KEY (id); "
            "ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id)"
        ),
        [{"change_type": {"table": "teams", "column": "id", "to": "bigint", "follow_references": True}}],
    ),
    (
        "a key and its references, each by itself",
        "ALTER TABLE users ALTER team TYPE bigint; ALTER TABLE teams ALTER id TYPE bigint",
        [{"change_type": {"table": "teams", "column": "id", "to": "bigint", "follow_references": True}}],
    ),
    (
        "a column whose values move to another name",
        (
            "ALTER TABLE users ADD COLUMN mail text; UPDATE users SET mail = email; "
            "ALTER TABLE users ALTER mail SET NOT NULL; ALTER TABLE users DROP COLUMN email"
        ),
        [{"rename_column": {"table": "users", "from": "email", "to": "mail"}}],
    ),
    (
        "another type by hand",
        (
            "ALTER TABLE users ADD COLUMN new_age bigint; UPDATE users SET new_age = age; "
            "ALTER TABLE users DROP COLUMN age; ALTER TABLE users RENAME COLUMN new_age TO age"
        ),
        [{"change_type": {"table": "users", "column": "age", "to": "bigint"}}],
    ),
    (
        "row security",
        (
            "CREATE POLICY p ON users AS RESTRICTIVE FOR UPDATE TO app USING (users.age > 1) WITH CHECK (age > 2); "
            "ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
        ),
        [
            {
                "enable_row_security": {
                    "table": "users",
                    "force": True,
                    "policies": (
                        {
                            "name": "p",
                            "restrictive": True,
                            "for": "update",
                            "to": ("app",),
                            "using": "age > 1",
                            "check": "age > 2",
                        },
                    ),
                }
            }
        ],
    ),
    (
        "a constraint of the same name",
        (
            "ALTER TABLE users DROP CONSTRAINT users_team; "
            "ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams ON DELETE CASCADE"
        ),
        [
            VALIDATED,
            {
                "sql": {
                    "contract": (
                        (
                            "ALTER TABLE users DROP CONSTRAINT users_team, "
                            "ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams ON DELETE CASCADE NOT VALID"
                        ),
                    ),
                    "revert": (
                        (
                            "ALTER TABLE users DROP CONSTRAINT IF EXISTS users_team, "
                            "ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id) NOT VALID"
                        ),
                    ),
                }
            },
            VALIDATED,
        ],
    ),
    (
        "new tables, one of which only SQL makes",
        (
            "CREATE TABLE a (id serial PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int); "
            "ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a; CREATE INDEX CONCURRENTLY ON b (a); "
            "ALTER TABLE users ADD x int"
        ),
        [
            {
                "sql": {
                    "expand": (
                        "CREATE TABLE a (id serial PRIMARY KEY)",
                        "CREATE TABLE b (id int PRIMARY KEY, a int)",
                        "ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a",
                        "CREATE INDEX ON b (a)",
                    ),
                    "rollback": ("DROP TABLE IF EXISTS b, a",),
                }
            },
            {"add_column": {"table": "users", "name": "x", "type": "integer"}},
        ],
    ),
    (
        "a new table with a sequence, and a reference to it",
        (
            "CREATE TABLE a (id serial PRIMARY KEY, n text); ALTER TABLE users ADD COLUMN a int; "
            "ALTER TABLE users ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES a (id)"
        ),
        [
            {"add_column": {"table": "users", "name": "a", "type": "integer"}},
            {
                "create_table": {
                    "name": "a",
                    "columns": {"id": {"type": "integer", "nullable": False}, "n": {"type": "text"}},
                    "primary_key": ("id",),
                }
            },
            {"add_foreign_key": {"table": "users", "name": "f", "columns": ("a",), "references": {"table": "a"}}},
            {
                "sql": {
                    "expand": (
                        "CREATE SEQUENCE public.a_id_seq AS integer OWNED BY public.a.id",
                        "ALTER TABLE public.a ALTER COLUMN id SET DEFAULT nextval('public.a_id_seq')",
                    ),
                    "rollback": ("DROP SEQUENCE IF EXISTS public.a_id_seq CASCADE",),
                }
            },
        ],
    ),
    (
        "new tables that changes make",
        "CREATE TABLE a (id int PRIMARY KEY); CREATE INDEX i ON a (id)",
        [
            {"create_table": {"name": "a", "columns": {"id": {"type": "integer"}}, "primary_key": ("id",)}},
            {"create_index": {"table": "a", "name": "i", "columns": ("id",)}},
        ],
    ),
    (
        "a view that is made again, behind what stands between",
        "DROP VIEW v; ALTER TABLE users ADD x int; CREATE VIEW v AS SELECT x FROM users",
        [
            {"add_column": {"table": "users", "name": "x", "type": "integer"}},
            {
                "sql": {
                    "contract": ("DROP VIEW v", "CREATE VIEW v AS SELECT x FROM users"),
                    "irreversible": True,
                    "reason": "What was there before is not kept.",
                }
            },
        ],
    ),
    (
        "a trigger and its function that are made in any case",
        (
            "DROP TRIGGER IF EXISTS g ON users; DROP FUNCTION IF EXISTS f(); "
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW. END'; "
            "CREATE TRIGGER g BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()"
        ),
        [
            {
                "sql": {
                    "expand": (
                        "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW. END$$",
                    ),
                    "irreversible": True,
                    "reason": "What was there before is not kept.",
                }
            },
            {
                "sql": {
                    "expand": (
                        "CREATE OR REPLACE TRIGGER g BEFORE INSERT ON users FOR EACH ROW EXECUTE PROCEDURE f()",
                    ),
                    "irreversible": True,
                    "reason": "What was there before is not kept.",
                }
            },
        ],
    ),
    (
        "a table that is made in any case",
        "DROP TABLE IF EXISTS a; CREATE TABLE a (id int)",
        [{"create_table": {"name": "a", "columns": {"id": {"type": "integer"}}}}],
    ),
    (
        "an enum's value more, by a new type",
        (
            "CREATE TYPE role_new AS ENUM ('user', 'mod', 'admin', 'guest'); "
            "ALTER TABLE users ALTER role TYPE role_new USING role::text::role_new; "
            "DROP TYPE role; ALTER TYPE role_new RENAME TO role"
        ),
        [{"add_enum_value": {"type": "role", "value": "mod", "before": "admin"}}],
    ),
    (
        "an enum's value more, by another name for the old type",
        (
            "ALTER TYPE role RENAME TO role_old; CREATE TYPE role AS ENUM ('user', 'mod', 'admin', 'guest'); "
            "ALTER TABLE users ALTER role DROP DEFAULT; "
            "ALTER TABLE users ALTER role TYPE role USING role::text::role; "
            "ALTER TABLE users ALTER role SET DEFAULT 'user'; DROP TYPE role_old"
        ),
        [{"add_enum_value": {"type": "role", "value": "mod", "before": "admin"}}],
    ),
]


@pytest.mark.parametrize(("_what", "sql", "expected"), CERTAIN, ids=[case[0] for case in CERTAIN])
def test_one_change_together(_what: str, sql: str, expected: list[dict[str, Any]]) -> None:
    assert changes(sql, BEFORE) == expected


@pytest.mark.parametrize(("_what", "sql", "_expected"), CERTAIN, ids=[case[0] for case in CERTAIN])
def test_every_statement_is_in_a_change(_what: str, sql: str, _expected: list[dict[str, Any]]) -> None:
    found = read(sql, BEFORE)
    texts = {statement.sql for typed in found for statement in typed.statements}
    assert texts == {part.strip() for part in sql.split(";")}


APART: list[tuple[str, str]] = [
    (
        "another column's values",
        "UPDATE users SET age = 0 WHERE team IS NULL; ALTER TABLE users ALTER age SET NOT NULL",
    ),
    ("all values anew", "UPDATE users SET age = 0; ALTER TABLE users ALTER age SET NOT NULL"),
    (
        "NOT NULL before the values",
        "ALTER TABLE users ALTER age SET NOT NULL; UPDATE users SET age = 0 WHERE age IS NULL",
    ),
    (
        "another table's check",
        "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0); ALTER TABLE teams VALIDATE CONSTRAINT c",
    ),
    ("columns of other types", "ALTER TABLE users DROP COLUMN age; ALTER TABLE users ADD COLUMN years text"),
    ("columns of two tables", "ALTER TABLE users DROP COLUMN age; ALTER TABLE teams ADD COLUMN age int"),
    ("tables of other columns", "DROP TABLE users; CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL)"),
    ("a column with a reference", "ALTER TABLE users DROP COLUMN age, ADD COLUMN boss int REFERENCES users"),
]


@pytest.mark.parametrize(("_what", "sql"), APART, ids=[case[0] for case in APART])
def test_what_only_looks_alike_stays_apart(_what: str, sql: str) -> None:
    found = read(sql, BEFORE)
    assert len(found) == 2
    assert all(typed.is_certain for typed in found)


@pytest.mark.parametrize("rule", ["ON DELETE CASCADE", "DEFERRABLE INITIALLY DEFERRED", "NOT VALID", "MATCH FULL"])
def test_a_reference_that_comes_back_otherwise_is_no_part_of_a_new_type(rule: str) -> None:
    sql = (
        "ALTER TABLE users DROP CONSTRAINT users_team; ALTER TABLE users ALTER team TYPE bigint; ALTER TABLE teams "
        "DROP CONSTRAINT teams_pkey, ALTER id TYPE bigint, ADD CONSTRAINT teams_pkey PRIMARY KEY (id); "
        f"ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id) {rule}"
    )
    found = changes(sql, BEFORE)
    assert found[0] == {"drop_constraint": {"table": "users", "name": "users_team"}}
    assert rule.rpartition(" ")[2].lower() in str(found[-1]).lower()
    assert "users_team" in str(found[-1])


@pytest.mark.parametrize(
    ("first", "last", "comes"),
    [
        ("DEFAULT 'user'", "SET DEFAULT 'user'", False),
        ("DEFAULT 'user'", "SET DEFAULT 'admin'", True),
        ("DEFAULT 'user'::role", "SET DEFAULT 'admin'::role", True),
        ("", "SET DEFAULT 'admin'", True),
    ],
)
def test_the_default_that_a_column_has_after_its_enum_was_made_anew(first: str, last: str, comes: bool) -> None:
    before = (
        f"CREATE TYPE role AS ENUM ('user', 'admin', 'guest'); CREATE TABLE users (id int PRIMARY KEY, r role {first})"
    )
    found = read(
        "CREATE TYPE role_new AS ENUM ('user', 'admin'); ALTER TABLE users ALTER r DROP DEFAULT; "
        "ALTER TABLE users ALTER r TYPE role_new USING r::text::role_new; DROP TYPE role; "
        f"ALTER TYPE role_new RENAME TO role; ALTER TABLE users ALTER r {last}",
        after(before),
    )
    kinds = [kind for one in found for reading in one.readings for entry in reading.entries for kind in entry]
    assert kinds == ["remove_enum_values", *(["set_default"] if comes else [])]


def test_enums_that_are_made_anew_at_once_are_a_change_each() -> None:
    before = after(
        "CREATE TYPE a AS ENUM ('x', 'y'); CREATE TYPE b AS ENUM ('x', 'y'); "
        "CREATE TABLE t (a a, b b, CONSTRAINT c CHECK (a <> 'y'))"
    )
    found = changes(
        "ALTER TYPE a RENAME TO a_old; ALTER TYPE b RENAME TO b_old; "
        "CREATE TYPE a AS ENUM ('x'); CREATE TYPE b AS ENUM ('x', 'z', 'y'); ALTER TABLE t DROP CONSTRAINT c; "
        "ALTER TABLE t ALTER a TYPE a USING a::text::a, ALTER b TYPE b USING b::text::b; DROP TYPE a_old, b_old",
        before,
    )
    assert [kind for one in found for kind in one] == ["drop_constraint", "remove_enum_values", "add_enum_value"]


DOUBTFUL: list[tuple[str, str, list[list[dict[str, Any]]], list[bool]]] = [
    (
        "a column",
        "ALTER TABLE users DROP COLUMN age, ADD COLUMN years int",
        [
            [{"rename_column": {"table": "users", "from": "age", "to": "years"}}],
            [
                {"add_column": {"table": "users", "name": "years", "type": "integer"}},
                {"drop_column": {"table": "users", "column": "age"}},
            ],
        ],
        [False, False],
    ),
    (
        "a column that is added first, and has a default unlike the other",
        "ALTER TABLE users ADD COLUMN years int NOT NULL DEFAULT 1; ALTER TABLE users DROP COLUMN age",
        [
            [
                {
                    "add_column": {
                        "table": "users",
                        "name": "years",
                        "type": "integer",
                        "nullable": False,
                        "default": "1",
                    }
                },
                {"drop_column": {"table": "users", "column": "age"}},
            ],
            [
                {"rename_column": {"table": "users", "from": "age", "to": "years"}},
                {
                    "set_not_null": {
                        "table": "users",
                        "column": "years",
                        "note": "The migration says no value for the rows that are there: say it as `fill`, or let "
                        "the new version fill them.",
                    }
                },
                {"set_default": {"table": "users", "column": "years", "value": "1"}},
            ],
        ],
        [False, False],
    ),
    (
        "a column of the same name",
        "ALTER TABLE users DROP COLUMN email, ADD COLUMN email text[]",
        [
            [
                {"drop_index": {"name": "public.users_email"}},
                {
                    "change_type": {
                        "table": "users",
                        "column": "email",
                        "to": "text[]",
                        "using": "CASE WHEN email IS NOT NULL THEN ARRAY[email] END",
                    }
                },
                {"drop_not_null": {"table": "users", "column": "email"}},
            ],
            [
                {"drop_column": {"table": "users", "column": "email", "note": LEFT_OUT}},
                {"add_column": {"table": "users", "name": "email", "type": "text[]"}},
            ],
        ],
        [True, True],
    ),
    (
        "a table",
        "DROP TABLE teams; CREATE TABLE groups (id int PRIMARY KEY, name text)",
        [
            [
                {"rename_table": {"from": "teams", "to": "groups"}},
                {"rename_constraint": {"table": "groups", "from": "teams_pkey", "to": "groups_pkey"}},
            ],
            [
                {
                    "create_table": {
                        "name": "groups",
                        "columns": {"id": {"type": "integer"}, "name": {"type": "text"}},
                        "primary_key": ("id",),
                    }
                },
                {"drop_table": {"table": "teams"}},
            ],
        ],
        [False, False],
    ),
    (
        "numbers of a column without an index",
        (
            "ALTER TABLE users ALTER age DROP DEFAULT; ALTER TABLE users ALTER age ADD GENERATED ALWAYS AS IDENTITY; "
            "DROP SEQUENCE users_age_seq"
        ),
        [
            [
                renumbered(
                    *NUMBERED,
                    "DROP SEQUENCE users_age_seq",
                    """SELECT setval(pg_get_serial_sequence('"users"', 'age'), max("age")) FROM "users\"""",
                )
            ],
            [renumbered(*NUMBERED, "DROP SEQUENCE users_age_seq")],
        ],
        [False, False],
    ),
    (
        "the greatest number, with no index",
        (
            "ALTER TABLE users ALTER age DROP DEFAULT; ALTER TABLE users ALTER age ADD GENERATED ALWAYS AS IDENTITY; "
            "SELECT setval('users_age_seq', (SELECT max(age) FROM users))"
        ),
        [[renumbered(*NUMBERED, "SELECT setval('users_age_seq', (SELECT max(age) FROM users))")]],
        [False],
    ),
    (
        "an enum's value, by a new type",
        (
            "BEGIN; CREATE TYPE role_new AS ENUM ('user', 'boss', 'guest'); ALTER TABLE users ALTER role DROP DEFAULT; "
            "ALTER TABLE users ALTER role TYPE role_new USING (role::text::role_new); "
            "ALTER TYPE role RENAME TO role_old; "
            "ALTER TYPE role_new RENAME TO role; DROP TYPE role_old; "
            "ALTER TABLE users ALTER role SET DEFAULT 'user'; COMMIT"
        ),
        [
            [{"rename_enum_value": {"type": "role", "from": "admin", "to": "boss", "note": AT_ONCE}}],
            [
                {"remove_enum_values": {"type": "role", "map": {"admin": "user"}}},
                {"add_enum_value": {"type": "role", "value": "boss", "before": "guest"}},
            ],
        ],
        [False, True],
    ),
    (
        "values that go, by way of text",
        (
            "ALTER TABLE users ALTER role SET DATA TYPE text; ALTER TABLE users ALTER role SET DEFAULT 'guest'::text; "
            "DROP TYPE role; CREATE TYPE role AS ENUM ('guest'); "
            "ALTER TABLE users ALTER role SET DEFAULT 'guest'::role; "
            "ALTER TABLE users ALTER role SET DATA TYPE role USING role::role"
        ),
        [[{"remove_enum_values": {"type": "role", "map": {"user": "guest", "admin": "guest"}}}]],
        [False],
    ),
]


@pytest.mark.parametrize(("_what", "sql", "expected", "in_turn"), DOUBTFUL, ids=[case[0] for case in DOUBTFUL])
def test_two_readings(_what: str, sql: str, expected: list[list[dict[str, Any]]], in_turn: list[bool]) -> None:
    (found,) = (typed for typed in read(sql, BEFORE) if typed.entries)
    assert not found.is_certain
    assert [list(reading.entries) for reading in found.readings] == expected
    assert [reading.in_turn for reading in found.readings] == in_turn
    assert all(reading.meaning for reading in found.readings)
    assert all(fields["intent"] == "unconfirmed" for entry in found.entries for fields in entry.values())


def test_a_serial_column_is_three_plans() -> None:
    (found,) = read("ALTER TABLE users ADD COLUMN n bigserial", BEFORE)
    made, added, owned = found.entries
    assert (found.in_turn, found.is_certain, found.is_sql) == (True, True, False)
    assert made["sql"]["expand"][0]["run"] == "CREATE SEQUENCE public.users_n_seq AS bigint"
    assert added["add_column"]["default"] == "nextval('public.users_n_seq')"
    assert owned["sql"]["expand"][0]["run"] == "ALTER SEQUENCE public.users_n_seq OWNED BY public.users.n"


def test_a_reference_to_a_table_that_only_sql_makes_is_a_plan_behind_it() -> None:
    sql = (
        "CREATE TABLE a (id serial PRIMARY KEY, LIKE teams); ALTER TABLE users ADD FOREIGN KEY (age) REFERENCES a (id)"
    )
    (found,) = read(sql, BEFORE)
    assert found.in_turn
    assert [kind for entry in found.entries for kind in entry] == ["sql", "add_foreign_key"]


def test_a_table_that_is_there_is_dropped_in_a_plan_before_the_one_that_makes_it_again() -> None:
    (found,) = read("DROP TABLE teams; CREATE TABLE teams (a int)", BEFORE)
    assert found.in_turn
    assert [kind for entry in found.entries for kind in entry] == ["drop_table", "create_table"]


def test_a_renamed_table_takes_what_hangs_on_it_along() -> None:
    sql = """
    ALTER TABLE users DROP CONSTRAINT users_team; DROP TABLE users;
    CREATE TABLE people (id int CONSTRAINT people_pkey PRIMARY KEY, email text NOT NULL, age int, team int,
        role role NOT NULL DEFAULT 'user');
    CREATE INDEX people_email ON people (email);
    CREATE INDEX people_age ON people (age);
    ALTER TABLE people ADD CONSTRAINT people_team FOREIGN KEY (team) REFERENCES teams (id);
    """
    (found,) = read(sql, BEFORE)
    assert [dict(entry) for entry in found.readings[0].entries] == [
        {"rename_table": {"from": "users", "to": "people"}},
        {"rename_constraint": {"table": "people", "from": "users_pkey", "to": "people_pkey"}},
        {"rename_constraint": {"table": "people", "from": "users_team", "to": "people_team"}},
        {"rename_index": {"from": "users_email", "to": "people_email"}},
        {"create_index": {"table": "people", "name": "people_age", "columns": ("age",)}},
    ]


def test_a_not_null_with_a_name_of_the_table_is_renamed_with_it() -> None:
    """As PostgreSQL 18 has them, where they are constraints."""
    eighteen = Schema.of(Catalog(server_version=180000)), Enums()
    before = after("CREATE TABLE teams (id int, name text); ALTER TABLE teams ALTER name SET NOT NULL", eighteen)
    (found,) = read("DROP TABLE teams; CREATE TABLE groups (id int, name text NOT NULL)", before)
    assert [dict(entry) for entry in found.readings[0].entries] == [
        {"rename_table": {"from": "teams", "to": "groups"}},
        {"rename_constraint": {"table": "groups", "from": "teams_name_not_null", "to": "groups_name_not_null"}},
    ]


def test_one_statement_by_itself() -> None:
    schema, enums = BEFORE
    certain = one_statement("ALTER TABLE users ADD a int, DROP COLUMN email")
    assert typed(certain, schema, enums) == (
        {"add_column": {"table": "users", "name": "a", "type": "integer"}},
        {"drop_column": {"table": "users", "column": "email", "note": LEFT_OUT}},
    )
    doubtful = one_statement("ALTER TABLE users DROP COLUMN age, ADD years int")
    assert typed(doubtful, schema, enums) == (
        {"rename_column": {"table": "users", "from": "age", "to": "years", "intent": "unconfirmed"}},
    )
    assert typed(one_statement("ALTER TABLE users ADD a serial"), schema, enums) is None
