"""What was written past the run's own triggers is neither hidden nor taken back: a command stops and names the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.errors import BaselineChanged, VerificationFailed, WouldDiscard, WrongState
from crossfade.observe.events import Verified
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLE: LiteralString = """
CREATE TYPE mood AS ENUM ('a', 'b', 'c');
CREATE TABLE q (id int PRIMARY KEY, b int NOT NULL, n text, m mood DEFAULT 'a', v numeric(8,2) NOT NULL DEFAULT 1.25);
INSERT INTO q SELECT g, g, 'Ann Lee', 'c' FROM generate_series(1, 7) g
"""
TYPE = "change_type: {table: q, column: b, to: bigint}"
INTO = "change_type: {table: q, column: b, to: text, into: d, using: 'b::text', reverse: 'd::int'}"
ROUNDED = "change_type: {table: q, column: v, to: 'numeric(8,1)', into: w}"
NAME = "rename_column: {table: q, from: n, to: nick}"
SPLIT = (
    "split_column: {table: q, from: n, into: {f: {type: text, using: \"split_part(n, ' ', 1)\"},"
    " l: {type: text, using: \"split_part(n, ' ', 2)\"}}, reverse: \"concat_ws(' ', f, l)\"}"
)
OFF: LiteralString = "ALTER TABLE q DISABLE TRIGGER USER"
ENUM = "remove_enum_values: {type: mood, map: {c: a}}"


def plan_of(change: str) -> Plan:
    return parse_plan(f"crossfade: 1\nname: steps\nhold: 0s\nretain: 7d\nchanges:\n  - {change}\n", "p.yaml")


def bring(database: Database, change: str, to: State) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        engine.start(plan_of(change))
        engine.approve("steps", Phase.CONTRACT, "alice")
        assert engine.advance("steps", to=to).state is to


CASES = [
    pytest.param(TYPE, "b = 4242", "b = 8", id="type"),
    pytest.param(INTO, "d = '4242'", "d = '8'", id="into", marks=pytest.mark.long),
    pytest.param(ROUNDED, "w = 42", "w = 8", id="rounded", marks=pytest.mark.long),
    pytest.param(NAME, "nick = 'Bo'", "nick = 'Bob'", id="name", marks=pytest.mark.long),
    pytest.param(SPLIT, "f = 'Bo'", "f = 'Bob'", id="split"),
    pytest.param(ENUM, "m = 'b'", "m = 'a'", id="enum", marks=pytest.mark.long),
]


def update(database: Database, what: LiteralString, number: int) -> None:
    database.execute(sql.SQL("UPDATE q SET {} WHERE id = {}").format(sql.SQL(what), sql.Literal(number)))


def enable(database: Database) -> None:
    found = database.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = 'q'::regclass AND NOT tgisinternal")
    for (name,) in found:
        database.execute(sql.SQL("ALTER TABLE q ENABLE ALWAYS TRIGGER {}").format(sql.Identifier(name)))


@pytest.mark.long
@pytest.mark.parametrize(("change", "missed", "seen"), CASES)
def test_a_revert_stops_at_what_was_written_while_the_triggers_were_off(
    database: Database, change: str, missed: LiteralString, seen: LiteralString
) -> None:
    bring(database, change, State.RETAINED)
    update(database, seen, 6)
    database.execute(OFF)
    update(database, missed, 7)
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged, match="is disabled"):
            engine.revert("steps")
        enable(database)
        with pytest.raises(VerificationFailed, match=r"1 row in which the hidden .* Keys: id=7"):
            engine.revert("steps")
        assert engine.status("steps").state is State.RETAINED
        update(database, seen, 7)
        update(database, missed, 7)
        assert engine.revert("steps").state is State.BACKFILLED


@pytest.mark.long
def test_a_revert_reads_no_row_while_the_triggers_are_as_they_were_left(database: Database) -> None:
    bring(database, TYPE, State.RETAINED)
    seen: list[Event] = []
    with Engine(database.url, emit=seen.append) as engine:
        assert engine.revert("steps").state is State.BACKFILLED
        assert not [event for event in seen if isinstance(event, Verified)]
        assert engine.contract("steps").state is State.RETAINED
        assert [event for event in seen if isinstance(event, Verified)]
        database.execute(OFF)
        enable(database)
        seen.clear()
        assert engine.revert("steps").state is State.BACKFILLED
        assert [event for event in seen if isinstance(event, Verified)]


FUNCTIONS: LiteralString = """
SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = 'q'::regclass AND NOT t.tgisinternal
"""


@pytest.mark.long
@pytest.mark.alike
def test_a_revert_stops_at_what_was_written_while_a_function_was_another(database: Database) -> None:
    bring(database, TYPE, State.RETAINED)
    functions = database.execute(FUNCTIONS)
    assert functions
    for name, _ in functions:
        database.execute(
            f"CREATE OR REPLACE FUNCTION {name} RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        )
    update(database, "b = 4242", 7)
    for _, definition in functions:
        database.execute(definition)
    with Engine(database.url) as engine:
        with pytest.raises(VerificationFailed, match="Keys: id=7"):
            engine.revert("steps")
        update(database, "b = 8", 7)
        update(database, "b = 4242", 7)
        assert engine.revert("steps").state is State.BACKFILLED


def test_triggers_that_are_off_cannot_be_accepted(database: Database) -> None:
    bring(database, TYPE, State.BACKFILLED)
    database.execute(OFF)
    update(database, "b = 4242", 7)
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged, match="is disabled now"):
            engine.contract("steps")
        with pytest.raises(WrongState, match=r"is disabled.*so this cannot be accepted") as caught:
            engine.accept_changes("steps")
        assert "ENABLE ALWAYS TRIGGER" in str(caught.value.hint)
        enable(database)
        with pytest.raises(VerificationFailed, match="Keys: id=7"):
            engine.contract("steps")


@pytest.mark.long
def test_rows_written_past_the_triggers_between_the_comparison_and_the_hiding_are_compared(database: Database) -> None:
    bring(database, TYPE, State.BACKFILLED)

    def past_the_triggers(event: Event) -> None:
        if isinstance(event, Verified) and not done:
            done.append(event)
            database.execute(OFF)
            update(database, "b = 4242", 7)
            enable(database)

    done: list[Event] = []
    with Engine(database.url, emit=past_the_triggers) as engine:
        with pytest.raises(BaselineChanged, match="was altered, or made anew, since the rows were compared"):
            engine.contract("steps")
        with pytest.raises(VerificationFailed, match="Keys: id=7"):
            engine.contract("steps")
        update(database, "b = 8", 7)
        assert engine.contract("steps").state is State.RETAINED


SPLIT_TABLE = "split_table: {table: q, to_table: extra, columns: [n], key: {id: q_id}}"
PARTS = "partition_table: {table: q, by: list, key: [id], partitions: {q_1: {in: [1]}, q_rest: default}}"


@pytest.mark.parametrize(
    ("change", "table"),
    [pytest.param(SPLIT_TABLE, "extra", id="split"), pytest.param(PARTS, "q", id="parts", marks=pytest.mark.long)],
)
def test_a_revert_stops_where_a_trigger_between_two_tables_was_off(database: Database, change: str, table: str) -> None:
    bring(database, change, State.RETAINED)
    whose = sql.Identifier(table)
    named: LiteralString = (
        "SELECT t.tgname FROM pg_trigger t JOIN pg_description d ON d.objoid = t.oid"
        " WHERE d.description = 'crossfade: run steps' AND t.tgparentid = 0 AND t.tgrelid = to_regclass(%s)"
    )
    with Engine(database.url) as engine:
        triggers = database.execute(named, [table])
        assert triggers
        database.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(whose))
        with pytest.raises((BaselineChanged, WouldDiscard), match="is disabled"):
            engine.revert("steps")
        for (name,) in triggers:
            always = sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(whose, sql.Identifier(name))
            database.execute(always)
        with pytest.raises(BaselineChanged, match=r"since the contract trigger \S+ on \S+ was altered"):
            engine.revert("steps")
        assert engine.status("steps").state is State.RETAINED
        database.execute(sql.SQL("DROP TRIGGER {} ON {}").format(sql.Identifier(name), whose))
        with pytest.raises((BaselineChanged, WouldDiscard), match=r"is gone|was dropped"):
            engine.revert("steps")


@pytest.mark.parametrize(
    "change", [pytest.param(SPLIT_TABLE, id="split"), pytest.param(PARTS, id="parts", marks=pytest.mark.long)]
)
def test_triggers_between_two_tables_that_nobody_touched_let_a_run_turn_back(database: Database, change: str) -> None:
    bring(database, change, State.RETAINED)
    with Engine(database.url) as engine:
        assert engine.revert("steps").state is State.BACKFILLED
