"""Rules about names and things that a running version of the app uses: who is told, and where nobody is."""

from __future__ import annotations

import pytest

from crossfade.lint.finding import Severity
from crossfade.migrations.migration import Transaction

from .one_rule import BY_NAME, SHOP, Files, instead, messages, said

TOLD = [
    ("rename-column", "ALTER TABLE users RENAME name TO full_name", "public.users.name to full_name"),
    ("rename-column", "ALTER VIEW active RENAME name TO full_name", "public.active.name to full_name"),
    ("rename-table", "ALTER TABLE users RENAME TO people", "public.users to public.people"),
    ("rename-table", "ALTER TABLE users SET SCHEMA app", "public.users to app.users"),
    ("rename-table", "ALTER VIEW active RENAME TO current", "public.active to public.current"),
    ("rename-schema", "ALTER SCHEMA public RENAME TO app", "the schema public to app"),
    ("rename-type", "ALTER TYPE role RENAME TO roles", "the type role to roles"),
    ("rename-enum-value", "ALTER TYPE role RENAME VALUE 'USER' TO 'MEMBER'", "the value 'USER' of role to 'MEMBER'"),
    ("rename-constraint", "ALTER TABLE users RENAME CONSTRAINT users_email_key TO k", "ON CONSTRAINT users_email_key"),
    ("rename-constraint", "ALTER INDEX users_email_key RENAME TO k", "ON CONSTRAINT users_email_key"),
    ("drop-column", "ALTER TABLE users DROP age", "drops public.users.age"),
    ("drop-table", "DROP TABLE posts", "drops public.posts"),
    ("drop-table", "DROP TABLE IF EXISTS nobody_knows_it", "drops public.nobody_knows_it"),
    ("drop-column", "ALTER TABLE IF EXISTS nobody_knows_it DROP COLUMN IF EXISTS a", "drops public.nobody_knows_it.a"),
    ("drop-table", "DROP TABLE users CASCADE", "CASCADE drops the foreign keys of public.posts"),
    ("drop-table", "DROP VIEW active", "drops public.active"),
    ("drop-schema", "DROP SCHEMA public CASCADE", "its tables active, posts, users"),
    ("drop-schema", "DROP SCHEMA IF EXISTS nobody_knows_it CASCADE", "all that is in it"),
    ("drop-cascade", "DROP TYPE IF EXISTS nobody_knows_it CASCADE", "every column of nobody_knows_it"),
    ("drop-schema", "DROP DATABASE shop", "drops the database shop"),
    ("drop-not-null", "ALTER TABLE users ALTER email DROP NOT NULL", "lets public.users.email be NULL"),
    ("truncate", "TRUNCATE posts", "empties public.posts"),
    ("truncate", "TRUNCATE users CASCADE", "CASCADE empties public.posts too"),
    ("json-column", "ALTER TABLE users ADD data json", "public.users.data"),
    ("index-gap", "DROP INDEX users_name; CREATE INDEX ON users (name, age)", "queries by name read all rows"),
    ("view-replaced", "CREATE OR REPLACE VIEW active AS SELECT name FROM users", "id is missing"),
    ("view-replaced", "CREATE OR REPLACE VIEW active AS SELECT name, id FROM users", "id is in another place"),
    ("view-replaced", "DROP VIEW active; CREATE VIEW active AS SELECT id FROM users", "again without name"),
]
QUIET = [
    ("rename-column", "ALTER TABLE users ADD a int; ALTER TABLE users RENAME a TO b"),
    ("rename-column", "CREATE TABLE t (a int); ALTER TABLE t RENAME a TO b"),
    ("rename-table", "CREATE TABLE t (a int); ALTER TABLE t RENAME TO u"),
    ("rename-table", "ALTER TABLE users RENAME TO people; CREATE VIEW users AS TABLE people"),
    ("rename-table", "ALTER INDEX users_name RENAME TO by_name"),
    (
        "rename-type",
        "CREATE TYPE n AS ENUM ('A'); ALTER TYPE role RENAME TO old; ALTER TYPE n RENAME TO role; DROP TYPE old",
    ),
    ("rename-type", "CREATE TYPE r AS RANGE (subtype = int4); ALTER TYPE r RENAME TO range_of_ids"),
    ("rename-constraint", "ALTER INDEX users_name RENAME TO by_name"),
    ("rename-constraint", "ALTER TABLE posts RENAME CONSTRAINT posts_author_fkey TO f"),
    ("drop-column", "ALTER TABLE users ADD a int; ALTER TABLE users DROP a"),
    ("drop-column", "ALTER TABLE users DROP COLUMN IF EXISTS nothing"),
    ("drop-table", "CREATE TABLE t (a int); DROP TABLE t"),
    ("drop-table", "DROP TABLE IF EXISTS made; CREATE TABLE made (a int)"),
    ("drop-table", "CREATE TABLE made (a int); DROP TABLE made; DROP TABLE IF EXISTS made"),
    ("lock-timeout-missing", "DROP TABLE IF EXISTS made; CREATE TABLE made (a int)"),
    ("drop-table", "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE users; END $$"),
    ("drop-schema", "DROP SCHEMA app"),
    ("drop-schema", "DROP SCHEMA IF EXISTS made CASCADE; CREATE SCHEMA made"),
    ("drop-cascade", "DROP TYPE IF EXISTS made CASCADE; CREATE TYPE made AS ENUM ('a')"),
    ("drop-not-null", "ALTER TABLE users ALTER name DROP NOT NULL"),
    ("drop-not-null", "ALTER TABLE users ADD a int NOT NULL DEFAULT 1; ALTER TABLE users ALTER a DROP NOT NULL"),
    ("truncate", "CREATE TABLE t (a int); TRUNCATE t"),
    ("json-column", "ALTER TABLE users ADD data jsonb"),
    ("index-gap", "DROP INDEX users_name; CREATE INDEX ON users (age)"),
    ("index-gap", "CREATE INDEX ON users (name, age); DROP INDEX users_name"),
    ("view-replaced", "CREATE OR REPLACE VIEW active AS SELECT id, name, age FROM users"),
    ("view-replaced", "CREATE OR REPLACE VIEW active AS SELECT * FROM users"),
    (
        "view-replaced",
        "ALTER VIEW active RENAME name TO n; CREATE OR REPLACE VIEW active AS SELECT id, 'x' n FROM users",
    ),
    ("view-replaced", "DROP TABLE users CASCADE; CREATE OR REPLACE VIEW other AS SELECT 1 a"),
]


@pytest.mark.parametrize(("rule", "sql", "words"), TOLD)
def test_what_breaks_a_running_version_is_told(rule: str, sql: str, words: str) -> None:
    around = Transaction.NEVER if rule == "index-gap" else Transaction.ALWAYS
    (message,) = messages(rule, SHOP, sql, transaction=around)

    assert words in message


@pytest.mark.parametrize(("rule", "sql"), QUIET)
def test_what_breaks_none_is_not(rule: str, sql: str) -> None:
    assert messages(rule, SHOP, sql) == []


@pytest.mark.parametrize(("rule", "sql"), [(rule, sql) for rule, sql, _ in TOLD if rule.startswith(("rename", "drop"))])
def test_the_way_back_is_no_finding(rule: str, sql: str) -> None:
    found = said(rule, Files(up=(SHOP, "SELECT 1"), down=(sql,)))

    assert found == []


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        ("rename-column", "ALTER TABLE users RENAME name TO full_name"),
        ("rename-table", "ALTER TABLE users RENAME TO people"),
        ("rename-table", "ALTER TABLE users SET SCHEMA app"),
        ("drop-column", "ALTER TABLE users DROP age"),
        ("drop-table", "DROP TABLE users"),
        ("drop-schema", "DROP SCHEMA app CASCADE"),
        ("drop-not-null", "ALTER TABLE users ALTER email DROP NOT NULL"),
        ("truncate", "TRUNCATE users"),
    ],
)
def test_what_no_file_makes_is_taken_to_be_there(rule: str, sql: str) -> None:
    assert len(messages(rule, sql)) == 1


def test_a_rename_says_how_both_names_go_on() -> None:
    shown = instead("rename-table", SHOP, "ALTER TABLE users RENAME TO people")

    assert shown is not None
    assert shown.startswith("ALTER TABLE users RENAME TO people;\nCREATE VIEW public.users AS TABLE public.people;\n")
    by_itself = instead("rename-table", SHOP, "ALTER TABLE users RENAME TO people", transaction=Transaction.NEVER)
    assert by_itself is not None
    assert by_itself.startswith("BEGIN;\n")


@pytest.mark.parametrize("transaction", [Transaction.ALWAYS, Transaction.NEVER])
def test_a_view_made_again_is_away_for_a_while_only_between_transactions(transaction: Transaction) -> None:
    sql = "DROP VIEW active; CREATE VIEW active AS SELECT id, name, age FROM users"
    found = said("view-replaced", Files(up=(SHOP, sql), transaction=transaction))

    assert [severity for severity, _, _ in found] == [Severity.WARNING] * (transaction is Transaction.NEVER)


def test_a_materialized_view_is_one_too() -> None:
    made, again = (f"CREATE MATERIALIZED VIEW m AS SELECT {columns} FROM users" for columns in ("id, name", "id"))
    (message,) = messages("view-replaced", SHOP, made, f"DROP MATERIALIZED VIEW m; {again}")

    assert "again without name" in message
    assert messages("view-replaced", SHOP, made, f"DROP MATERIALIZED VIEW m; {made}") == []


def test_an_index_of_the_same_name_is_built_under_another_first() -> None:
    shown = instead(
        "index-gap",
        SHOP,
        "DROP INDEX users_name; CREATE INDEX users_name ON users (name, age)",
        transaction=Transaction.NEVER,
    )

    assert shown == (
        "CREATE INDEX CONCURRENTLY users_name_new ON users (name, age);\n"
        "DROP INDEX CONCURRENTLY public.users_name;\n"
        "ALTER INDEX public.users_name_new RENAME TO users_name;"
    )


def test_a_unique_index_that_is_away_lets_duplicates_in() -> None:
    made = "CREATE UNIQUE INDEX u ON users (name, age)"
    sql = "DROP INDEX u; CREATE UNIQUE INDEX v ON users (name, age)"
    (message,) = messages("index-gap", SHOP, made, sql, transaction=Transaction.NEVER)

    assert "rows that are equal in them can come in" in message
    assert messages("index-gap", SHOP, made, sql.replace("UNIQUE ", ""), transaction=Transaction.NEVER) == []


def test_what_takes_a_moment_only_is_no_error() -> None:
    moments = {rule for rule, _, _ in TOLD if rule.startswith(("rename", "drop"))}

    assert {BY_NAME[rule].severity for rule in moments} <= {Severity.WARNING, Severity.NOTE}
