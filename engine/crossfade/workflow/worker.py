"""A worker: fires schedules and moves runs on, as many hosts as one likes against one ledger.

One thread looks at the ledger again and again, by the database's clock: it fires what is due, and gives each run that
has something to do a thread of its own. Nothing is agreed between workers; the ledger's leases and locks hand out all
work. A server that is away is waited for, half an hour at most.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg

from crossfade.backfill.retry import OUTAGE_SECONDS, passing
from crossfade.errors import DatabaseUnreachable
from crossfade.observe.events import Emit, Event, WorkBegun, WorkEnded
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.workflow import firing, ledger, schedules
from crossfade.workflow.due import Candidate, Rests, Task, candidates, task_for
from crossfade.workflow.firing import Firing
from crossfade.workflow.tasks import Ending, Ways, perform
from crossfade.workflow.work_report import Piece, Report

Connection = psycopg.Connection[Any]
_LONGEST_PAUSE = 30.0
_FIRE_AGAIN_SECONDS = 15.0
_SLICE_SECONDS = 0.1
_MOST_KEPT = 1000
"""Of firings and of pieces of work, for the report."""


@dataclass(slots=True)
class _Rest:
    """A run that is left alone for a while, or until somebody moves it."""

    until: float
    seen: tuple[object, ...]


@dataclass(slots=True)
class _Memory:
    """What this worker remembers of its runs; only its main thread writes it."""

    in_hand: dict[int, threading.Thread] = field(default_factory=dict)
    rests: dict[int, _Rest] = field(default_factory=dict)
    ended: deque[tuple[Candidate, Task, Ending]] = field(default_factory=deque)
    """Filled by the threads."""
    fired: deque[Firing] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    work: deque[Piece] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    waiting: dict[str, str] = field(default_factory=dict)
    fires_again: dict[int, float] = field(default_factory=dict)
    """When a schedule is looked at again that could not be fired."""


class Worker:
    """One process's share of the work. Not to be used twice."""

    def __init__(
        self,
        *,
        connect: Callable[[], Connection],
        emit: Emit,
        asked_to_stop: Callable[[], str | None],
        fixed: Fixed = NOTHING_FIXED,
        concurrency: int = 4,
        max_duration: timedelta | None = None,
        poll: timedelta = timedelta(seconds=1),
    ) -> None:
        """`concurrency` runs are in hand at a time; the ledger is looked at every `poll`.

        A run that changes anything of `fixed` does not begin.
        """
        self._connect = connect
        self._listen = emit
        self._asked_to_stop = asked_to_stop
        self._concurrency = concurrency
        self._poll = poll / timedelta(seconds=1)
        self._stop_at = None if max_duration is None else time.monotonic() + max_duration / timedelta(seconds=1)
        self._speaking = threading.Lock()
        self._changed = threading.Event()
        self._reader: Connection | None = None
        self._reached_at: float | None = None
        self._outages = 0
        self._has_failed = False
        self._left_work = False
        self._memory = _Memory()
        self._ways = Ways(connect=connect, emit=self._emit, asked_to_stop=self._reason_to_stop, fixed=fixed)

    def once(self) -> Report:
        """Do all that is due now, and what becomes due by that. Raises DatabaseUnreachable."""
        with self._ending():
            while self._reason_to_stop() is None and (self._turn() or self._memory.in_hand):
                self._pause(self._poll)
        return self._report()

    def run(self) -> Report:
        """Work until stopped. Raises DatabaseUnreachable after half an hour without a server."""
        with self._ending():
            while self._reason_to_stop() is None:
                self._turn()
                self._pause(self._poll)
        return self._report()

    # One look at the ledger

    def _turn(self) -> bool:
        """Fire and hand out what is due; whether there was anything, or it cannot be known."""
        try:
            connection = self._reached()
            fired = self._fire(connection)
            self._gather()
            taken = self._hand_out(candidates(connection))
        except (psycopg.Error, DatabaseUnreachable) as error:
            self._endure(error)
            return True
        self._reached_at, self._outages = time.monotonic(), 0
        return fired or taken

    def _reached(self) -> Connection:
        if self._reader is None or self._reader.closed:
            self._reader = self._connect()
            ledger.require(self._reader)
        return self._reader

    def _endure(self, error: psycopg.Error | DatabaseUnreachable) -> None:
        """Wait for a server that was reached before. Raises the error otherwise, and after half an hour."""
        self._close()
        if passing(error) is None or self._reached_at is None:
            raise error
        if time.monotonic() - self._reached_at >= OUTAGE_SECONDS:
            raise DatabaseUnreachable(
                f"the database could not be reached for {OUTAGE_SECONDS / 60:.0f} minutes: {str(error).strip()}",
                hint="Start the worker again when the server is back; runs go on where they were.",
            ) from None
        self._outages += 1
        self._pause(min(_LONGEST_PAUSE, 0.2 * 2 ** min(self._outages, 10)))

    def _fire(self, connection: Connection) -> bool:
        fired: list[Firing] = []
        for schedule in schedules.living(connection):
            if time.monotonic() < self._memory.fires_again.get(schedule.id, 0.0):
                continue
            try:
                if firing.is_due(schedule):
                    fired += firing.fire_due(connection, schedule.id)
            except Exception as error:
                if connection.closed:
                    raise
                # One schedule's trouble is not the others'.
                self._memory.fires_again[schedule.id] = time.monotonic() + _FIRE_AGAIN_SECONDS
                self._emit(firing.failed(schedule, error))
        self._memory.fired.extend(fired)
        for one in fired:
            self._emit(one.as_event())
        return bool(fired)

    def _hand_out(self, found: tuple[Candidate, ...]) -> bool:
        """Give each run that is due a thread, as long as there is room; those that nobody drives come first."""
        memory = self._memory
        memory.waiting.clear()
        due: list[tuple[Task, Candidate]] = []
        for run in found:
            if run.id in memory.in_hand:
                continue
            task = self._rested(run) or task_for(run)
            if isinstance(task, Rests):
                memory.waiting[run.name] = task.reason
            else:
                due.append((task, run))
        due.sort(key=lambda each: each[0] is Task.HELP)
        room = max(0, self._concurrency - len(memory.in_hand))
        for task, run in due[:room]:
            self._begin(run, task)
        memory.waiting.update((run.name, "this worker has its hands full") for _, run in due[room:])
        self._forget({run.id for run in found})
        return bool(due)

    def _rested(self, run: Candidate) -> Rests | None:
        rest = self._memory.rests.get(run.id)
        if rest is None or rest.seen != _seen(run):
            return None
        left = rest.until - time.monotonic()
        return Rests(f"this worker left it just now, and looks again in {left:.0f} s") if left > 0 else None

    def _forget(self, alive: set[int]) -> None:
        for gone in self._memory.rests.keys() - alive:
            del self._memory.rests[gone]

    # A run in hand

    def _begin(self, run: Candidate, task: Task) -> None:
        self._emit(WorkBegun(run=run.name, task=task.value))
        thread = threading.Thread(target=self._work, args=[run, task], name=f"crossfade-{run.name}", daemon=True)
        self._memory.in_hand[run.id] = thread
        thread.start()

    def _work(self, run: Candidate, task: Task) -> None:
        self._memory.ended.append((run, task, perform(self._ways, run, task)))
        self._changed.set()

    def _gather(self) -> None:
        """Take note of what the threads have ended."""
        memory = self._memory
        while memory.ended:
            run, task, ending = memory.ended.popleft()
            memory.in_hand.pop(run.id).join()
            memory.work.append(Piece(run=run.name, task=task, ending=ending))
            if ending.rest:
                memory.rests[run.id] = _Rest(time.monotonic() + ending.rest, _seen(run))
            self._emit(
                WorkEnded(
                    run=run.name,
                    task=task.value,
                    outcome=ending.outcome,
                    batches=ending.batches,
                    reason=ending.reason,
                )
            )

    # Stopping

    def _reason_to_stop(self) -> str | None:
        asked = self._asked_to_stop()
        if asked is None and self._has_failed:
            return "the worker has failed"
        if asked is None and self._stop_at is not None and time.monotonic() >= self._stop_at:
            return "--max-duration is reached"
        return asked

    def _pause(self, seconds: float) -> None:
        """Wait, no longer than until a piece of work has ended or it is time to stop."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._reason_to_stop() is None:
            if self._changed.wait(min(left, _SLICE_SECONDS)):
                self._changed.clear()
                return

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Afterwards nothing is in hand any more."""
        try:
            yield
            self._finish()
        except Exception:
            self._has_failed = True
            self._finish()
            raise
        finally:
            self._close()

    def _finish(self) -> None:
        """Wait for what is in hand. A KeyboardInterrupt leaves it, and the server takes it back."""
        for thread in tuple(self._memory.in_hand.values()):
            while thread.is_alive():
                thread.join(_SLICE_SECONDS)
        self._left_work = any(ending.outcome == "stopped" for _, _, ending in self._memory.ended)
        self._gather()

    def _report(self) -> Report:
        memory = self._memory
        return Report(
            fired=tuple(memory.fired),
            work=tuple(memory.work),
            waiting=tuple(memory.waiting.items()),
            stopped=self._reason_to_stop(),
            left_work=self._left_work,
        )

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _emit(self, event: Event) -> None:
        """Tell the listener, one thread at a time."""
        with self._speaking:
            self._listen(event)


def _seen(run: Candidate) -> tuple[object, ...]:
    """What changes when somebody moves a run; then it is looked at again at once."""
    return (run.state, run.paused, run.is_held, run.failures)
