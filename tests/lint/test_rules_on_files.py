"""Rules about a migration as a whole: its transaction, its way down, its place in the order, what is in it."""

from __future__ import annotations

import pytest

from crossfade.lint.finding import Severity
from crossfade.migrations.migration import Tool, Transaction

from .one_rule import SHOP, Files, messages, said

NESTED = [
    (Transaction.ALWAYS, "SELECT 1; COMMIT; SELECT 2; BEGIN", "COMMIT ends the transaction that goose has begun"),
    (Transaction.ALWAYS, "BEGIN; SELECT 1", "inside of the one that goose has begun"),
    (Transaction.ALWAYS, "SELECT 1; ROLLBACK", "what came before it is taken back"),
    (Transaction.ALWAYS, "SELECT 1; PREPARE TRANSACTION 'a'", "what came before it waits for COMMIT PREPARED"),
    (Transaction.NEVER, "BEGIN; SELECT 1; BEGIN; COMMIT", "inside of another one"),
    (Transaction.NEVER, "SELECT 1; COMMIT", "COMMIT without a BEGIN"),
]
NOT_NESTED = [
    (Transaction.ALWAYS, "SAVEPOINT a; SELECT 1; RELEASE a"),
    (Transaction.NEVER, "BEGIN; SELECT 1; COMMIT; START TRANSACTION; COMMIT"),
    (Transaction.NEVER, "BEGIN; PREPARE TRANSACTION 'a'; BEGIN; COMMIT"),
    (Transaction.NEVER, "BEGIN; COMMIT AND CHAIN; SELECT 1; COMMIT"),
    (Transaction.IF_SEVERAL, "BEGIN; SELECT 1; COMMIT"),
]
UNDONE = [
    ("ALTER TABLE users ADD a int, ADD b int", "ALTER TABLE users DROP a", "column public.users.b is still there"),
    ("ALTER TABLE users ALTER age TYPE bigint", "SELECT 1", "public.users.age is of type bigint, not integer"),
    ("ALTER TABLE users ALTER name SET NOT NULL", "SELECT 1", "public.users.name cannot be NULL"),
    ("ALTER TABLE users ALTER email DROP NOT NULL", "SELECT 1", "public.users.email can be NULL"),
    ("ALTER TABLE users ALTER age SET DEFAULT 1", "SELECT 1", "public.users.age still has a default"),
    ("ALTER TABLE users DROP age", "ALTER TABLE users ADD age bigint", "age is of type bigint, not integer"),
    ("CREATE INDEX ON users (age)", "SELECT 1", "the index over (age) of public.users is still there"),
    ("ALTER TABLE users ADD UNIQUE (age)", "SELECT 1", "the unique constraint over (age) of public.users is still"),
    ("DROP INDEX users_name", "SELECT 1", "the index over (name) of public.users is gone"),
    ("CREATE TABLE t (a int)", "SELECT 1", "public.t is still there"),
    ("CREATE TABLE t (a int); CREATE TYPE m AS ENUM ('a')", "DROP TABLE t", "the type m is still there"),
    ("CREATE TYPE s.p AS (a int)", "SELECT 1", "the type s.p is still there"),
    ("CREATE TYPE r AS RANGE (subtype = int4)", "SELECT 1", "the type r is still there"),
    ("DROP TABLE posts", "SELECT 1", "public.posts is gone"),
    ("ALTER TABLE elsewhere ADD a int", "ALTER TABLE other DROP a", "column public.elsewhere.a is still there"),
]
TAKEN_BACK = [
    ("ALTER TABLE users ADD a int", "ALTER TABLE users DROP a"),
    ("ALTER TABLE users DROP age", "ALTER TABLE users ADD age int4"),
    ("ALTER TABLE users RENAME name TO n", "ALTER TABLE users RENAME n TO name"),
    ("ALTER TABLE users RENAME TO p; ALTER TABLE p ADD a int", "ALTER TABLE p DROP a; ALTER TABLE p RENAME TO users"),
    ("ALTER TABLE elsewhere ADD a int", "ALTER TABLE elsewhere DROP a"),
    ("ALTER TABLE elsewhere ALTER a SET NOT NULL", "ALTER TABLE elsewhere ALTER a DROP NOT NULL"),
    ("ALTER TABLE elsewhere RENAME a TO b", "ALTER TABLE elsewhere RENAME b TO a"),
    ("ALTER TABLE elsewhere RENAME TO here", "ALTER TABLE here RENAME TO elsewhere"),
    ("CREATE VIEW v AS SELECT 1 AS a", "DROP VIEW v"),
    ("CREATE TYPE m AS ENUM ('a'); CREATE TABLE t (a m)", "DROP TABLE t; DROP TYPE m"),
    ("CREATE SCHEMA s; CREATE TYPE s.m AS ENUM ('a')", "DROP SCHEMA s CASCADE"),
    ("CREATE TABLE t (a int)", "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 't'; END $$"),
    ("CREATE EXTENSION pgcrypto; CREATE TABLE t (a int)", "DROP TABLE t"),
]


@pytest.mark.parametrize(("around", "sql", "words"), NESTED)
def test_begin_and_commit_where_they_do_harm(around: Transaction, sql: str, words: str) -> None:
    ((severity, _, found),) = said("transaction-nesting", Files(up=(sql,), tool=Tool.GOOSE, transaction=around))

    assert severity is Severity.WARNING
    assert words in found.message


@pytest.mark.parametrize(("tool", "who"), [(Tool.DRIZZLE_1, "Drizzle"), (Tool.UP_DOWN, "the tool")])
def test_a_tool_is_called_as_its_authors_call_it(tool: Tool, who: str) -> None:
    ((_, _, found),) = said("transaction-nesting", Files(up=("COMMIT",), tool=tool))

    assert found.instead == f"Leave BEGIN and COMMIT to {who}."


@pytest.mark.parametrize(("around", "sql"), NOT_NESTED)
def test_begin_and_commit_where_they_belong(around: Transaction, sql: str) -> None:
    assert messages("transaction-nesting", sql, transaction=around) == []
    assert messages("transaction-left-open", sql, transaction=around) == []


def test_a_begin_without_its_commit_takes_everything_back() -> None:
    for sql in ("BEGIN; SELECT 1", "BEGIN; COMMIT AND CHAIN; SELECT 1"):
        ((severity, _, _),) = said("transaction-left-open", Files(up=(sql,), transaction=Transaction.NEVER))

        assert severity is Severity.ERROR
    assert messages("transaction-left-open", "BEGIN; SELECT 1", transaction=Transaction.ALWAYS) == []


@pytest.mark.parametrize(("up", "down", "words"), UNDONE)
def test_what_a_way_down_leaves_is_named(up: str, down: str, words: str) -> None:
    found = said("down-differs", Files(up=(SHOP, up), down=(down,)))

    assert len(found) == 1
    assert words in found[0][2].message
    assert found[0][2].of is not None
    assert found[0][2].of.goes_back


@pytest.mark.parametrize(("up", "down"), TAKEN_BACK)
def test_a_way_down_that_leads_back(up: str, down: str) -> None:
    assert said("down-differs", Files(up=(SHOP, up), down=(down,))) == []


def test_what_is_left_is_dropped_in_reverse_order() -> None:
    ((_, _, found),) = said(
        "down-differs", Files(up=(SHOP, "CREATE TABLE a (i int); CREATE TABLE b (i int)"), down=("SELECT 1",))
    )

    assert found.instead == "DROP TABLE public.b;\nDROP TABLE public.a;"


def test_a_way_up_without_a_way_down() -> None:
    ups = (SHOP, "SELECT 1", "SELECT 2", "-- nothing")
    found = said("no-way-down", Files(up=ups, down=("DROP VIEW active", None, "  ", None)))

    assert [(name, s.message.split(",")[0]) for _, name, s in found] == [
        ("0001", "0001 has no way down"),
        ("0002", "0002 has an empty way down"),
    ]
    assert said("no-way-down", Files(up=ups, down=(None,) * 4)) == []


def test_two_migrations_of_one_version() -> None:
    numbered = Files(up=("SELECT 1",) * 3, names=("1_a", "01_b", "2_c"), order=((1,), (1,), (2,)), tool=Tool.GOOSE)
    found = said("migration-order", numbered)

    assert [name for _, name, _ in found] == ["01_b"]
    assert "1_a" in found[0][2].message


def test_two_names_that_begin_alike_are_two_migrations_for_tools_that_go_by_names() -> None:
    named = Files(up=("SELECT 1",) * 2, names=("1_a", "1_b"), order=(("1_a",), ("1_b",)), tool=Tool.PRISMA)

    assert said("migration-order", named) == []


@pytest.mark.parametrize(("when", "told"), [((1, 2, 3), []), ((1, 3, 2), ["0002"]), ((1, 1, 2), ["0001"])])
def test_what_drizzle_would_skip(when: tuple[int, ...], told: list[str]) -> None:
    journal = Files(up=("SELECT 1",) * 3, order=tuple((w,) for w in when), tool=Tool.DRIZZLE)

    assert [name for _, name, _ in said("migration-order", journal)] == told


def test_schema_and_rows_in_one_file() -> None:
    assert (
        len(messages("schema-and-data", SHOP, "ALTER TABLE users ADD a int; UPDATE users SET a = 1 WHERE id = 1")) == 1
    )
    assert messages("schema-and-data", SHOP, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)") == []
    assert messages("schema-and-data", SHOP, "UPDATE users SET age = 1 WHERE id = 1") == []


def test_a_file_that_cannot_be_applied_again() -> None:
    sql = "CREATE INDEX CONCURRENTLY i ON users (age); CREATE TABLE IF NOT EXISTS t (a int); DROP TABLE t"

    assert len(messages("not-repeatable", SHOP, sql, transaction=Transaction.NEVER)) == 2
    assert messages("not-repeatable", SHOP, sql, transaction=Transaction.ALWAYS) == []
    assert messages("not-repeatable", SHOP, "DROP TABLE posts", transaction=Transaction.NEVER) == []


def test_alters_of_one_table_apart() -> None:
    sql = "ALTER TABLE users ADD a int; ALTER TABLE users DROP age"

    assert len(messages("alters-apart", SHOP, sql, transaction=Transaction.NEVER)) == 1
    assert messages("alters-apart", SHOP, sql, transaction=Transaction.ALWAYS) == []
    proof = "ALTER TABLE users ALTER name SET NOT NULL; ALTER TABLE users DROP CONSTRAINT c"
    assert messages("alters-apart", SHOP, proof, transaction=Transaction.NEVER) == []


@pytest.mark.parametrize(
    ("name", "told"), [("0001", True), ("0002_fix", True), ("V3__update_2", True), ("0004_add_country", False)]
)
def test_a_name_that_says_nothing(name: str, told: bool) -> None:
    assert bool(said("migration-name", Files(up=("SELECT 1",), names=(name,)))) == told


def test_a_limit_to_how_long_a_statement_takes() -> None:
    assert len(messages("statement-timeout-missing", SHOP, "ALTER TABLE users ADD a int; DROP TABLE posts")) == 1
    limited = "SET LOCAL statement_timeout = '9s'; ALTER TABLE users ADD a int"
    assert messages("statement-timeout-missing", SHOP, limited) == []
    assert messages("statement-timeout-missing", SHOP, "CREATE TABLE t (a int)") == []
