"""kill -9 of the runner at every boundary, and inside the backfill: started again, it comes to the same end.

This is the short form; tests/stress kills at every round trip, and a hundred times inside the backfill.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from crossfade.workflow.engine import Engine
from crossfade.workflow.program import from_json
from crossfade.workflow.states import State

from .mortals import (
    RUN,
    assert_each_row_updated_once,
    assert_nothing_left,
    assert_values_kept,
    dump_of_plain_rename,
    plan,
    prepare,
)
from .victims import Moment, Nursery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.operations.step import Step

    from ..fixtures.database import Database

DEATHS = 4


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


def steps_of(database: Database) -> tuple[Step, ...]:
    [(program,)] = database.execute("SELECT program FROM crossfade.runs WHERE name = %s", [RUN])
    return from_json(program).steps


def test_killed_at_every_boundary_on_the_way_to_contracted(database: Database, nursery: Nursery) -> None:
    prepare(database, 300, plan())
    deaths = nursery.die_at_every_event(database.url, "advance", RUN)
    for step in steps_of(database):
        assert f"step_started {step.id} {step.title}" in deaths
        assert f"step_done {step.id}" in deaths
    assert sum(d.startswith("batch_done") for d in deaths) > 1
    moves = [tuple(d.split()[1:]) for d in deaths if d.startswith("state_changed")]
    assert moves[0][0] == State.PLANNED
    assert moves[-1][1] == State.CONTRACTED
    assert_each_row_updated_once(database)
    assert_values_kept(database, "email_address")
    assert database.dump() == dump_of_plain_rename(database)
    assert_nothing_left(database)


def test_killed_at_every_boundary_of_a_rollback(database: Database, nursery: Nursery) -> None:
    prepare(database, 300, plan())
    before = database.dump()
    with Engine(database.url) as engine:
        engine.advance(RUN, to=State.BACKFILLED)
    deaths = nursery.die_at_every_event(database.url, "rollback", RUN)
    assert any(d.startswith("step_done") for d in deaths)
    assert database.dump() == before
    assert_values_kept(database, "email")
    assert_nothing_left(database)


def test_killed_at_every_boundary_of_a_revert(database: Database, nursery: Nursery) -> None:
    prepare(database, 300, plan(retain="7d"))
    before = database.dump()
    with Engine(database.url) as engine:
        assert engine.advance(RUN).state is State.RETAINED
    # After the last death the run is backfilled, and there is nothing to revert: exit 5.
    deaths = nursery.die_at_every_event(database.url, "revert", RUN, ends=(0, 5))
    assert any(d.startswith("step_done") for d in deaths)
    assert_values_kept(database, "email")
    assert_values_kept(database, "email_address")
    assert_each_row_updated_once(database)
    assert_nothing_left(database)
    with Engine(database.url) as engine:
        assert engine.rollback(RUN).state is State.ROLLED_BACK
    assert database.dump() == before


@pytest.mark.long
def test_killed_again_and_again_inside_the_backfill(database: Database, nursery: Nursery) -> None:
    """Half of the deaths are before a statement is sent, half are before its answer comes: a COMMIT's among them."""
    random = Random(3)
    prepare(database, 200_000, plan())
    with Engine(database.url) as engine:
        engine.advance(RUN, to=State.EXPANDED)
    in_batches = 0
    for number in range(DEATHS):
        # By then most lives have done some batches; how many round trips come before them differs.
        at = random.randint(180, 240)
        moment = Moment(before_round_trip=at) if number % 2 else Moment(after_sending=at)
        life = nursery.life(database.url, "backfill", RUN, moment)
        assert life.killed
        in_batches += any(told.startswith("batch_done") for told in life.events)
    assert in_batches >= DEATHS // 2
    [(state,)] = database.execute("SELECT state FROM crossfade.runs")
    assert state == State.BACKFILLING
    nursery.finish(database.url, "backfill", RUN)
    assert_each_row_updated_once(database)
    nursery.finish(database.url, "advance", RUN)
    assert_values_kept(database, "email_address")
    assert database.dump() == dump_of_plain_rename(database)
    assert_nothing_left(database)
