"""Shapes computed from each other: conversions that fail, early writers, and what an unrelated update leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.errors import VerificationFailed
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

SETUP = """
    CREATE TABLE t (id int PRIMARY KEY, old text, other int);
    INSERT INTO t VALUES (1, '10'), (2, '20'), (3, NULL);
"""
NUMBER = 'change_type: {table: t, column: old, to: int, into: new, using: "old::int", reverse: "new::text"}'
SAME_NAME = "change_type: {table: t, column: n, to: bigint}"
SPLIT = """split_column:
      {table: t, from: old, into: {a: {type: text, using: "split_part(old, ' ', 1)"}, b: {type: text, using:
       "split_part(old, ' ', 2)"}}, reverse: "concat_ws(' ', a, b)"}"""


def plan_of(change: str, retain: str = "7d") -> Plan:
    return parse_plan(f"crossfade: 1\nname: conversion\nretain: {retain}\nhold: 0s\nchanges:\n  - {change}\n", "p.yaml")


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    database.execute(SETUP)
    with Engine(database.url) as opened:
        yield opened


def go(engine: Engine, plan: Plan, to: State) -> None:
    if to in (State.RETAINED, State.CONTRACTED):
        engine.advance(plan, to=State.BACKFILLED)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
    engine.advance(plan, to=to)


def rows(database: Database, columns: str) -> list[tuple[object, ...]]:
    return database.execute(f"SELECT {columns} FROM t ORDER BY id")


@pytest.mark.every_server
def test_what_cannot_be_converted_fails_nobody_of_the_old_version_and_holds_up_contract(
    engine: Engine, database: Database
) -> None:
    database.execute("UPDATE t SET old = '30' WHERE id = 3")
    plan = plan_of(NUMBER)
    go(engine, plan, State.BACKFILLED)
    database.execute("UPDATE t SET old = 'ten' WHERE id = 1")
    database.execute("INSERT INTO t (id, old) VALUES (4, 'four')")
    assert rows(database, "old, new") == [("ten", None), ("20", 20), ("30", 30), ("four", None)]
    engine.approve(plan.name, Phase.CONTRACT, "alice")
    with pytest.raises(VerificationFailed, match="2 rows differ"):
        engine.contract(plan)
    database.execute("UPDATE t SET old = '11' WHERE id = 1")
    database.execute("DELETE FROM t WHERE id = 4")
    assert engine.contract(plan).state is State.RETAINED


@pytest.mark.every_server
def test_what_old_versions_could_not_read_is_refused_before_contract_and_taken_after_it(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, old int NOT NULL); INSERT INTO t VALUES (1, 1)")
    plan = plan_of("change_type: {table: t, column: old, to: bigint, into: new}")
    with Engine(database.url) as engine:
        go(engine, plan, State.BACKFILLED)
        with pytest.raises(psycopg.errors.NumericValueOutOfRange):
            database.execute("UPDATE t SET new = 3000000000")
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        engine.advance(plan, to=State.RETAINED)
        database.execute("UPDATE t SET new = 3000000000")
        database.execute("INSERT INTO t (id, new) VALUES (2, 5)")
        assert rows(database, "new") == [(3000000000,), (5,)]
        noted = database.execute("SELECT DISTINCT kind FROM crossfade.legacy_writes")
        assert noted == [("unrepresentable",)]


@pytest.mark.every_server
def test_an_insert_without_column_names_keeps_its_value_while_the_old_column_is_hidden(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 7, s text)")
    plan = plan_of(SAME_NAME)
    with Engine(database.url) as engine:
        go(engine, plan, State.RETAINED)
        database.execute("INSERT INTO t VALUES (1, 11, 'x')")
        database.execute("INSERT INTO t (id, n, s) VALUES (2, 22, 'y')")
        database.execute("INSERT INTO t (id) VALUES (3)")
        assert rows(database, "id, n, s") == [(1, 11, "x"), (2, 22, "y"), (3, 7, None)]
        engine.revert(plan.name)
        assert rows(database, "id, n, s") == [(1, 11, "x"), (2, 22, "y"), (3, 7, None)]


@pytest.mark.parametrize("change", [NUMBER, SPLIT], ids=["one new column", "two new columns"])
def test_an_update_of_another_column_in_a_row_that_is_not_filled_loses_nothing(
    engine: Engine, database: Database, change: str
) -> None:
    plan = plan_of(change)
    go(engine, plan, State.EXPANDED)
    before = rows(database, "id, old")
    database.execute("UPDATE t SET other = 1")
    assert rows(database, "id, old") == before
    filled = "new" if change == NUMBER else "a"
    assert [bool(value) for (value,) in rows(database, filled)] == [True, True, False]


def test_an_early_writer_of_one_of_two_new_columns_keeps_the_other_ones_fact(
    engine: Engine, database: Database
) -> None:
    database.execute("UPDATE t SET old = 'Ada Byron' WHERE id = 1")
    go(engine, plan_of(SPLIT), State.EXPANDED)
    database.execute("UPDATE t SET b = 'Lovelace' WHERE id = 1")
    assert rows(database, "old, a, b")[0] == ("Ada Lovelace", "Ada", "Lovelace")


@pytest.mark.every_server
def test_a_default_of_the_hidden_column_is_no_write_of_it(engine: Engine, database: Database) -> None:
    database.execute("ALTER TABLE t ALTER old SET DEFAULT 'none yet'")
    go(engine, plan_of(SPLIT), State.RETAINED)
    database.execute("INSERT INTO t (id, a, b) VALUES (5, 'Grace', 'Hopper')")
    database.execute("INSERT INTO t (id) VALUES (6)")
    assert rows(database, "a, b")[-2:] == [("Grace", "Hopper"), (None, None)]
    engine.revert("conversion")
    assert rows(database, "old")[-2:] == [("Grace Hopper",), ("",)]
    default = "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 't'::regclass"
    assert database.execute(default) == [("'none yet'::text",)]
