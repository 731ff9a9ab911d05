"""Types for a phase of a plan are those that the database has once the phase is done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.errors import WrongState
from crossfade.operations.step import Phase
from crossfade.plan.load import load_plan, parse_plan
from crossfade.types.typescript import BigInt, typescript
from crossfade.workflow.states import State

from ..fixtures.long import few_of

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

PLANS = Path(__file__).parents[2] / "plans"
SETUP = PLANS.parent / "tests" / "plans" / "setup"
STATES = {Phase.EXPAND: State.EXPANDED, Phase.BACKFILL: State.BACKFILLED, Phase.CONTRACT: State.CONTRACTED}


def printed(engine: Engine, plan: Plan | None = None, phase: Phase = Phase.CONTRACT) -> str:
    found = engine.types(None, plan, phase)
    assert found.unforeseen == ()
    return typescript(found.model, BigInt.STRING, "crossfade types")


PLANS_OF_TYPES = (
    "create-table",
    "merge-tables",
    "move-table",
    "partition-table",
    "remove-enum-values",
    "rename-column-by-alias",
    "set-identity",
    "split-column",
)
"""Those that leave an app with other types in some phase, each in a way of its own."""


@pytest.mark.long
@pytest.mark.parametrize("name", few_of(PLANS_OF_TYPES, ("remove-enum-values",)))
def test_they_are_those_that_there_are_afterwards(database: Database, name: str) -> None:
    database.execute((SETUP / f"{name}.sql").read_text(encoding="utf-8"))
    plan = load_plan(PLANS / f"{name}.yaml").model_copy(update={"hold": timedelta(0), "retain": timedelta(0)})
    with Engine(database.url) as engine:
        expected = {phase: printed(engine, plan, phase) for phase in Phase}
        engine.start(plan)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        for app in plan.apps or ():
            engine.heartbeat(app, "2.0.0", "pod-1")
        for phase, state in STATES.items():
            engine.advance(plan, to=state)
            assert printed(engine) == expected[phase], phase
            assert printed(engine, plan, Phase.CONTRACT) == expected[Phase.CONTRACT], phase


def test_an_expression_of_a_view_that_is_made_anew_is_told_about(database: Database) -> None:
    database.execute((SETUP / "change-type.sql").read_text(encoding="utf-8"))
    with Engine(database.url) as engine:
        found = engine.types(None, load_plan(PLANS / "change-type.yaml"))
    assert found.unforeseen == (
        "the type of total in public.totals, which is made anew, is taken to be the one that it had",
    )


@pytest.mark.long
def test_a_phase_that_is_over_is_refused(database: Database) -> None:
    database.execute((SETUP / "rename-column.sql").read_text(encoding="utf-8"))
    plan = load_plan(PLANS / "rename-column.yaml").model_copy(update={"hold": timedelta(0), "retain": timedelta(0)})
    with Engine(database.url) as engine:
        engine.start(plan)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        for app in plan.apps or ():
            engine.heartbeat(app, "2.0.0", "pod-1")
        engine.advance(plan, to=State.CONTRACTED)
        with pytest.raises(WrongState, match="is past expand"):
            engine.types(None, plan, Phase.EXPAND)


NOT_VALID = """
crossfade: 1
name: required
changes:
  - sql: {expand: [{run: "ALTER TABLE notes ADD CONSTRAINT needed NOT NULL body NOT VALID", undo: "SELECT 1"}]}
"""


@pytest.mark.long
def test_rows_of_before_a_not_null_that_is_not_valid_may_be_null(database: Database, server: Server) -> None:
    if server.major < 18:
        pytest.skip("PostgreSQL 18 brings NOT NULL that is NOT VALID")
    database.execute(
        "CREATE TABLE notes (id int PRIMARY KEY, body text); CREATE VIEW shown AS SELECT id, body FROM notes"
    )
    with Engine(database.url) as engine:
        foreseen = printed(engine, parse_plan(NOT_VALID, "plan.yaml"), Phase.EXPAND)
        database.execute("ALTER TABLE notes ADD CONSTRAINT needed NOT NULL body NOT VALID")
        assert printed(engine) == foreseen
        assert [line for line in foreseen.splitlines() if "body" in line] == [
            *("  body: string | null;", "  body: string;", "  body?: string;"),
            *("  body: string | null;", "  body: string;", "  body?: string;"),
        ]
        database.execute("ALTER TABLE notes VALIDATE CONSTRAINT needed")
        assert "body: string | null" not in printed(engine)
