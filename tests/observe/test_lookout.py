"""The lookout reads figures while events say that a run is in its backfill."""

from __future__ import annotations

import queue
from dataclasses import replace

from crossfade.observe.events import BatchDone, Event, StateChanged, StepStarted, Throttled, WorkEnded
from crossfade.observe.figures import RunProgress
from crossfade.observe.lookout import MOST_RUNS, Lookout

from .figures import run_progress

RUN = "users-email"
SECONDS = 30.0
FIGURES = run_progress()


def batch(run: str = RUN) -> BatchDone:
    return BatchDone(
        run=run, change="1", relation="t", rows=1, duration_ms=1.0, rows_done=1, rows_estimated=2, batch_rows=1
    )


def moved(target: str, run: str = RUN) -> StateChanged:
    return StateChanged(run=run, source="before", target=target)


class Ledger:
    """Figures for whoever asks; each answer is known to the test once it was given and taken in."""

    def __init__(self, answer: RunProgress | None = FIGURES) -> None:
        self.answer = answer
        self.asked: queue.Queue[str] = queue.Queue()

    def __call__(self, run: str) -> RunProgress | None:
        self.asked.put(run)
        return self.answer

    def wait(self, times: int) -> list[str]:
        return [self.asked.get(timeout=SECONDS) for _ in range(times)]


def test_nothing_is_read_before_a_backfill() -> None:
    ledger = Ledger()
    with Lookout(ledger, seconds=0.001) as lookout:
        for event in (moved("expanding"), StepStarted(run=RUN, step="s", title="t", phase="expand", attempt=1)):
            lookout.emit(event)
        assert lookout.latest(RUN) is None
        assert RUN not in lookout
    assert ledger.asked.empty()


def test_any_sign_of_a_backfill_begins_the_looking() -> None:
    signs: list[Event] = [moved("backfilling"), batch(), Throttled(run=RUN, reason="the brake is on")]
    for sign in signs:
        ledger = Ledger()
        with Lookout(ledger, seconds=0.001) as lookout:
            lookout.emit(sign)
            assert ledger.wait(2) == [RUN, RUN]
            assert lookout.latest(RUN) == FIGURES
            assert lookout.elapsed_seconds(RUN) > 0


def test_a_look_that_fails_leaves_the_figures_before_it() -> None:
    ledger = Ledger()
    with Lookout(ledger, seconds=0.001) as lookout:
        lookout.emit(batch())
        ledger.wait(2)
        ledger.answer = None
        ledger.wait(3)
        assert lookout.latest(RUN) == FIGURES


def test_after_the_backfill_there_is_one_more_look_and_no_other() -> None:
    ledger = Ledger()
    with Lookout(ledger, seconds=0.001) as lookout:
        lookout.emit(batch())
        ledger.wait(2)
        ledger.answer = replace(FIGURES, fraction=1.0)
        lookout.emit(moved("backfilled"))
        assert lookout.latest(RUN) is None
        lookout.emit(batch("another"))
        while "another" not in ledger.wait(1):
            pass
        assert set(ledger.wait(5)) == {"another"}
        assert lookout.all_latest()[RUN].fraction == 1.0


def test_several_runs_are_followed_and_old_ones_are_forgotten() -> None:
    ledger = Ledger()
    with Lookout(ledger, seconds=0.001) as lookout:
        for number in range(3 * MOST_RUNS):
            lookout.emit(batch(f"run-{number}"))
            lookout.emit(moved("backfilled", f"run-{number}"))
        lookout.emit(batch())
        while RUN not in ledger.wait(1):
            pass
        ledger.wait(1)
        assert lookout.latest(RUN) == FIGURES
        assert len(lookout.all_latest()) <= MOST_RUNS + 1
        assert "run-0" not in lookout
        assert f"run-{3 * MOST_RUNS - 1}" in lookout


def test_a_worker_that_leaves_a_run_looks_at_it_no_more() -> None:
    ledger = Ledger()
    with Lookout(ledger, seconds=0.001) as lookout:
        lookout.emit(batch())
        ledger.wait(2)
        lookout.emit(WorkEnded(run=RUN, task="help", outcome="done", batches=1, reason=None))
        assert lookout.latest(RUN) is None
        lookout.emit(batch("another"))
        looks = ledger.wait(20)
    assert looks[-5:] == ["another"] * 5
