"""Rules about what a single definition says: types, names, rights; most of them are matters of taste."""

from __future__ import annotations

import pytest

from crossfade.lint.finding import Severity

from .one_rule import BY_NAME, SHOP, Files, messages, said

LONG = "i" * 62
TOLD = [
    ("json-column", "CREATE TABLE t (a json)"),
    ("type-change-refused", "ALTER TABLE users ALTER name TYPE integer"),
    ("type-change-refused", "ALTER TABLE users ALTER name TYPE text[]"),
    ("type-change-refused", "ALTER TABLE users ALTER name SET DEFAULT '1', ALTER age TYPE boolean"),
    (
        "type-change-refused",
        "ALTER TABLE users ALTER name SET DEFAULT '1'; ALTER TABLE users ALTER name TYPE int USING name::int",
    ),
    ("narrow-key", "CREATE TABLE t (a int PRIMARY KEY)"),
    ("narrow-key", "CREATE TABLE t (a smallint, PRIMARY KEY (a))"),
    ("narrow-key", "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY)"),
    ("narrow-key", "ALTER TABLE users ADD a serial"),
    ("serial-column", "CREATE TABLE t (a bigserial)"),
    ("timestamp-without-zone", "CREATE TABLE t (a timestamp)"),
    ("timestamp-without-zone", "ALTER TABLE users ALTER age TYPE timestamp(3) USING now()"),
    ("char-column", "CREATE TABLE t (a char(3))"),
    ("varchar-limit", "CREATE TABLE t (a varchar(3)[])"),
    ("enum-created", "CREATE TYPE m AS ENUM ('a')"),
    ("enum-value-order", "ALTER TYPE role ADD VALUE 'x'"),
    ("hash-index", "CREATE INDEX ON users USING hash (name)"),
    ("wide-index", "CREATE INDEX ON users (id, name, age, role)"),
    ("unqualified-name", "CREATE TABLE t (a int)"),
    ("unqualified-name", "CREATE TABLE s.t (a int); CREATE INDEX ON t (a)"),
    ("names-need-quotes", 'CREATE TABLE "T" (a int)'),
    ("names-need-quotes", 'ALTER TABLE users ADD "order" int'),
    ("column-twice", "CREATE TABLE t (a int, a int)"),
    ("column-twice", "ALTER TABLE users ADD a int, ADD a text"),
    ("column-twice", "INSERT INTO users (id, id) VALUES (1, 1)"),
    ("column-twice", "UPDATE users SET age = 1, age = 2"),
    ("identifier-too-long", f"CREATE TABLE t ({LONG}xx int)"),
    ("identifier-too-long", f'CREATE TABLE t ("{"é" * 40}" int)'),
    ("security-definer", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"),
    ("grant-to-public", "GRANT SELECT ON users TO PUBLIC"),
    ("grant-to-public", "GRANT ALL ON ALL TABLES IN SCHEMA app TO PUBLIC"),
    ("grant-to-public", "GRANT CREATE ON SCHEMA app TO PUBLIC"),
    ("grant-to-public", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"),
    ("alter-system", "ALTER SYSTEM SET work_mem = '1GB'"),
    ("extension-rights", "CREATE EXTENSION postgis"),
]
QUIET = [
    ("json-column", "CREATE TABLE t (a jsonb, b text)"),
    ("type-change-refused", "ALTER TABLE users ALTER name TYPE integer USING name::integer"),
    ("type-change-refused", "ALTER TABLE users ALTER age TYPE text"),
    ("type-change-refused", "ALTER TABLE users ALTER role TYPE text"),
    ("type-change-refused", "ALTER TABLE users ALTER role TYPE other USING role::text::other"),
    ("type-change-refused", "ALTER TABLE elsewhere ALTER a TYPE integer"),
    (
        "type-change-refused",
        "CREATE TABLE t (a int DEFAULT 1); ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE uuid USING NULL",
    ),
    ("narrow-key", "CREATE TABLE t (a bigint PRIMARY KEY, b int, c bigserial)"),
    ("narrow-key", "CREATE TABLE t (a int, b int, PRIMARY KEY (a, b))"),
    ("serial-column", "CREATE TABLE t (a bigint GENERATED ALWAYS AS IDENTITY)"),
    ("timestamp-without-zone", "CREATE TABLE t (a timestamptz, b time)"),
    ("char-column", 'CREATE TABLE t (a text, b "char")'),
    ("varchar-limit", "CREATE TABLE t (a varchar, b text)"),
    ("enum-value-order", "ALTER TYPE role ADD VALUE 'x' AFTER 'USER'"),
    ("enum-value-order", "ALTER TYPE role RENAME VALUE 'USER' TO 'x'"),
    ("hash-index", "CREATE INDEX ON users (name)"),
    ("wide-index", "CREATE UNIQUE INDEX ON users (id, name, age, role)"),
    ("wide-index", "CREATE INDEX ON users (id, name, age) INCLUDE (role)"),
    ("unqualified-name", "CREATE TABLE s.t (a int)"),
    ("unqualified-name", "CREATE TEMP TABLE t (a int)"),
    ("names-need-quotes", "CREATE TABLE t_1 (a int)"),
    ("column-twice", "UPDATE users SET age = 1, name = 'a'"),
    ("column-twice", "INSERT INTO t (a[1], a[2]) VALUES (1, 2)"),
    ("column-twice", "ALTER TABLE users ADD IF NOT EXISTS a int, ADD IF NOT EXISTS a int"),
    ("identifier-too-long", f"CREATE TABLE t ({LONG}x int, b text DEFAULT '{LONG}xxx')"),
    ("identifier-too-long", f"SELECT 1 -- {LONG}xxx"),
    (
        "security-definer",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1'",
    ),
    ("security-definer", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ("security-definer", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT 1; END"),
    ("grant-to-public", "GRANT SELECT ON users TO app"),
    ("grant-to-public", "GRANT USAGE ON SCHEMA app TO PUBLIC"),
    ("grant-to-public", "REVOKE ALL ON users FROM PUBLIC"),
    ("extension-rights", "CREATE EXTENSION IF NOT EXISTS pgcrypto"),
]
TASTE = """
    alters-apart char-column enum-created enum-value-order hash-index migration-name names-need-quotes narrow-key
    not-repeatable schema-and-data serial-column statement-timeout-missing timestamp-without-zone unqualified-name
    varchar-limit wide-index
"""


@pytest.mark.parametrize(("rule", "sql"), TOLD)
def test_a_definition_that_is_told(rule: str, sql: str) -> None:
    assert len(messages(rule, SHOP, sql)) == 1


@pytest.mark.parametrize(("rule", "sql"), QUIET)
def test_a_definition_that_is_not(rule: str, sql: str) -> None:
    assert messages(rule, SHOP, sql) == []


@pytest.mark.parametrize("rule", TASTE.split())
def test_taste_is_a_note_that_has_to_be_asked_for(rule: str) -> None:
    assert (BY_NAME[rule].opt_in, BY_NAME[rule].severity) == (True, Severity.NOTE)


def test_json_in_a_table_that_was_there_is_worse_than_in_a_new_one() -> None:
    files = Files(up=(SHOP, "CREATE TABLE t (a json); ALTER TABLE users ADD a json"))

    assert [severity for severity, _, _ in said("json-column", files)] == [Severity.NOTE, Severity.WARNING]


def test_two_names_that_are_cut_off_to_one() -> None:
    sql = f"CREATE INDEX {LONG}xa ON users (age); CREATE INDEX IF NOT EXISTS {LONG}xb ON users (name)"
    found = said("identifier-too-long", Files(up=(SHOP, sql)))

    assert [severity for severity, _, _ in found] == [Severity.WARNING, Severity.ERROR]
    assert "IF NOT EXISTS makes nothing of it" in found[1][2].message
    again = f"CREATE INDEX IF NOT EXISTS {LONG}xa ON users (age);"
    elsewhere = f"CREATE TABLE s.{LONG}xa (a int); CREATE TABLE {LONG}xb (a int); DROP TABLE {LONG}x;"
    anew = f"CREATE TABLE {LONG}xc (a int);"
    for files in ((SHOP, again, again), (SHOP, elsewhere, anew)):
        assert {s for s, _, _ in said("identifier-too-long", Files(up=files))} == {Severity.WARNING}


def test_a_place_in_the_file_is_that_of_the_column() -> None:
    ((_, _, found),) = said("timestamp-without-zone", Files(up=("CREATE TABLE t (\n  a int,\n  b timestamp\n)",)))

    assert found.at is not None
    assert (found.at.line, found.at.column) == (3, 3)
