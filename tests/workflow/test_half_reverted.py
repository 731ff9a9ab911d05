"""A revert that is refused, or stops half done: nothing is stuck, and both ways are open."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.errors import GateBlocked, LockNotAcquired, RowsInTheWay, WouldDiscard, WrongState
from crossfade.observe.events import StepStarted
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..fixtures.long import few_of

if TYPE_CHECKING:
    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLE: LiteralString = """
CREATE TABLE t (id int PRIMARY KEY, b int NOT NULL, c int);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 4) g
"""
KEY = "change_type: {table: t, column: id, to: bigint}"
DROP = 'drop_column: {table: t, column: b, reverse: "nullif(c, 7)"}'
INTO = "change_type: {table: t, column: b, to: text, into: d, using: 'b::text', reverse: 'nullif(d, $$7$$)::int'}"
TURNED_BACK: LiteralString = "SELECT 1 FROM pg_constraint WHERE conname LIKE 'crossfade_back_%'"


def plan_of(change: str) -> Plan:
    head = "crossfade: 1\nname: halves\nhold: 0s\nretain: 7d\nlocks: {give_up_after: 300ms}\n"
    return parse_plan(f"{head}changes:\n  - {change}\n", "p.yaml")


def retain(database: Database, change: str) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        engine.start(plan_of(change))
        engine.approve("halves", Phase.CONTRACT, "alice")
        assert engine.advance("halves").state is State.RETAINED


@pytest.mark.long
def test_a_revert_that_would_destroy_something_leaves_the_run_retained(database: Database) -> None:
    retain(database, KEY)
    beyond: LiteralString = "INSERT INTO t (id, b, c) VALUES (3000000000, 1, 1)"
    database.execute(beyond)
    with Engine(database.url) as engine:
        with pytest.raises(WouldDiscard, match=r"that integer does not hold \(1 row: id = 3000000000\)"):
            engine.revert("halves")
        assert engine.status("halves").state is State.RETAINED
        database.execute("DELETE FROM t WHERE id > 4")
        assert engine.revert("halves").state is State.BACKFILLED


DROPPED = (DROP, "INSERT INTO t (id, c) VALUES (5, 7), (6, 8)", "UPDATE t SET c = 9 WHERE id = 5")
WRITES = [
    pytest.param(*DROPPED, id="drop", marks=pytest.mark.long),
    pytest.param(INTO, "INSERT INTO t (id, d) VALUES (5, '7'), (6, '8')", "UPDATE t SET d = 9 WHERE id = 5", id="into"),
]


@pytest.mark.long
@pytest.mark.parametrize(("change", "write", "mend"), WRITES)
def test_rows_that_the_old_shape_does_not_take_are_named_and_the_run_stays_retained(
    database: Database, change: str, write: LiteralString, mend: LiteralString
) -> None:
    retain(database, change)
    database.execute(write)
    said = r"NULL in public\.t\.crossfade_\S*, which is the NOT NULL b again then \(1 row: id = 5\)"
    with Engine(database.url) as engine:
        with pytest.raises(RowsInTheWay, match=said):
            engine.revert("halves")
        assert engine.status("halves").state is State.RETAINED
        hidden = database.execute("SELECT attname FROM pg_attribute WHERE attname ~ '^crossfade_(old|hidden)'")
        assert hidden
        if change is DROP:
            # Its trigger fills what is inserted alone.
            column = sql.Identifier(hidden[0][0])
            database.execute(sql.SQL("UPDATE t SET {} = 9 WHERE id = 5").format(column))
        database.execute(mend)
        assert engine.revert("halves").state is State.BACKFILLED
        assert engine.rollback("halves").state is State.ROLLED_BACK
    assert database.execute("SELECT id, b FROM t WHERE id > 4 ORDER BY id") == [(5, 9), (6, 8)]


def revert_half_way(database: Database, write: LiteralString) -> None:
    """A row comes in the moment after it was looked for: the hiding is taken back, and then the revert stops."""

    def write_then(event: Event) -> None:
        if isinstance(event, StepStarted) and event.title.startswith("undo: "):
            database.execute(write)

    said = r"NULL in public\.t\.b, which is NOT NULL again then \(1 row: id = 5\)"
    with Engine(database.url, emit=write_then) as engine:
        with pytest.raises(RowsInTheWay, match=said):
            engine.revert("halves")
        assert engine.status("halves").state is State.REVERTING
        with pytest.raises(WrongState):
            engine.advance("halves")
    assert database.execute(TURNED_BACK)


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize(("change", "write", "mend"), WRITES)
def test_a_revert_that_stops_half_done_goes_on_either_way(
    database: Database, change: str, write: LiteralString, mend: LiteralString
) -> None:
    retain(database, change)
    revert_half_way(database, write)
    with Engine(database.url) as engine:
        # Forwards, and back again from there.
        assert engine.contract("halves").state is State.RETAINED
        assert not database.execute(TURNED_BACK)
        database.execute(mend)
        database.execute("DELETE FROM t WHERE id = 5")
        assert engine.revert("halves").state is State.BACKFILLED
        assert not database.execute(TURNED_BACK)
        engine.rollback("halves")
    assert not_null(database)


def not_null(database: Database) -> bool:
    return bool(database.execute("SELECT 1 FROM pg_attribute WHERE attname = 'b' AND attnotnull"))


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize(("change", "write", "mend"), [DROPPED], ids=["drop"])
def test_nothing_of_a_half_done_revert_is_left_where_contract_is_called_off(
    database: Database, change: str, write: LiteralString, mend: LiteralString
) -> None:
    retain(database, change)
    revert_half_way(database, write)
    with Engine(database.url) as engine:
        engine.withdraw_approval("halves", Phase.CONTRACT, "alice")
        with pytest.raises(GateBlocked):
            engine.contract("halves")
        assert engine.status("halves").state is State.BACKFILLED
        database.execute("UPDATE t SET b = 1 WHERE b IS NULL")
        assert engine.rollback("halves").state is State.ROLLED_BACK
    assert not database.execute(TURNED_BACK)
    assert not_null(database)


@pytest.mark.long
@pytest.mark.parametrize("change", few_of((KEY, INTO), {INTO}), ids=["key", "into"])
def test_a_contract_that_hid_nothing_yet_can_be_reverted(database: Database, change: str) -> None:
    database.execute(TABLE)
    before = database.dump()
    with Engine(database.url) as engine:
        engine.advance(plan_of(change), to=State.BACKFILLED)
        engine.approve("halves", Phase.CONTRACT, "alice")
        with database.connect() as other:
            other.execute("LOCK TABLE t IN ACCESS SHARE MODE")
            engine.close()
            with pytest.raises(LockNotAcquired):
                engine.contract("halves")
        assert engine.status("halves").state is State.CONTRACTING
        assert engine.revert("halves").state is State.BACKFILLED
        assert engine.rollback("halves").state is State.ROLLED_BACK
    assert database.dump() == before


def stopped_by_a_lock(database: Database, table: LiteralString) -> None:
    """Somebody reads the table while the run is taken back, so that only what stands behind it is."""
    with database.connect() as reader, Engine(database.url) as engine:
        reader.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.Identifier(table)))
        with pytest.raises(LockNotAcquired):
            engine.revert("halves")
        assert engine.status("halves").state is State.REVERTING


@pytest.mark.alike
@pytest.mark.parametrize(
    "changes",
    [
        "rename_column: {table: t, from: b, to: bb}\n  - add_check: {table: t, name: k, expression: bb > 0}",
        pytest.param(
            "rename_column: {table: t, from: c, to: cc}\n  - set_not_null: {table: t, column: cc}",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "rename_table: {from: t, to: tt}\n  - add_check: {table: tt, name: k, expression: b > 0}",
            marks=pytest.mark.long,
        ),
    ],
)
def test_the_gates_ask_for_violations_whatever_names_have_changed_hands(database: Database, changes: str) -> None:
    retain(database, changes)
    stopped_by_a_lock(database, "tt" if "tt" in changes else "t")
    with Engine(database.url) as engine:
        assert engine.contract("halves").state is State.RETAINED
        assert engine.revert("halves").state is State.BACKFILLED


@pytest.mark.long
def test_an_index_that_went_with_its_constraint_is_built_anew_after_a_whole_revert(database: Database) -> None:
    database.execute("CREATE TABLE u (id int PRIMARY KEY, x int); INSERT INTO u VALUES (1, 1), (2, 2)")
    retain(
        database,
        "rename_column: {table: t, from: b, to: bb}\n  - add_unique: {table: u, name: k, columns: [x]}",
    )
    stopped_by_a_lock(database, "t")
    with Engine(database.url) as engine:
        with pytest.raises(WrongState, match="would have to come before what the revert has not taken back yet"):
            engine.contract("halves")
        assert engine.revert("halves").state is State.BACKFILLED
        assert engine.contract("halves").state is State.RETAINED
    assert database.execute("SELECT conname::text FROM pg_constraint WHERE conname = 'k'") == [("k",)]


def test_a_default_that_was_given_while_retained_is_not_overwritten(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, b int DEFAULT 1)")
    with Engine(database.url) as engine:
        engine.start(plan_of("drop_default: {table: t, column: b}"))
        engine.approve("halves", Phase.CONTRACT, "alice")
        assert engine.advance("halves").state is State.RETAINED
        database.execute("ALTER TABLE t ALTER b SET DEFAULT 2")
        with pytest.raises(WouldDiscard, match=r"the default that public\.t\.b has been given since"):
            engine.revert("halves")
        database.execute("ALTER TABLE t ALTER b DROP DEFAULT")
        assert engine.revert("halves").state is State.BACKFILLED
