"""Every plan in plans/ does what it is copied for, as it stands in the file, on a table that `setup/` has for it.

From its start to `rolled_back`, where all is made that contract would keep; from its start to `contracted`; and every
step takes exactly the locks that `explain` says. With CROSSFADE_LONG=1 it is rolled back from every state that has
something to roll back, and reverted on its way to the end; with CROSSFADE_EVERY_SERVER=1 on every server.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.errors import WrongState
from crossfade.operations.step import Phase
from crossfade.plan.load import load_plan
from crossfade.workflow.states import State

from ..operations.life.leftovers import assert_nothing_left
from .lock_watch import LockWatch, forecast, in_words, watching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

PLANS = sorted((Path(__file__).parents[2] / "plans").glob("*.yaml"))
SETUP = Path(__file__).parent / "setup"
NEW = "2.0.0"
"""A version that the roster of every plan takes for a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where a run is rolled back from before it goes to its end, and for how long that can be reverted."""

    rolled_back_from: tuple[State, ...]
    retain: timedelta = timedelta(0)


SHORT = Way(rolled_back_from=(State.BACKFILLED,))
"""By then everything is made that any rollback undoes."""
EVERY_TURN = Way(rolled_back_from=(State.EXPANDED, State.BACKFILLED), retain=timedelta(days=7))
REBUILT = frozenset({"change-type-of-a-key", "merge-columns"})
"""Plans that build indexes anew where a revert has taken them: their steps have nothing to do, nor to lock, before."""
WAYS = [
    *(pytest.param(path, SHORT, id=path.stem) for path in PLANS if path.stem not in REBUILT),
    *(
        pytest.param(
            path, EVERY_TURN, id=f"{path.stem}, every turn", marks=() if path.stem in REBUILT else pytest.mark.long
        )
        for path in PLANS
    ),
]


@pytest.fixture
def prepared(database: Database, path: Path) -> Database:
    """The test's database with the tables of the plan."""
    database.execute((SETUP / f"{path.stem}.sql").read_text(encoding="utf-8"))
    return database


def plan_of(path: Path, retain: timedelta) -> Plan:
    """The plan as it stands in the file; only that nobody waits for its gates to hold."""
    return load_plan(path).model_copy(update={"hold": timedelta(0), "retain": retain})


def start(engine: Engine, plan: Plan) -> None:
    """The run is `planned`; whoever the gates of contract ask for has said yes, and new versions are live."""
    engine.start(plan)
    engine.approve(plan.name, Phase.CONTRACT, "alice")
    for app in plan.apps or ():
        engine.heartbeat(app, NEW, "pod-1")


STAYS = {"add-enum-value": "    'refunded',\n"}
"""What a rollback leaves in the dump, since PostgreSQL cannot take it back."""
LEAVES_THE_SCHEMA = frozenset({"reindex"})
"""Plans of the schema after which it is the same."""


@pytest.mark.alike
@pytest.mark.parametrize(("path", "way"), WAYS)
def test_it_goes_there_and_back_and_to_its_end_under_the_locks_that_are_forecast(
    path: Path, way: Way, prepared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the LOCK TABLE in front of each step, which would take whatever is forecast."""
    monkeypatch.setattr("crossfade.postgres.locks._take", lambda *_: None)
    plan = plan_of(path, way.retain)
    before = prepared.dump()
    with Engine(prepared.url) as engine:
        program = engine.explain(plan).program
    watch = LockWatch(prepared, frozenset(s.id for s in program.steps if not s.transactional))
    with watching(watch, monkeypatch), Engine(prepared.url, emit=watch.hear) as engine:
        if program.data:
            start(engine, plan)
            with pytest.raises(WrongState, match="cannot be taken back"):
                engine.rollback(plan.name)
        else:
            for _ in rolled_back(engine, plan, way):
                assert_nothing_left(prepared, engine)
                assert prepared.dump().replace(STAYS.get(path.stem, ""), "") == before
        go_to_the_end(engine, prepared, plan)
        assert_nothing_left(prepared, engine)
    assert (prepared.dump() == before) is (bool(program.data) or path.stem in LEAVES_THE_SCHEMA)
    told = forecast(program.steps)
    assert any(watch.seen.values()) or not any(told.values()), "no step was seen to lock anything"
    assert {step for step, state in watch.seen if state == "done"} == {s.id for s in program.steps}
    assert in_words(watch.seen) == in_words({key: told[key] for key in watch.seen})


def rolled_back(engine: Engine, plan: Plan, way: Way) -> Iterator[State]:
    """Every state that it is to be rolled back from, once that is done; then it is started anew, or at its end."""
    for state in way.rolled_back_from:
        start(engine, plan)
        if engine.advance(plan, to=state).state is not state:
            # There was nothing to do there, and so it went on to its end.
            return
        assert engine.rollback(plan.name).state is State.ROLLED_BACK
        yield state
    start(engine, plan)


def go_to_the_end(engine: Engine, database: Database, plan: Plan) -> None:
    """To `contracted`, with a revert on the way where the plan offers one."""
    if engine.status(plan.name).state is not State.CONTRACTED and engine.advance(plan).state is State.RETAINED:
        engine.revert(plan.name)
        engine.advance(plan)
        database.execute("UPDATE crossfade.runs SET retain_until = clock_timestamp()")
        engine.advance(plan)
    assert engine.status(plan.name).state is State.CONTRACTED
