"""A table that somebody else drops or renames under a run: it stops in words, and the run can be ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

from crossfade import Engine
from crossfade.errors import BaselineChanged, StepFailed
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..fixtures.long import few_of

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLE: LiteralString = """
CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL); CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT g, g FROM generate_series(1, 4) g
"""
RENAME = "rename_column: {table: t, from: a, to: b}"
TYPE = "change_type: {table: t, column: a, to: bigint}"


def plan_of(change: str) -> Plan:
    return parse_plan(f"crossfade: 1\nname: gone\nhold: 0s\nretain: 7d\nchanges:\n  - {change}\n", "p.yaml")


def bring(database: Database, change: str, to: State) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        engine.start(plan_of(change))
        engine.approve("gone", Phase.CONTRACT, "alice")
        assert engine.advance("gone", to=to).state is to


def nothing_is_left(database: Database) -> bool:
    with Engine(database.url) as engine:
        return not engine.orphans()


@pytest.mark.alike
@pytest.mark.parametrize("change", few_of([RENAME, TYPE], {RENAME}), ids=["rename", "type"])
@pytest.mark.parametrize("state", [State.EXPANDED, State.BACKFILLED])
def test_a_run_whose_table_was_dropped_can_be_rolled_back(database: Database, change: str, state: State) -> None:
    bring(database, change, state)
    database.execute("DROP TABLE t CASCADE")
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged, match=r"table public\.t was dropped"):
            engine.advance("gone")
        assert engine.rollback("gone").state is State.ROLLED_BACK
    assert nothing_is_left(database)


@pytest.mark.long
@pytest.mark.parametrize("change", [RENAME, TYPE], ids=["rename", "type"])
def test_one_that_is_retained_is_contracted_or_reverted(database: Database, change: str) -> None:
    bring(database, change, State.RETAINED)
    database.execute("DROP TABLE t CASCADE")
    with Engine(database.url) as engine:
        if change is RENAME:
            database.execute("UPDATE crossfade.runs SET retain_until = now()")
            assert engine.advance("gone").state is State.CONTRACTED
        else:
            assert engine.revert("gone").state is State.BACKFILLED
            assert engine.rollback("gone").state is State.ROLLED_BACK
    assert nothing_is_left(database)


MOVES = [
    ("ALTER TABLE t RENAME TO u", "table public.t is public.u now", "ALTER TABLE u RENAME TO t"),
    ("CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s", "table public.t is s.t now", "ALTER TABLE s.t SET SCHEMA public"),
    ("ALTER TABLE t RENAME b TO c", "column b of public.t is c now", "ALTER TABLE t RENAME c TO b"),
]


@pytest.mark.parametrize(("move", "said", "back"), MOVES, ids=["renamed", "moved", "column"])
def test_what_was_renamed_has_to_have_its_name_back(
    database: Database, move: LiteralString, said: str, back: LiteralString
) -> None:
    bring(database, RENAME, State.EXPANDED)
    database.execute(move)
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged, match=r"was renamed to|was moved to"):
            engine.advance("gone")
        with pytest.raises(BaselineChanged) as stopped:
            engine.rollback("gone")
        assert said in stopped.value.message
        assert engine.status("gone").state is State.EXPANDED
        database.execute(back)
        assert engine.rollback("gone").state is State.ROLLED_BACK
    assert nothing_is_left(database)


def test_a_change_of_rows_whose_table_is_gone_is_cancelled(database: Database) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        engine.start(plan_of("update_rows: {table: t, set: {a: '1'}, where: a > 1}"))
        engine.advance("gone", to=State.BACKFILLING)
        database.execute("DROP TABLE t")
        with pytest.raises(StepFailed, match="does not exist"):
            engine.backfill("gone")
        assert engine.cancel("gone").state is State.CANCELLED
