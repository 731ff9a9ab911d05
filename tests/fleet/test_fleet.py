"""A fleet on real databases: what is begun and what is not, where each stands, and that the same call goes on."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import UsageError
from crossfade.fleet.databases import Database as Place
from crossfade.fleet.fleet import Fleet
from crossfade.fleet.report import Outcome, Report
from crossfade.fleet.rollout import Rollout
from crossfade.fleet.work import carry_out
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow import ledger
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.long import few_of
from ..scenarios.users_table import columns, has_ledger
from ..workflow.schedules import plan_text
from .conftest import RUN, UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crossfade.fleet.report import Standing
    from crossfade.observe.events import Emit, Event
    from crossfade.plan.model import Plan
    from crossfade.workflow.results import Status

    from .servers import Shops

Places = tuple[Place, ...]
HOUR = timedelta(hours=1)
GONE = Place(name="gone", url=UNREACHABLE)


class Watching:
    """Remembers what it is told; `when_baking` is called each time the canaries were looked at."""

    def __init__(self, when_baking: Callable[[], object] = list) -> None:
        self.events: list[tuple[str, str]] = []
        self.order: list[str] = []
        self.bakes: list[timedelta] = []
        self.when_baking = when_baking

    def watching(self, database: Place) -> AbstractContextManager[Emit]:
        def emit(event: Event) -> None:
            self.events.append((database.name, event.kind))

        return nullcontext(emit)

    def ended(self, standing: Standing) -> None:
        self.order.append(f"{standing.name} {standing.outcome}")

    def baking(self, _canaries: Sequence[str], left: timedelta) -> None:
        self.bakes.append(left)
        self.when_baking()


def stopped_when_baking(places: Places, rollout: Rollout) -> Fleet:
    """A fleet that is interrupted once the canaries bake."""
    onlooker = Watching()
    fleet = Fleet(places, rollout, onlooker=onlooker)
    onlooker.when_baking = fleet.stop
    return fleet


def outcomes(report: Report) -> dict[str, str]:
    return {d.name: d.outcome.value for d in report.databases}


def states(report: Report) -> dict[str, str | None]:
    return {d.name: d.state for d in report.databases}


def forbid(shops: Shops, name: str) -> None:
    """Let preflight refuse the plan there."""
    shops[name].execute("CREATE VIEW addresses AS SELECT email FROM users")


@pytest.mark.long
def test_a_plan_goes_through_all_databases_and_again_does_nothing(shops: Shops, places: Places, plan: Plan) -> None:
    onlooker = Watching()
    fleet = Fleet(places, onlooker=onlooker)
    assert states(fleet.check(plan)) == dict.fromkeys(shops, "not started")
    assert not any(has_ledger(shop) for shop in shops.values())
    for move, state in ((fleet.start, "planned"), (fleet.expand, "expanded"), (fleet.backfill, "backfilled")):
        report = move(plan)
        assert (report.exit_code, report.stopped) == (0, None)
        assert states(report) == dict.fromkeys(shops, state)
    assert {name for name, kind in onlooker.events if kind == "batch_done"} == set(shops)
    assert [d["rows_done"] for d in report.as_json()["databases"]] == [200, 200, 200]
    onlooker.events.clear()
    again = fleet.backfill(plan)
    assert states(again) == states(report)
    assert not [kind for _, kind in onlooker.events if kind in ("batch_done", "step_done", "state_changed")]
    assert again.as_json()["summary"] == {
        **dict.fromkeys((o.value for o in Outcome), 0),
        "total": 3,
        "done": 3,
        "states": {"backfilled": 3},
        "rows_done": 600,
        "rows_estimated": 600,
        "stopped": None,
        "exit_code": 0,
    }


@pytest.mark.long
def test_after_a_failure_no_other_is_begun_and_the_same_call_goes_on(shops: Shops, places: Places, plan: Plan) -> None:
    forbid(shops, "b")
    fleet = Fleet(places, Rollout(concurrency=1))
    report = fleet.expand(plan)
    assert outcomes(report) == {"a": "done", "b": "failed", "c": "not_begun"}
    assert (report.exit_code, report.stopped) == (2, "b failed")
    assert states(report) == {"a": "expanded", "b": "not started", "c": None}
    assert not has_ledger(shops["c"])
    refused = report.databases[1].as_json()["error"]
    assert (refused["code"], len(refused["refusals"])) == ("preflight_refused", 1)
    shops["b"].execute("DROP VIEW addresses")
    assert outcomes(fleet.expand(plan)) == dict.fromkeys(shops, "done")
    assert all("email_address" in columns(shop) for shop in shops.values())


@pytest.mark.long
def test_failures_can_be_tolerated(shops: Shops, places: Places, plan: Plan) -> None:
    forbid(shops, "a")
    report = Fleet(places, Rollout(concurrency=1, tolerated=1)).expand(plan)
    assert outcomes(report) == {"a": "failed", "b": "done", "c": "done"}
    assert (report.exit_code, report.stopped) == (2, None)


def test_check_looks_at_all_whatever_one_says(shops: Shops, places: Places, plan: Plan) -> None:
    forbid(shops, "a")
    report = Fleet((*places, GONE), Rollout(concurrency=1)).check(plan)
    assert outcomes(report) == {"a": "failed", "b": "done", "c": "done", "gone": "unreachable"}
    assert report.exit_code == 1


@pytest.mark.long
def test_one_that_cannot_be_reached_is_said_and_holds_up_no_other(places: Places, plan: Plan) -> None:
    report = Fleet((GONE, *places), Rollout(concurrency=1)).expand(plan)
    assert outcomes(report) == {"gone": "unreachable", "a": "done", "b": "done", "c": "done"}
    assert (report.exit_code, report.stopped) == (1, None)
    assert states(report)["gone"] is None
    assert "s3cret" not in str(report.as_json())


@pytest.mark.long
def test_two_calls_at_once_do_not_hinder_the_others(shops: Shops, places: Places, plan: Plan) -> None:
    fleet = Fleet(places)
    fleet.start(plan)
    with shops["b"].connect(autocommit=True) as connection:
        assert ledger.try_lease(connection, ledger.get_run(connection, RUN).id)
        report = fleet.expand(plan)
    assert outcomes(report) == {"a": "done", "b": "busy", "c": "done"}
    assert (report.exit_code, report.stopped) == (5, None)


@pytest.mark.parametrize("canary", ["refused", "gone"])
def test_where_a_canary_is_not_done_no_other_is_begun(shops: Shops, places: Places, plan: Plan, canary: str) -> None:
    others = [shops["a"], shops["b"]]
    if canary == "refused":
        forbid(shops, "c")
        report = Fleet(places, Rollout(canaries=("c",), tolerated=9)).expand(plan)
        assert outcomes(report) == {"a": "not_begun", "b": "not_begun", "c": "failed"}
    else:
        report = Fleet((*places, GONE), Rollout(canaries=("gone",), tolerated=9)).expand(plan)
        assert outcomes(report) == {**dict.fromkeys(shops, "not_begun"), "gone": "unreachable"}
    assert report.stopped is not None
    assert report.stopped.startswith("canary ")
    assert not any(has_ledger(shop) for shop in others)


@pytest.mark.long
def test_canaries_bake_before_the_others_follow(places: Places, plan: Plan) -> None:
    onlooker = Watching()
    rollout = Rollout(canaries=("c",), bake=timedelta(seconds=3))
    report = Fleet(places, rollout, onlooker=onlooker).expand(plan)
    assert report.exit_code == 0
    assert onlooker.order[0] == "c done"
    assert onlooker.bakes
    assert [d.is_canary for d in report.databases] == [False, False, True]


@pytest.mark.long
def test_a_canary_that_was_done_before_has_baked_since(shops: Shops, places: Places, plan: Plan) -> None:
    rollout = Rollout(canaries=("c",), bake=HOUR)
    assert outcomes(stopped_when_baking(places, rollout).expand(plan))["a"] == "not_begun"
    shops["c"].execute("UPDATE crossfade.runs SET state_since = state_since - interval '61 minutes'")
    onlooker = Watching()
    assert outcomes(Fleet(places, rollout, onlooker=onlooker).expand(plan)) == dict.fromkeys(shops, "done")
    assert onlooker.bakes == []


CANARIES = [("pause", 7, "paused: wait"), ("rollback", 5, "rolled_back")]


@pytest.mark.long
@pytest.mark.parametrize(("change", "code", "words"), few_of(CANARIES, CANARIES[:1]))
def test_a_canary_has_to_stay_as_it_was(places: Places, plan: Plan, change: str, code: int, words: str) -> None:
    def meddle() -> None:
        with Engine(places[0].url) as engine:
            if change == "pause":
                engine.pause(RUN, "wait")
            else:
                engine.rollback(RUN)

    report = Fleet(places, Rollout(canaries=("a",), bake=HOUR), onlooker=Watching(meddle)).expand(plan)
    assert [d.outcome is Outcome.NOT_BEGUN for d in report.databases] == [False, True, True]
    assert report.exit_code == code
    error = report.databases[0].error
    assert error is not None
    assert words in error.message


def test_stopped_while_canaries_bake(places: Places, plan: Plan) -> None:
    report = stopped_when_baking(places, Rollout(canaries=("a",), bake=HOUR)).expand(plan)
    assert (report.exit_code, report.stopped) == (130, "interrupted")
    assert outcomes(report) == {"a": "done", "b": "not_begun", "c": "not_begun"}


@pytest.mark.long
def test_time_that_is_over_lets_no_other_be_begun(places: Places, plan: Plan) -> None:
    fleet = Fleet(places)
    fleet.expand(plan)
    report = fleet.backfill(plan, max_duration=timedelta())
    assert outcomes(report) == dict.fromkeys("abc", "not_begun")
    assert report.exit_code == 7


@pytest.mark.long
def test_gates_are_asked_in_each_database_by_itself(shops: Shops, places: Places, plan: Plan) -> None:
    fleet = Fleet(places, Rollout(concurrency=1))
    assert states(fleet.advance(plan, to=State.BACKFILLED)) == dict.fromkeys(shops, "backfilled")
    with pytest.raises(UsageError, match="confirmed was users"):
        fleet.contract(plan, confirm="users")
    with Engine(places[1].url) as engine:
        engine.approve(RUN, Phase.CONTRACT, "ann")
    report = fleet.contract(RUN, confirm=RUN)
    assert outcomes(report) == {"a": "waits", "b": "done", "c": "waits"}
    assert states(report) == {"a": "backfilled", "b": "contracted", "c": "backfilled"}
    assert (report.exit_code, report.stopped) == (3, None)
    with pytest.raises(UsageError, match="goes forward"):
        fleet.advance(RUN, to=State.ROLLED_BACK)


@pytest.mark.long
def test_status_where_only_some_have_begun(shops: Shops, places: Places, plan: Plan) -> None:
    Fleet(places[:1]).expand(plan)
    with Engine(places[1].url) as engine:
        engine.init()
    report = Fleet((*places, GONE)).status(RUN)
    assert states(report) == {"a": "expanded", "b": "not started", "c": "not started", "gone": None}
    assert (report.exit_code, outcomes(report)["gone"]) == (1, "unreachable")
    assert not has_ledger(shops["c"])


def test_a_plan_with_a_schedule_is_registered_everywhere(shops: Shops, places: Places) -> None:
    for shop in shops.values():
        shop.execute("CREATE TABLE t (id int PRIMARY KEY, hits int NOT NULL DEFAULT 0)")
    nightly = parse_plan(plan_text(), "plan.yaml")
    fleet = Fleet(places)
    assert states(fleet.start(nightly)) == dict.fromkeys(shops, "scheduled")
    assert states(fleet.status(nightly.name)) == dict.fromkeys(shops, "scheduled")


def test_a_bug_is_one_databases_failure(places: Places) -> None:
    def work(_engine: Engine, _database: Place) -> Status:
        raise RuntimeError("postgresql://boss:s3cret@h/shop is odd")

    standing = carry_out(places[0], RUN, work, emit=lambda _event: None, held=lambda _engine: nullcontext())
    assert (standing.outcome, standing.exit_code) == (Outcome.FAILED, 1)
    assert standing.error is not None
    assert "RuntimeError" in standing.error.message
    assert "s3cret" not in standing.error.message
