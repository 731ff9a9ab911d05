"""Rows of a published table that PostgreSQL lets nobody update: refused by name where a plan has to write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.operations.acks import ACKS
from crossfade.plan.load import parse_plan

if TYPE_CHECKING:
    from crossfade.errors import Refusal

    from ..fixtures.database import Database

PLAIN = "CREATE TABLE t (id int PRIMARY KEY, v int, w int); INSERT INTO t VALUES (1, 1, 1);"
KEYLESS = "CREATE TABLE t (id int UNIQUE NOT NULL, v int, w int); INSERT INTO t VALUES (1, 1, 1);"
PARTS = (
    "CREATE TABLE t (id int PRIMARY KEY, v int, w int) PARTITION BY RANGE (id);"
    "CREATE TABLE t1 PARTITION OF t DEFAULT; INSERT INTO t VALUES (1, 1, 1);"
)
FULL, NOTHING = "ALTER TABLE t REPLICA IDENTITY FULL;", "ALTER TABLE t REPLICA IDENTITY NOTHING;"
VIA_ROOT = "WITH (publish_via_partition_root)"
#: Whether rows can be updated, and deleted.
CASES: dict[str, tuple[bool, bool]] = {
    f"{PLAIN} CREATE PUBLICATION p FOR TABLE t": (True, True),
    f"{PLAIN} CREATE PUBLICATION p FOR TABLE t (id, v) WHERE (id > 3)": (True, True),
    f"{PLAIN} CREATE PUBLICATION p FOR TABLE t (v)": (False, False),
    f"{PLAIN} CREATE PUBLICATION p FOR TABLE t WHERE (v > 3)": (False, False),
    f"{PLAIN} CREATE PUBLICATION p FOR TABLE t WHERE (v > 3) WITH (publish = 'insert')": (True, True),
    f"{PLAIN} CREATE PUBLICATION p FOR TABLE t (v) WITH (publish = 'delete')": (True, False),
    f"{PLAIN} {FULL} CREATE PUBLICATION p FOR TABLE t WHERE (v > 3)": (True, True),
    f"{PLAIN} {FULL} CREATE PUBLICATION p FOR TABLE t (id, v)": (False, False),
    f"{PLAIN} {NOTHING} CREATE PUBLICATION p FOR ALL TABLES": (False, False),
    f"{KEYLESS} CREATE PUBLICATION p FOR TABLES IN SCHEMA public": (False, False),
    f"{PARTS} CREATE PUBLICATION p FOR TABLE t (v) {VIA_ROOT}": (False, False),
    f"{PARTS} CREATE PUBLICATION p FOR TABLE t1 (v)": (False, False),
    f"{PARTS} CREATE PUBLICATION p FOR TABLE t": (True, True),
    PLAIN: (True, True),
}
FILLS = "set_not_null: {table: t, column: v, fill: '1'}"
DELETES = "delete_rows: {table: t, where: w = 5}"
OTHERS = {
    "rename_column: {table: t, from: w, to: x}": ["not_replicable"],
    "update_rows: {table: t, set: {w: '2'}, where: w <> 2}": ["not_replicable"],
    "add_column: {table: t, name: c, type: int}": [],
    "add_check: {table: t, name: k, expression: v > 0}": [],
}


def refusals(database: Database, change: str) -> tuple[Refusal, ...]:
    plan = parse_plan(f"crossfade: 1\nname: it\nchanges:\n  - {change}\n", "it.yaml")
    with Engine(database.url) as engine:
        return engine.check(plan, ACKS).refusals


@pytest.mark.long
@pytest.mark.every_server
def test_a_plan_writes_no_rows_that_nobody_can_write(database: Database) -> None:
    for setup, (updates, deletes) in CASES.items():
        database.execute(f"DROP PUBLICATION IF EXISTS p; DROP TABLE IF EXISTS t; {setup}")
        assert is_let(database, "UPDATE t SET w = 1") is updates, setup
        assert is_let(database, "DELETE FROM t") is deletes, setup
        assert [r.code for r in refusals(database, FILLS)] == ["not_replicable"] * (not updates), setup
        assert [r.code for r in refusals(database, DELETES)] == ["not_replicable"] * (not deletes), setup


def test_it_is_asked_of_whatever_updates_rows_and_of_nothing_else(database: Database) -> None:
    database.execute(f"{PLAIN} CREATE PUBLICATION p FOR TABLE t (v)")
    for change, expected in OTHERS.items():
        assert [r.code for r in refusals(database, change)] == expected, change


def is_let(database: Database, statement: str) -> bool:
    with psycopg.connect(database.url) as connection:
        try:
            connection.execute(statement.encode())
        except (psycopg.errors.InvalidColumnReference, psycopg.errors.ObjectNotInPrerequisiteState):
            return False
        finally:
            connection.rollback()
    return True


def test_it_says_which_partition_and_publication_and_what_is_wrong(database: Database) -> None:
    database.execute(f"{PARTS} CREATE PUBLICATION p FOR TABLE t (v) {VIA_ROOT}")
    (refusal,) = refusals(database, FILLS)
    assert refusal.object == "public.t1"
    assert refusal.message == (
        "the plan writes its rows, which PostgreSQL refuses to everybody as it is published (p): cannot update table "
        '"t1": Column list used by the publication does not cover the replica identity.'
    )
    assert "ALTER PUBLICATION" in refusal.instead
