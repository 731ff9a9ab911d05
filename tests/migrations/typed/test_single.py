"""One statement, or one part of one, as entries of a plan."""

from __future__ import annotations

from typing import Any

import pytest

from crossfade.migrations.typed import Enums, typed
from crossfade.migrations.typed.columns import LEFT_OUT
from crossfade.migrations.typed.types import AT_ONCE
from crossfade.postgres.catalog import DataType, QualifiedName
from crossfade.postgres.forecast.trees import one_statement

from .reading import after, changes, read

BEFORE = after(
    """
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE teams (id bigint PRIMARY KEY, code text UNIQUE);
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, age int, tags text[], team bigint, mood mood,
        nick varchar(20) DEFAULT 'x', day date, CONSTRAINT adult CHECK (age > 17),
        CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id));
    CREATE TABLE old_users (id bigint, email text);
    CREATE INDEX users_email ON users (email);
    CREATE VIEW adults AS SELECT id, email FROM users; CREATE MATERIALIZED VIEW ages AS SELECT age FROM users;
    CREATE TABLE events (id bigint NOT NULL, at date) PARTITION BY RANGE (at);
    CREATE TABLE events_1 (id bigint NOT NULL, at date);
    CREATE TABLE "Odd Shop"."User.s" (id int);
    """
)

Case = tuple[str, list[dict[str, Any]]]
COLUMNS: list[Case] = [
    ("ADD COLUMN a text", [{"add_column": {"table": "users", "name": "a", "type": "text"}}]),
    (
        "ADD COLUMN a numeric(10,2) NOT NULL DEFAULT 0",
        [{"add_column": {"table": "users", "name": "a", "type": "numeric(10, 2)", "nullable": False, "default": "0"}}],
    ),
    ("ADD COLUMN a int DEFAULT NULL", [{"add_column": {"table": "users", "name": "a", "type": "integer"}}]),
    (
        "ADD COLUMN a int GENERATED ALWAYS AS IDENTITY",
        [{"add_column": {"table": "users", "name": "a", "type": "integer", "identity": "always"}}],
    ),
    (
        "ADD COLUMN a int GENERATED ALWAYS AS (users.age + 1) STORED",
        [{"add_column": {"table": "users", "name": "a", "type": "integer", "generated": {"expression": "age + 1"}}}],
    ),
    (
        "ADD COLUMN a bigint REFERENCES teams ON DELETE CASCADE",
        [
            {
                "add_column": {
                    "table": "users",
                    "name": "a",
                    "type": "bigint",
                    "references": {"table": "teams", "on_delete": "cascade"},
                }
            }
        ],
    ),
    (
        "ADD COLUMN a text COLLATE \"C\" UNIQUE CHECK (a <> '')",
        [
            {
                "add_column": {
                    "table": "users",
                    "name": "a",
                    "type": "text",
                    "check": "a <> ''",
                    "unique": True,
                    "collation": "C",
                }
            }
        ],
    ),
    (
        "ADD COLUMN a int CONSTRAINT small CHECK (a < 9) CONSTRAINT once UNIQUE",
        [
            {"add_column": {"table": "users", "name": "a", "type": "integer"}},
            {"add_check": {"table": "users", "name": "small", "expression": "a < 9"}},
            {"add_unique": {"table": "users", "name": "once", "columns": ("a",)}},
        ],
    ),
    ("ADD COLUMN IF NOT EXISTS age int", []),
    ("DROP COLUMN age", [{"drop_column": {"table": "users", "column": "age"}}]),
    ("DROP COLUMN email", [{"drop_column": {"table": "users", "column": "email", "note": LEFT_OUT}}]),
    ("DROP COLUMN age CASCADE", [{"drop_column": {"table": "users", "column": "age"}}]),
    ("ALTER age TYPE bigint", [{"change_type": {"table": "users", "column": "age", "to": "bigint"}}]),
    ("ALTER age TYPE bigint USING age::bigint", [{"change_type": {"table": "users", "column": "age", "to": "bigint"}}]),
    (
        "ALTER age TYPE text",
        [{"change_type": {"table": "users", "column": "age", "to": "text", "reverse": "age::integer"}}],
    ),
    (
        "ALTER age TYPE text USING CASE age WHEN 0 THEN 'young' WHEN 1 THEN 'old' END",
        [
            {
                "change_type": {
                    "table": "users",
                    "column": "age",
                    "to": "text",
                    "using": "CASE age WHEN 0 THEN 'young' WHEN 1 THEN 'old' END",
                    "reverse": "CASE age WHEN 'young' THEN 0 WHEN 'old' THEN 1 END",
                }
            }
        ],
    ),
    (
        "ALTER email TYPE int",
        [{"change_type": {"table": "users", "column": "email", "to": "integer", "using": "email::integer"}}],
    ),
    (
        "ALTER age TYPE numeric USING users.age / 100.0",
        [{"change_type": {"table": "users", "column": "age", "to": "numeric", "using": "age / 100.0"}}],
    ),
    (
        "ALTER tags TYPE text USING tags[1]",
        [
            {
                "change_type": {
                    "table": "users",
                    "column": "tags",
                    "to": "text",
                    "using": "tags[1]",
                    "reverse": "CASE WHEN tags IS NOT NULL THEN ARRAY[tags] END",
                }
            }
        ],
    ),
    (
        "ALTER mood TYPE text",
        [{"change_type": {"table": "users", "column": "mood", "to": "text", "reverse": "mood::mood"}}],
    ),
    ("ALTER nick DROP DEFAULT", [{"drop_default": {"table": "users", "column": "nick"}}]),
    ("ALTER nick SET DEFAULT NULL", [{"drop_default": {"table": "users", "column": "nick"}}]),
    ("ALTER age DROP DEFAULT", []),
    ("ALTER age SET DEFAULT 1 + 1", [{"set_default": {"table": "users", "column": "age", "value": "1 + 1"}}]),
    ("ALTER age SET NOT NULL", [{"set_not_null": {"table": "users", "column": "age"}}]),
    ("ALTER email SET NOT NULL", []),
    ("ALTER email DROP NOT NULL", [{"drop_not_null": {"table": "users", "column": "email"}}]),
    ("ALTER age DROP NOT NULL", []),
    ("ALTER age SET STATISTICS 500", [{"set_statistics": {"table": "users", "column": "age", "target": 500}}]),
    ("ALTER age SET STATISTICS -1", [{"set_statistics": {"table": "users", "column": "age", "target": "default"}}]),
    (
        "ALTER email SET STORAGE EXTERNAL",
        [{"set_storage": {"table": "users", "column": "email", "storage": "external"}}],
    ),
    (
        "ALTER age SET EXPRESSION AS (id * 2)",
        [{"set_generated": {"table": "users", "column": "age", "expression": "id * 2"}}],
    ),
    ("ALTER age DROP EXPRESSION", [{"set_generated": {"table": "users", "column": "age"}}]),
    (
        "ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START 3 CACHE 32)",
        [
            {
                "set_identity": {
                    "table": "users",
                    "column": "id",
                    "generated": "by default",
                    "sequence": {"start": 3, "cache": 32},
                }
            }
        ],
    ),
    (
        "ALTER id SET GENERATED ALWAYS SET INCREMENT 2",
        [{"set_identity": {"table": "users", "column": "id", "generated": "always", "sequence": {"increment": 2}}}],
    ),
    ("ALTER id DROP IDENTITY", [{"set_identity": {"table": "users", "column": "id", "generated": "never"}}]),
    (
        "ADD a int, DROP COLUMN day",
        [
            {"add_column": {"table": "users", "name": "a", "type": "integer"}},
            {"drop_column": {"table": "users", "column": "day"}},
        ],
    ),
]
CONSTRAINTS: list[Case] = [
    (
        'ADD CONSTRAINT c CHECK ("users"."age" > 0) NO INHERIT',
        [{"add_check": {"table": "users", "name": "c", "expression": "age > 0", "no_inherit": True}}],
    ),
    ("ADD CHECK (age > id)", [{"add_check": {"table": "users", "name": "users_check", "expression": "age > id"}}]),
    ("ADD CHECK (age > 0)", [{"add_check": {"table": "users", "name": "users_age_check", "expression": "age > 0"}}]),
    (
        "ADD CONSTRAINT f FOREIGN KEY (team) REFERENCES teams (id) MATCH FULL ON UPDATE CASCADE DEFERRABLE",
        [
            {
                "add_foreign_key": {
                    "table": "users",
                    "name": "f",
                    "columns": ("team",),
                    "references": {"table": "teams"},
                    "on_update": "cascade",
                    "match": "full",
                    "deferrable": True,
                }
            }
        ],
    ),
    (
        "ADD CONSTRAINT f FOREIGN KEY (email) REFERENCES teams (code)",
        [
            {
                "add_foreign_key": {
                    "table": "users",
                    "name": "f",
                    "columns": ("email",),
                    "references": {"table": "teams", "columns": ("code",)},
                }
            }
        ],
    ),
    (
        "ADD UNIQUE NULLS NOT DISTINCT (email, age) DEFERRABLE INITIALLY DEFERRED",
        [
            {
                "add_unique": {
                    "table": "users",
                    "name": "users_email_age_key",
                    "columns": ("email", "age"),
                    "nulls_not_distinct": True,
                    "deferrable": "deferred",
                }
            }
        ],
    ),
    ("ADD PRIMARY KEY (day)", [{"add_primary_key": {"table": "users", "name": "users_pkey1", "columns": ("day",)}}]),
    (
        "ADD CONSTRAINT x EXCLUDE USING gist (age WITH =, (lower(email)) WITH <>) WHERE (age > 3)",
        [
            {
                "add_exclusion": {
                    "table": "users",
                    "name": "x",
                    "elements": (
                        {"column": "age", "operator": "="},
                        {"expression": "lower(email)", "operator": "<>"},
                    ),
                    "where": "age > 3",
                }
            }
        ],
    ),
    ("DROP CONSTRAINT adult", [{"drop_constraint": {"table": "users", "name": "adult"}}]),
    ("VALIDATE CONSTRAINT adult", []),
    ("RENAME CONSTRAINT adult TO grown", [{"rename_constraint": {"table": "users", "from": "adult", "to": "grown"}}]),
    ("RENAME COLUMN age TO years", [{"rename_column": {"table": "users", "from": "age", "to": "years"}}]),
    ("RENAME TO people", [{"rename_table": {"from": "users", "to": "people"}}]),
    ("SET SCHEMA shop", [{"move_table": {"table": "users", "to_schema": "shop"}}]),
    ("REPLICA IDENTITY USING INDEX i", [{"set_replica_identity": {"table": "users", "to": "index", "index": "i"}}]),
    (
        "SET (fillfactor = 70, toast.autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0.02)",
        [
            {
                "set_storage_parameters": {
                    "table": "users",
                    "set": {
                        "fillfactor": 70,
                        "toast.autovacuum_enabled": False,
                        "autovacuum_vacuum_scale_factor": 0.02,
                    },
                }
            }
        ],
    ),
    ("RESET (fillfactor)", [{"set_storage_parameters": {"table": "users", "reset": ("fillfactor",)}}]),
]


@pytest.mark.parametrize(("action", "expected"), [*COLUMNS, *CONSTRAINTS])
def test_alter_table(action: str, expected: list[dict[str, Any]]) -> None:
    assert changes(f"ALTER TABLE users {action}", BEFORE) == expected


STATEMENTS: list[Case] = [
    (
        (
            "CREATE UNIQUE INDEX CONCURRENTLY i ON public.users (email, lower(email) DESC NULLS LAST) INCLUDE (age) "
            "WITH (fillfactor = 70) WHERE users.age > 3"
        ),
        [
            {
                "create_index": {
                    "table": "public.users",
                    "name": "i",
                    "columns": ("email", {"expression": "lower(email)", "order": "desc", "nulls": "last"}),
                    "where": "age > 3",
                    "include": ("age",),
                    "unique": True,
                    "with": {"fillfactor": 70},
                }
            }
        ],
    ),
    (
        "CREATE INDEX ON users USING gin (tags)",
        [{"create_index": {"table": "users", "name": "users_tags_idx", "columns": ("tags",), "method": "gin"}}],
    ),
    (
        "CREATE INDEX ON users (lower(email), age) INCLUDE (id)",
        [
            {
                "create_index": {
                    "table": "users",
                    "name": "users_lower_age_id_idx",
                    "columns": ({"expression": "lower(email)"}, "age"),
                    "include": ("id",),
                }
            }
        ],
    ),
    ("CREATE INDEX IF NOT EXISTS users_email ON users (email)", []),
    ("DROP INDEX CONCURRENTLY users_email", [{"drop_index": {"name": "users_email"}}]),
    ("ALTER INDEX users_email RENAME TO i", [{"rename_index": {"from": "users_email", "to": "i"}}]),
    ("REINDEX (CONCURRENTLY) INDEX users_email", [{"reindex": {"index": "users_email"}}]),
    ("DROP TABLE users, old_users", [{"drop_table": {"table": "users"}}, {"drop_table": {"table": "old_users"}}]),
    ("DROP TABLE users CASCADE", [{"drop_table": {"table": "users"}}]),
    (
        (
            "CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY, u bigint REFERENCES users ON DELETE SET NULL, "
            "a int NOT NULL DEFAULT 1, CONSTRAINT t_pkey PRIMARY KEY (id), CHECK (t.a > 0), CONSTRAINT o UNIQUE (u, a))"
        ),
        [
            {
                "create_table": {
                    "name": "t",
                    "columns": {
                        "id": {"type": "bigint", "identity": "by default"},
                        "u": {"type": "bigint", "references": {"table": "users", "on_delete": "set null"}},
                        "a": {"type": "integer", "nullable": False, "default": "1"},
                    },
                    "primary_key": ("id",),
                    "constraints": ({"name": "t_a_check", "check": "a > 0"}, {"name": "o", "unique": ("u", "a")}),
                }
            }
        ],
    ),
    (
        "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        [
            {
                "create_table": {
                    "name": "events_2",
                    "columns": {"id": {"type": "bigint", "nullable": False}, "at": {"type": "date"}},
                }
            },
            {
                "attach_partition": {
                    "table": "events",
                    "partition": "events_2",
                    "bounds": "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
                }
            },
        ],
    ),
    (
        "ALTER TABLE events ATTACH PARTITION events_1 DEFAULT",
        [{"attach_partition": {"table": "events", "partition": "events_1", "bounds": "DEFAULT"}}],
    ),
    (
        "ALTER TABLE events DETACH PARTITION events_1",
        [{"detach_partition": {"table": "events", "partition": "events_1"}}],
    ),
    (
        "COMMENT ON COLUMN users.age IS 'years'",
        [{"set_comment": {"table": "users", "column": "age", "comment": "years"}}],
    ),
    ("COMMENT ON TABLE users IS NULL", [{"set_comment": {"table": "users", "comment": ""}}]),
    ("CREATE TYPE a.e AS ENUM ('x', 'y')", [{"create_enum": {"name": "a.e", "values": ("x", "y")}}]),
    (
        "ALTER TYPE mood ADD VALUE 'meh' AFTER 'sad'",
        [{"add_enum_value": {"type": "mood", "value": "meh", "after": "sad"}}],
    ),
    ("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'ok'", []),
    (
        "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
        [{"rename_enum_value": {"type": "mood", "from": "ok", "to": "fine", "note": AT_ONCE}}],
    ),
    ("ALTER TYPE \"Odd\" ADD VALUE 'b'", [{"add_enum_value": {"type": '"Odd"', "value": "b"}}]),
    (
        "CREATE DOMAIN d AS text NOT NULL DEFAULT 'x' CONSTRAINT e CHECK (value <> '')",
        [
            {
                "create_domain": {
                    "name": "d",
                    "type": "text",
                    "not_null": True,
                    "default": "'x'",
                    "check": "value <> ''",
                    "constraint": "e",
                }
            }
        ],
    ),
    (
        "ALTER DOMAIN d ADD CONSTRAINT f CHECK (value <> 'f')",
        [{"add_domain_check": {"domain": "d", "name": "f", "expression": "value <> 'f'"}}],
    ),
    (
        "UPDATE users u SET email = lower(u.email) WHERE u.age IS NULL",
        [{"update_rows": {"table": "users", "set": {"email": "lower(email)"}, "where": "age IS NULL"}}],
    ),
    ("DELETE FROM users", [{"delete_rows": {"table": "users", "where": "true"}}]),
    (
        (
            "INSERT INTO old_users (id, email) SELECT u.id, lower(u.email) FROM users u WHERE u.age > 5 "
            "ON CONFLICT DO NOTHING"
        ),
        [
            {
                "copy_rows": {
                    "from": "users",
                    "into": "old_users",
                    "columns": {"id": "id", "email": "lower(email)"},
                    "where": "age > 5",
                    "on_conflict": "skip",
                }
            }
        ],
    ),
    (
        'ALTER TABLE "Odd Shop"."User.s" ADD COLUMN "A b" "Odd Shop"."T.x"',
        [{"add_column": {"table": '"Odd Shop"."User.s"', "name": "A b", "type": '"Odd Shop"."T.x"'}}],
    ),
    ("BEGIN", []),
    ("SET CONSTRAINTS ALL IMMEDIATE", []),
    ("SET LOCAL lock_timeout = '1s'", []),
    ("SELECT pg_catalog.set_config('search_path', '', false)", []),
]


@pytest.mark.parametrize(("sql", "expected"), STATEMENTS)
def test_other_statements(sql: str, expected: list[dict[str, Any]]) -> None:
    assert changes(sql, BEFORE) == expected


ONLY_SQL = (
    "ALTER TABLE ONLY users ADD COLUMN a int",
    "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID",
    "ALTER TABLE users DROP COLUMN IF EXISTS nothing",
    "ALTER TABLE users DROP CONSTRAINT IF EXISTS nothing",
    "ALTER TABLE users ALTER age SET (n_distinct = 5)",
    "ALTER TABLE other_id_seq RENAME TO numbers",
    "ALTER TABLE teams DROP COLUMN id CASCADE",
    "ALTER TABLE users ADD CONSTRAINT u UNIQUE (email) INCLUDE (age)",
    "CREATE INDEX i ON users (email text_pattern_ops(x = 1))",
    "DROP TABLE IF EXISTS nothing",
    "DROP TABLE teams CASCADE",
    "DROP INDEX users_email CASCADE",
    "CREATE TABLE t (LIKE users)",
    "CREATE UNLOGGED TABLE t (a int)",
    "CREATE TABLE t (a serial)",
    "CREATE VIEW v AS SELECT 1",
    "ALTER TABLE adults RENAME COLUMN email TO mail",
    "ALTER VIEW adults RENAME COLUMN email TO mail",
    "ALTER TABLE adults ALTER COLUMN email SET DEFAULT 'x'",
    "COMMENT ON COLUMN adults.email IS 'x'",
    "COMMENT ON COLUMN public.ages.age IS 'x'",
    "CREATE INDEX i ON ages (age)",
    "DROP TYPE mood",
    "UPDATE users SET age = teams.id FROM teams",
    "UPDATE users SET age = (SELECT 1)",
    "INSERT INTO teams VALUES (1)",
    "SELECT create_hypertable('users', 'day')",
    "VACUUM users",
    "ALTER DOMAIN d SET DEFAULT 1",
)


@pytest.mark.parametrize("sql", ONLY_SQL)
def test_what_no_other_kind_does_is_sql(sql: str) -> None:
    (found,) = read(sql, BEFORE)
    assert found.is_sql
    assert [[*entry] for entry in found.entries] in ([["sql"]], [])
    assert typed(one_statement(sql), BEFORE[0]) is None


def test_a_column_that_needs_a_value_and_gets_none_is_made_not_null_later() -> None:
    first, second = changes("ALTER TABLE users ADD COLUMN a int NOT NULL", BEFORE)
    assert first == {"add_column": {"table": "users", "name": "a", "type": "integer"}}
    assert second["set_not_null"]["column"] == "a"
    assert "`fill`" in second["set_not_null"]["note"]


def test_a_type_of_a_key_that_is_referenced_is_changed_with_its_references() -> None:
    assert changes("ALTER TABLE teams ALTER id TYPE numeric", BEFORE) == [
        {"change_type": {"table": "teams", "column": "id", "to": "numeric", "follow_references": True}}
    ]


def test_names_go_by_the_search_path_that_the_file_sets() -> None:
    sql = "SET search_path = shop; ALTER TABLE goods ADD COLUMN a int; COMMENT ON TABLE goods IS 'x'"
    assert changes(sql, after("CREATE TABLE shop.goods (id int)")) == [
        {"add_column": {"table": "shop.goods", "name": "a", "type": "integer"}},
        {"set_comment": {"table": "shop.goods", "comment": "x"}},
    ]


def test_enums_are_taken_from_a_catalog_too() -> None:
    name = QualifiedName("public", "mood")
    read_ones = Enums.of([DataType(asked="mood", spelling="mood", name=name, category="E", base=name, labels=("a",))])
    node = one_statement("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'a'")
    assert typed(node, BEFORE[0], read_ones) == ()
    assert typed(node, BEFORE[0]) == ({"add_enum_value": {"type": "mood", "value": "a"}},)
