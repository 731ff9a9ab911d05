"""A runner that dies between two steps of contract, when some names are exchanged and others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.errors import Interrupted
from crossfade.observe.events import StepDone
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.observe.events import Event

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

        def stop(event: Event, step: str = step) -> None:
            if isinstance(event, StepDone) and event.step == step:
                engine.stop()

        with Engine(database.url, emit=stop) as engine, pytest.raises(Interrupted):
            engine.contract(plan)
    with Engine(database.url) as engine:
        assert engine.contract(plan).state is State.CONTRACTED
