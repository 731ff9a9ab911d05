"""Every plan in plans/ does what it is copied for, as it stands in the file, on a table that `setup/` has for it.

From its start to `contracted`; from its start to `rolled_back`, from every state that offers it; and every step takes
exactly the locks that `explain` says.
"""

from __future__ import annotations

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
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

PLANS = sorted((Path(__file__).parents[2] / "plans").glob("*.yaml"))
SETUP = Path(__file__).parent / "setup"
NEW = "2.0.0"
"""A version that the roster of every plan takes for a new one."""
OFFERING_ROLLBACK = (State.PLANNED, State.EXPANDED, State.BACKFILLED)

EVERY_PLAN = pytest.mark.parametrize("path", PLANS, ids=lambda p: p.stem)


@pytest.fixture
def prepared(database: Database, path: Path) -> Database:
    """The test's database with the tables of the plan."""
    database.execute((SETUP / f"{path.stem}.sql").read_text(encoding="utf-8"))
    return database


def plan_of(path: Path, retain: timedelta = timedelta(0)) -> Plan:
    """The plan as it stands in the file; only that nobody waits for its gates to hold."""
    return load_plan(path).model_copy(update={"hold": timedelta(0), "retain": retain})


def start(engine: Engine, plan: Plan) -> None:
    """The run is `planned`; whoever the gates of contract ask for has said yes, and new versions are live."""
    engine.start(plan)
    engine.approve(plan.name, Phase.CONTRACT, "alice")
    for app in plan.apps or ():
        engine.heartbeat(app, NEW, "pod-1")


def is_of_data(engine: Engine, plan: Plan) -> bool:
    return bool(engine.explain(plan).program.data)


STAYS = {"add-enum-value": "    'refunded',\n"}
"""What a rollback leaves in the dump, since PostgreSQL cannot take it back."""
LEAVES_THE_SCHEMA = frozenset({"reindex"})
"""Plans of the schema after which it is the same."""


@pytest.mark.every_server
@EVERY_PLAN
def test_it_runs_from_its_start_to_contracted(path: Path, prepared: Database) -> None:
    plan = plan_of(path)
    before = prepared.dump()
    with Engine(prepared.url) as engine:
        start(engine, plan)
        assert engine.advance(plan).state is State.CONTRACTED
        assert_nothing_left(prepared, engine)
        leaves = is_of_data(engine, plan) or path.stem in LEAVES_THE_SCHEMA
        assert (prepared.dump() != before) is not leaves


@pytest.mark.every_server
@EVERY_PLAN
def test_it_can_be_rolled_back_from_every_state_that_offers_it(path: Path, prepared: Database) -> None:
    plan = plan_of(path)
    before = prepared.dump()
    with Engine(prepared.url) as engine:
        for state in OFFERING_ROLLBACK:
            start(engine, plan)
            if is_of_data(engine, plan):
                with pytest.raises(WrongState, match="cannot be taken back"):
                    engine.rollback(plan.name)
                return
            if engine.advance(plan, to=state).state is not state:
                # There was nothing to do there, and so it went on to its end.
                return
            assert engine.rollback(plan.name).state is State.ROLLED_BACK
            assert_nothing_left(prepared, engine)
            assert prepared.dump().replace(STAYS.get(path.stem, ""), "") == before


@pytest.mark.every_server
@EVERY_PLAN
def test_every_step_takes_the_locks_that_are_forecast(
    path: Path, prepared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There and back, and there; without the LOCK TABLE in front, which would take whatever is forecast."""
    monkeypatch.setattr("crossfade.postgres.locks._take", lambda *_: None)
    plan = plan_of(path, retain=timedelta(days=7))
    with Engine(prepared.url) as engine:
        steps = engine.explain(plan).program.steps
    watch = LockWatch(prepared, frozenset(s.id for s in steps if not s.transactional))
    with watching(watch, monkeypatch), Engine(prepared.url, emit=watch.hear) as engine:
        there_and_back_and_there(engine, prepared, plan)
    told = forecast(steps)
    assert any(watch.seen.values()) or not any(told.values()), "no step was seen to lock anything"
    assert {step for step, state in watch.seen if state == "done"} == {s.id for s in steps}
    assert in_words(watch.seen) == in_words({key: told[key] for key in watch.seen})


def there_and_back_and_there(engine: Engine, database: Database, plan: Plan) -> None:
    start(engine, plan)
    if not is_of_data(engine, plan) and engine.advance(plan, to=State.BACKFILLED).state is State.BACKFILLED:
        engine.rollback(plan.name)
        start(engine, plan)
    if engine.advance(plan).state is State.RETAINED:
        engine.revert(plan.name)
        engine.advance(plan)
        database.execute("UPDATE crossfade.runs SET retain_until = clock_timestamp()")
        engine.advance(plan)
