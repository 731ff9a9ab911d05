"""What a worker does for a run, by what the ledger says of it; and that the ledger is read as it is meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.postgres.connect import connect
from crossfade.workflow import ledger
from crossfade.workflow.due import LONGEST_WAIT, Candidate, Rests, Task, candidates, retry_wait, task_for
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from .schedules import NAME, make_table, plan

if TYPE_CHECKING:
    from ..fixtures.database import Database

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
RUN = Candidate(
    id=1,
    name="nightly-20261126t120000z",
    state=State.BACKFILLING,
    paused=None,
    failed_code=None,
    backfill={},
    tuning={},
    now=NOW,
    is_data=True,
    is_held=False,
    is_queued=False,
    has_open_rows=False,
    has_batches=True,
    failures=0,
    failed_at=None,
)
NIGHT = {"window": ["22:00-06:00 UTC"]}
DAY = {"window": ["08:00-18:00 UTC"]}

TASKS: dict[str, tuple[dict[str, Any], Task]] = {
    "a dead runner's": ({}, Task.DRIVE),
    "one that was just fired": ({"state": State.PLANNED}, Task.DRIVE),
    "one that another runner drives": ({"is_held": True}, Task.HELP),
    "in open hours": ({"backfill": DAY}, Task.DRIVE),
    "tuned into open hours": ({"backfill": NIGHT, "tuning": DAY}, Task.DRIVE),
    "after its backfill hours do not matter": ({"state": State.BACKFILLED, "backfill": NIGHT}, Task.DRIVE),
    "one that failed long ago": (
        {"failed_code": "step_failed", "failures": 1, "failed_at": NOW - timedelta(seconds=6)},
        Task.DRIVE,
    ),
    "one whose refused rows are resolved": (
        {"failed_code": "rows_failed", "failures": 1, "failed_at": NOW - timedelta(hours=1)},
        Task.DRIVE,
    ),
    "one whose refused rows a person wants tried again": (
        {"failed_code": "rows_failed", "has_open_rows": True, "failures": 0},
        Task.DRIVE,
    ),
    "one that was cancelled": ({"state": State.ROLLING_BACK, "paused": "why"}, Task.DRIVE),
}
RESTS: dict[str, tuple[dict[str, Any], str]] = {
    "paused": ({"paused": "sale"}, "paused: sale"),
    "driven before its batches": ({"state": State.EXPANDING, "is_held": True}, "another runner"),
    "driven, with no batch left": ({"is_held": True, "has_batches": False}, "another runner"),
    "driven back": ({"state": State.ROLLING_BACK, "is_held": True}, "another runner"),
    "queued": ({"state": State.PLANNED, "is_queued": True}, "an earlier run"),
    "closed": ({"backfill": NIGHT}, "until 2026-11-26 22:00"),
    "closed, and driven": ({"backfill": NIGHT, "is_held": True}, "outside the window"),
    "closed before it began": ({"state": State.PLANNED, "backfill": NIGHT}, "outside the window"),
    "tuned into closed hours": ({"backfill": DAY, "tuning": NIGHT}, "outside the window"),
    "failed just now": (
        {"failed_code": "step_failed", "failures": 3, "failed_at": NOW - timedelta(seconds=10)},
        "2026-11-26 12:00:10",
    ),
    "refused rows": (
        {"failed_code": "rows_failed", "has_open_rows": True, "failures": 1, "failed_at": NOW - timedelta(days=9)},
        "crossfade quarantine list",
    ),
    "reverting": ({"state": State.REVERTING}, "it is reverting"),
}


@pytest.mark.parametrize("case", TASKS)
def test_a_run_that_is_due(case: str) -> None:
    changes, task = TASKS[case]
    assert task_for(replace(RUN, **changes)) is task


@pytest.mark.parametrize("case", RESTS)
def test_a_run_that_is_left_alone_and_why(case: str) -> None:
    changes, words = RESTS[case]
    found = task_for(replace(RUN, **changes))
    assert isinstance(found, Rests)
    assert words in found.reason


def test_a_failed_run_is_tried_again_ever_more_rarely_but_at_least_every_ten_minutes() -> None:
    waits = [retry_wait(n) for n in range(1, 200)]
    assert waits == sorted(waits)
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert max(waits) == LONGEST_WAIT == timedelta(minutes=10)


def test_only_the_backfill_of_a_run_that_nobody_scheduled_is_a_workers_business() -> None:
    assert replace(RUN, is_data=False).goal is State.BACKFILLED
    assert RUN.goal is State.CONTRACTED
    assert replace(RUN, state=State.ROLLING_BACK).goal is State.CANCELLED


def read(database: Database) -> dict[str, Candidate]:
    with connect(database.url) as connection:
        return {c.name: c for c in candidates(connection)}


@pytest.mark.every_server
def test_the_ledger_is_read_as_it_is_meant(database: Database) -> None:
    make_table(database)
    with Engine(database.url) as engine:
        engine.schedules.start(plan(overlap="queue", extra="backfill: {window: 22:00-06:00 UTC}\n"))
        first = engine.schedules.fire(NAME).run
        database.execute("UPDATE crossfade.firings SET fire_time = fire_time - interval '1 minute'")
        database.execute("UPDATE crossfade.runs SET name = 'nightly-before'")
        assert first is not None
        engine.schedules.fire(NAME)
    before, after = read(database).values()
    assert (before.is_queued, after.is_queued) == (False, True)
    assert (before.is_data, before.is_held, before.has_batches) == (True, False, False)
    assert str(before.hours.windows[0]) == "22:00-06:00 UTC"
    with connect(database.url) as connection:
        assert ledger.try_lease(connection, before.id) is not None
        assert read(database)["nightly-before"].is_held
        for _ in range(3):
            ledger.set_failed(connection, before.id, {"code": "step_failed"})
    failed = read(database)["nightly-before"]
    assert (failed.is_held, failed.failures, failed.failed_code) == (False, 3, "step_failed")
    with connect(database.url) as connection:
        ledger.set_paused(connection, before.id, None)
    assert read(database)["nightly-before"].failures == 0
    database.execute("UPDATE crossfade.runs SET state = 'cancelled' WHERE id = %s", [before.id])
    assert [c.is_queued for c in read(database).values()] == [False]
