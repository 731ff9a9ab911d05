"""Statements as `sql` changes: the phase, and what takes them back."""

from __future__ import annotations

from threading import Thread, stack_size

import pytest

from crossfade.migrations.typed import Entry, sql_entry

UNDONE = (
    ("CREATE TABLE a.t (LIKE u)", "DROP TABLE IF EXISTS a.t"),
    ("CREATE TABLE t AS SELECT 1", "DROP TABLE IF EXISTS t"),
    ("CREATE MATERIALIZED VIEW v AS SELECT 1", "DROP MATERIALIZED VIEW IF EXISTS v"),
    ('CREATE VIEW "V" AS SELECT 1', 'DROP VIEW IF EXISTS "V"'),
    ("CREATE SEQUENCE s", "DROP SEQUENCE IF EXISTS s"),
    (
        "CREATE FUNCTION f(a int, b text[], OUT c int) LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION IF EXISTS f(integer, text[])",
    ),
    ("CREATE PROCEDURE f() LANGUAGE sql AS 'SELECT 1'", "DROP PROCEDURE IF EXISTS f()"),
    ("CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()", "DROP TRIGGER IF EXISTS g ON t"),
    ("CREATE POLICY p ON t", "DROP POLICY IF EXISTS p ON t"),
    ("CREATE TYPE c AS (a int)", "DROP TYPE IF EXISTS c"),
    ("CREATE TYPE r AS RANGE (subtype = int)", "DROP TYPE IF EXISTS r"),
    ("CREATE SCHEMA s", "DROP SCHEMA IF EXISTS s"),
    ("CREATE EXTENSION citext", "DROP EXTENSION IF EXISTS citext"),
    ("CREATE STATISTICS s ON a, b FROM t", "DROP STATISTICS IF EXISTS s"),
    ("CREATE INDEX i ON a.t (b)", "DROP INDEX IF EXISTS a.i"),
    ("ALTER TABLE t ADD COLUMN c serial", "ALTER TABLE IF EXISTS t DROP COLUMN IF EXISTS c"),
)


@pytest.mark.parametrize(("statement", "undo"), UNDONE)
def test_what_is_made_is_dropped_to_take_it_back(statement: str, undo: str) -> None:
    assert sql_entry(statement) == {"sql": {"expand": ({"run": statement, "undo": undo},)}}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "CREATE EXTENSION IF NOT EXISTS citext",
        "CREATE TABLE IF NOT EXISTS t (a int)",
        "GRANT SELECT ON t TO PUBLIC",
        "ALTER TABLE t VALIDATE CONSTRAINT c",
        "CREATE INDEX ON t (a)",
    ],
)
def test_what_may_have_been_there_is_not_taken_back(statement: str) -> None:
    entry = sql_entry(statement)
    assert entry is not None
    assert entry["sql"]["expand"] == (statement,)
    assert entry["sql"]["irreversible"] is True
    assert "does not say" in entry["sql"]["reason"]


@pytest.mark.parametrize(
    "statement",
    ["DROP VIEW v", "TRUNCATE t", "REVOKE SELECT ON t FROM a", "ALTER TABLE t SET UNLOGGED"],
)
def test_what_old_versions_may_need_goes_in_contract(statement: str) -> None:
    entry = sql_entry(statement)
    assert entry is not None
    assert entry["sql"]["contract"] == (statement,)


def test_a_constraint_that_refuses_writes_comes_in_contract() -> None:
    statement = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID"
    undo = "ALTER TABLE IF EXISTS t DROP CONSTRAINT IF EXISTS c"
    assert sql_entry(statement) == {"sql": {"contract": ({"run": statement, "undo": undo},)}}


@pytest.mark.parametrize("kind", ["UNIQUE", "PRIMARY KEY"])
def test_an_index_that_was_there_before_is_not_dropped_with_its_constraint(kind: str) -> None:
    entry = sql_entry(f"ALTER TABLE t ADD CONSTRAINT c {kind} USING INDEX i")
    assert entry is not None
    assert "undo" not in str(entry["sql"]["contract"])
    assert entry["sql"]["irreversible"] is True
    assert entry["sql"]["reason"].startswith("Its index was there before")


@pytest.mark.parametrize("statement", ["VACUUM t", "CREATE INDEX CONCURRENTLY i ON t (a)"])
def test_what_leaves_nothing_needs_no_way_back(statement: str) -> None:
    assert sql_entry(statement) == {"sql": {"expand": (statement,)}}


@pytest.mark.parametrize(
    "statement", ["COPY t FROM STDIN", "CREATE DATABASE d", "COMMIT", "SELEC", "SELECT 1; SELECT 2"]
)
def test_what_no_plan_can_send(statement: str) -> None:
    assert sql_entry(statement) is None


def test_a_statement_may_be_deep() -> None:
    """The stack is that of a thread, so that fewer levels than a file may have are too many for it."""
    statement = f"CREATE VIEW v AS SELECT {'+'.join('1' * 10_000)} AS sum"
    found: list[Entry | None] = []
    thread = Thread(target=lambda: found.append(sql_entry(statement)))
    usual = stack_size(1024 * 1024)
    try:
        thread.start()
    finally:
        stack_size(usual)
    thread.join()
    assert found == [{"sql": {"expand": ({"run": statement, "undo": "DROP VIEW IF EXISTS v"},)}}]
