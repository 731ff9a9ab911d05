"""Progress and log records, from events alone."""

from __future__ import annotations

import io
import json
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from crossfade.observe.event_log import log_listener
from crossfade.observe.events import (
    BatchDone,
    Blocker,
    Fired,
    GatesEvaluated,
    LockWaited,
    StateChanged,
    StepDone,
    StepStarted,
    Verified,
    WorkEnded,
)
from crossfade.observe.logging import LogFormat, LogLevel, configure_logging
from crossfade.observe.lookout import Lookout
from crossfade.observe.progress import LiveProgress, LoggedProgress, still
from crossfade.observe.situation import Situation, span
from crossfade.observe.status_line import status_line

from ..observe.figures import run_progress, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeAlias

    Records: TypeAlias = Callable[[], list[dict[str, Any]]]

RUN = "users-email"
SECONDS = 30.0
BLOCKER = Blocker(
    pid=42,
    application_name="report",
    user="ana",
    state="idle in transaction",
    transaction_seconds=75.0,
    relation="public.users",
    mode="ACCESS SHARE",
)
STEP = StepStarted(run=RUN, step="expand/add", title="add users.email_address", phase="expand", attempt=1)
WAITED = LockWaited(run=RUN, step="expand/add", attempt=3, waited_seconds=1.5, blockers=(BLOCKER,))
STEP_DONE = StepDone(run=RUN, step="expand/add", phase="expand", lock_wait_ms=1500.0, duration_ms=12.0)
BLOCKED = GatesEvaluated(run=RUN, phase="contract", verdict="BLOCKED", reason="api 1.4.0 on pod-a is live")


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def batch(done: int, *, rows: int = 100, estimated: int | None = 1000) -> BatchDone:
    return BatchDone(
        run=RUN,
        change="1",
        relation="public.users",
        rows=rows,
        duration_ms=100.0,
        rows_done=done,
        rows_estimated=estimated,
        batch_rows=100,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(capsys: pytest.CaptureFixture[str]) -> Iterator[Records]:
    """Reads the JSON records that were logged since."""
    configure_logging(LogFormat.JSON, LogLevel.DEBUG)
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    configure_logging()


def test_the_relation_in_work_is_that_of_the_last_batch(clock: Clock) -> None:
    situation = Situation(clock=clock)
    situation.apply(batch(100))
    assert situation.relation == "public.users"
    situation.apply(Verified(run=RUN, change="1", relation="public.users", mismatches=0, duration_ms=3.0))
    assert situation.relation is None


def test_a_finished_step_is_no_longer_in_hand(clock: Clock) -> None:
    situation = Situation(clock=clock)
    for event in (STEP, WAITED):
        situation.apply(event)
    blockers = situation.blockers
    assert blockers == (BLOCKER,)
    situation.apply(STEP_DONE)
    assert (situation.step, situation.blockers) == (None, ())


def test_what_is_said_in_between_names_step_blockers_and_gates(clock: Clock) -> None:
    situation = Situation(clock=clock)
    assert still(situation) is None
    situation.apply(STEP)
    clock.now += 7
    situation.apply(WAITED)
    facts = still(situation)
    assert facts is not None
    assert (facts["step"], facts["seconds"]) == ("expand/add", 7)
    assert "pid 42, report, user ana" in facts["blockers"][0]
    situation.apply(StateChanged(run=RUN, source="backfilling", target="backfilled"))
    situation.apply(BLOCKED)
    assert still(situation) == {
        "run": RUN,
        "state": "backfilled",
        "phase": "contract",
        "waits_for": "api 1.4.0 on pod-a is live",
    }


def test_records_carry_run_phase_and_step(records: Records) -> None:
    listen = log_listener()
    for event in (STEP, WAITED, STEP_DONE, BLOCKED):
        listen(event)
    step_started, waited, done, gates = records()
    assert all(r["run"] == RUN for r in (step_started, waited, done, gates))
    assert (waited["event"], waited["phase"], waited["step"]) == ("lock_waited", "expand", "expand/add")
    assert "pid 42" in waited["blockers"][0]
    assert (done["level"], done["lock_wait_ms"]) == ("info", 1500.0)
    assert (gates["phase"], gates["verdict"]) == ("contract", "BLOCKED")
    assert "step" not in gates


def test_runs_beside_each_other_keep_their_own_place(records: Records) -> None:
    listen = log_listener()
    other = replace(BLOCKED, run="another")
    for event in (STEP, other, WAITED):
        listen(event)
    _, gates, waited = records()
    assert (gates["run"], "step" in gates) == ("another", False)
    assert (waited["run"], waited["step"]) == (RUN, "expand/add")


def test_a_worker_that_has_left_a_run_says_nothing_of_it_any_more(clock: Clock) -> None:
    situation = Situation(clock=clock)
    situation.apply(STEP)
    situation.apply(Fired(run="another", schedule="nightly", fire_time="", outcome="queued", reason=None))
    assert (still(situation) or {})["run"] == RUN
    situation.apply(WorkEnded(run=RUN, task="drive", outcome="done", batches=1, reason=None))
    assert still(situation) is None


def test_a_wait_that_goes_on_is_a_warning_every_ten_seconds(records: Records, clock: Clock) -> None:
    listen = log_listener(clock)
    for _ in range(21):
        listen(WAITED)
        clock.now += 1
    assert [r["level"] for r in records()].count("warning") == 3


def until_said(records: Records, event: str) -> dict[str, Any]:
    """The first record of that name."""
    until = time.monotonic() + SECONDS
    while True:
        for record in records():
            if record["event"] == event:
                return record
        assert time.monotonic() < until, "nothing was said"
        time.sleep(0.005)


def test_without_a_terminal_there_is_a_line_now_and_then(records: Records) -> None:
    with Lookout() as lookout, LoggedProgress(lookout, seconds=0.01) as progress:
        progress.emit(STEP)
        line = until_said(records, "still_working")
    assert (line["step"], line["run"]) == ("expand/add", RUN)


def test_the_log_has_the_figures_by_the_names_of_the_status(records: Records) -> None:
    figures = run_progress()
    with Lookout(lambda _run: figures) as lookout, LoggedProgress(lookout) as progress:
        lookout.emit(batch(300))
        progress.emit(batch(300))
        line = until_said(records, "backfill_progress")
    known = {name: value for name, value in figures.as_json().items() if value is not None}
    assert known.items() <= line.items()
    assert line["run"] == RUN


def test_people_read_the_figures_as_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    figures = run_progress()
    with Lookout(lambda _run: figures) as lookout, LoggedProgress(lookout) as progress:
        lookout.emit(batch(300))
        progress.emit(batch(300))
        said, until = "", time.monotonic() + SECONDS
        while "Rows:" not in said:
            assert time.monotonic() < until, "nothing was said"
            time.sleep(0.005)
            said += capsys.readouterr().err
    line = next(line for line in said.splitlines() if "Rows:" in line)
    assert f"{status_line(figures)} run={RUN}" in re.sub(r" +run=", " run=", line)
    assert "rows_done" not in line


def test_a_terminal_shows_what_is_in_hand_and_keeps_what_is_done() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=160, markup=False, highlight=False, color_system=None)
    figures = run_progress()
    with Lookout(lambda _run: figures) as lookout, LiveProgress(console, lookout) as progress:
        progress.emit(StateChanged(run=RUN, source="planned", target="expanding"))
        progress.emit(STEP)
        progress.emit(WAITED)
        progress.emit(STEP_DONE)
        lookout.emit(batch(500))
        until(lambda: lookout.latest(RUN) is not None)
        progress.emit(batch(500))
        progress.emit(BLOCKED)
        with progress.suspended():
            console.print("a question")
        progress.emit(Verified(run=RUN, change="1", relation="public.users", mismatches=0, duration_ms=3.0))
    text = shown.getvalue()
    for words in (
        "users-email: planned → expanding",
        "pid 42, report, user ana",
        "✓ add users.email_address (12 ms, waited 1500 ms for its locks)",
        "Rows: 12,345/30,000 41.2%; Batch: 987 @ 38 ms (50 ms)",
        "gates of contract: BLOCKED",
        "a question",
        "compared every row of public.users: 0 differ",
    ):
        assert words in text


def test_without_figures_a_terminal_says_what_is_filled() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80, markup=False, highlight=False, color_system=None)
    with Lookout() as lookout, LiveProgress(console, lookout) as progress:
        progress.emit(batch(500))
        progress.emit(BLOCKED)
    assert "… fills public.users" in shown.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "?"), (7.4, "7s"), (59.7, "1m00s"), (125, "2m05s"), (6000, "1h40m"), (273_600, "3d04h")],
)
def test_a_span_is_short(seconds: float | None, text: str) -> None:
    assert span(seconds) == text
