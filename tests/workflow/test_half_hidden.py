"""A runner that dies between two steps of contract, when some names are exchanged and others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.errors import Interrupted, WrongState
from crossfade.gates.verdict import Verdict
from crossfade.observe.events import StepDone
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, a text, e int); INSERT INTO t SELECT g, 'a', g FROM generate_series(1, 20) g"
)
RENAME = """
changes:
  - add_check: {table: t, name: positive, expression: "e > 0"}
  - rename_column: {table: t, from: a, to: b}
"""
TYPE = """
changes:
  - add_check: {table: t, name: positive, expression: "id > 0"}
  - change_type: {table: t, column: e, to: bigint}
"""


@pytest.mark.long
@pytest.mark.parametrize("changes", [RENAME, TYPE], ids=["rename", "type"])
def test_whoever_dies_between_two_steps_that_hide_goes_on_after_them(database: Database, changes: str) -> None:
    database.execute(TABLE)
    plan = parse_plan(f"crossfade: 1\nname: halves\nhold: 0s\n{changes}", "p.yaml")
    with Engine(database.url) as engine:
        engine.advance(plan, to=State.BACKFILLED)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        steps = [s.id for s in engine.explain(plan).program.of(Part.HIDE)]
    assert len(steps) > 2
    for step in steps[:-1]:
        die_after(step, database, plan)
    with Engine(database.url) as engine:
        assert engine.contract(plan).state is State.CONTRACTED


@pytest.mark.long
def test_a_run_that_cannot_be_taken_back_in_one_way_names_the_other(database: Database) -> None:
    database.execute(TABLE)
    plan = parse_plan(f"crossfade: 1\nname: halves\nhold: 0s\n{RENAME}", "p.yaml")
    with Engine(database.url) as engine:
        engine.advance(plan, to=State.BACKFILLED)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        with pytest.raises(WrongState) as early:
            engine.revert(plan.name)
        steps = [s.id for s in engine.explain(plan).program.of(Part.HIDE)]
    assert early.value.hint is not None
    assert "crossfade rollback halves" in early.value.hint
    die_after(steps[0], database, plan)
    with Engine(database.url) as engine:
        assert engine.status(plan.name).state is State.CONTRACTING
        with pytest.raises(WrongState) as late:
            engine.rollback(plan.name)
        assert late.value.hint is not None
        assert "crossfade revert halves" in late.value.hint
        assert engine.revert(plan.name).state is State.BACKFILLED
        assert engine.rollback(plan.name).state is State.ROLLED_BACK


def die_after(step: str, database: Database, plan: Plan) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, StepDone) and event.step == step:
            engine.stop()

    with Engine(database.url, emit=stop) as engine, pytest.raises(Interrupted):
        engine.contract(plan)


GONE = """
apps: {api: {scheme: semver, new: ">=2.0.0"}}
gates: {contract: [table_activity: {table: s, hold: 1h, mode: observe}]}
changes:
  - drop_table: {table: s}
  - rename_index: {from: ti, to: tj}
  - add_check: {table: t, name: positive, expression: "e > 0"}
"""


@pytest.mark.long
def test_names_that_the_run_itself_has_taken_away_keep_no_gate_from_an_answer(database: Database) -> None:
    database.execute(f"{TABLE}; CREATE INDEX ti ON t (e); CREATE TABLE s ()")
    plan = parse_plan(f"crossfade: 1\nname: halves\nhold: 0s\n{GONE}", "p.yaml")
    with Engine(database.url) as engine:
        engine.advance(plan, to=State.BACKFILLED)
        steps = [s.id for s in engine.explain(plan).program.of(Part.HIDE)]
        database.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-a')")
    for step in steps[:-1]:
        die_after(step, database, plan)
    assert database.execute("SELECT to_regclass('s'), to_regclass('ti')") == [(None, None)]
    with Engine(database.url) as engine:
        gates = {gate.kind: gate for gate in engine.gates(plan.name).gates}
        assert gates["strangers"].verdict is Verdict.PASS
        assert gates["strangers"].evidence["tables"] == ["public.t"]
        # Nothing but time is missing.
        assert (gates["table_activity"].verdict, gates["table_activity"].holding) == (Verdict.BLOCKED, True)
        assert engine.contract(plan).state is State.CONTRACTED


def test_a_name_that_somebody_else_has_taken_away_leaves_it_open_who_may_use_the_table(database: Database) -> None:
    database.execute(f"{TABLE}; CREATE INDEX ti ON t (e); CREATE TABLE s ()")
    plan = parse_plan(f"crossfade: 1\nname: halves\nhold: 0s\n{GONE}", "p.yaml")
    with Engine(database.url) as engine:
        engine.advance(plan, to=State.BACKFILLED)
        database.execute("ALTER TABLE s RENAME TO mislaid")
        gates = {gate.kind: gate for gate in engine.gates(plan.name).gates}
    assert gates["strangers"].verdict is Verdict.UNKNOWN
    assert gates["strangers"].reason == "who may use s cannot be told: there is no such table"
    assert gates["table_activity"].verdict is Verdict.ERROR
