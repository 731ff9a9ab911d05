"""Slices of work for a queue: what is due in a database, and doing some of it for less than a minute.

A queue only wakes: what is to be done, and by whom, is in the ledger and by the database's clock. A slice that is lost
is found to be due again; one that is there twice finds its slot taken, and whoever does a batch holds its row's lock.
So a queue may do anything to its jobs, and rows are still written exactly once.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg

from crossfade.fleet.databases import Database
from crossfade.observe.events import Emit, Event, Throttled
from crossfade.postgres.connect import connect
from crossfade.workflow import firing, schedules
from crossfade.workflow.due import Candidate, Rests, candidates, task_for
from crossfade.workflow.ledger import installed_version
from crossfade.workflow.schedules import ScheduleRow
from crossfade.workflow.tasks import Ways, perform

Connection = psycopg.Connection[Any]
SLICE_SECONDS = 45.0
"""How long a slice works; less than the minute after which it is looked for again."""
_THROTTLED_SECONDS = 15.0
"""A slice that was throttled for so long gives its place in the queue to others."""
_SHORTEST_REST, _LONGEST_REST = 0.2, 5.0
_SLOT_LOCK = 0x43524651
"""Class of the advisory lock of a slice's slot: "CRFQ"."""
_logger = logging.getLogger(__name__)
_TIME_IS_OVER = "the slice's time is over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A share of a run's work, for one job of a queue."""

    database: str
    run: str
    slot: int
    """From 0; slices of the same run and slot never work at the same time."""

    @property
    def queueing_lock(self) -> str:
        """What is in a queue no more than once."""
        return f"crossfade:{self.database}:{self.run}:{self.slot}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceEnd:
    """How a slice ended."""

    batches: int
    reason: str
    goes_on: bool = False
    """There was more to do when its time was over."""
    has_failed: bool = False

    def __str__(self) -> str:
        return f"{self.batches} batches; {self.reason}"


def due_slices(database: Database, slots: int) -> tuple[Slice, ...]:
    """Fire the schedules that are due, and give what there is to do, as so many slices for each run.

    Raises the error family and psycopg's errors.
    """
    with connect(database.url) as connection:
        if installed_version(connection) == 0:
            return ()
        for schedule in schedules.living(connection):
            _fire(connection, schedule)
        due = [run.name for run in candidates(connection) if not isinstance(task_for(run), Rests)]
    return tuple(Slice(database=database.name, run=name, slot=slot) for name in due for slot in range(slots))


def _fire(connection: Connection, schedule: ScheduleRow) -> None:
    try:
        if firing.is_due(schedule):
            firing.fire_due(connection, schedule.id)
    except Exception:
        if connection.closed:
            raise
        # One schedule's trouble is not the others'; the next tick tries again.
        _logger.warning("schedule %s could not be fired", schedule.name, exc_info=True)


def work_slice(
    database: Database, wanted: Slice, *, seconds: float, asked_to_stop: Callable[[], str | None], emit: Emit
) -> SliceEnd:
    """Drive the run where nobody does, else help with its batches, until there is nothing to do or the time is over.

    Raises the error family and psycopg's errors where it could not begin.
    """
    patience = _Patience(until=time.monotonic() + seconds, asked_to_stop=asked_to_stop, listen=emit)
    ways = Ways(connect=partial(connect, database.url), emit=patience.emit, asked_to_stop=patience.reason_to_stop)
    with connect(database.url) as connection:
        found = _candidate(connection, wanted.run)
        if found is None:
            return SliceEnd(batches=0, reason="there is nothing to do")
        if not takes_slot(connection, found.id, wanted.slot):
            return SliceEnd(batches=0, reason="another job has this slot")
        return _work(connection, ways, patience, wanted.run)


@dataclass(slots=True, kw_only=True)
class _Patience:
    """When a slice has to end."""

    until: float
    """On the monotonic clock."""
    asked_to_stop: Callable[[], str | None]
    listen: Emit
    throttled: tuple[float, str] | None = None
    """Since when, and why."""

    def emit(self, event: Event) -> None:
        """Take in an event, and pass it on."""
        if isinstance(event, Throttled):
            self.throttled = None if event.reason is None else (time.monotonic(), event.reason)
        self.listen(event)

    def reason_to_stop(self) -> str | None:
        """Why to end after the batch in hand."""
        now = time.monotonic()
        if self.throttled is not None and now - self.throttled[0] >= _THROTTLED_SECONDS:
            return f"throttled, {self.throttled[1]}"
        return self.asked_to_stop() or (_TIME_IS_OVER if now >= self.until else None)

    def rest(self, seconds: float) -> None:
        """Leave the run alone for a moment, no longer than until it is time to end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.reason_to_stop() is None:
            time.sleep(_SHORTEST_REST)


def _work(connection: Connection, ways: Ways, patience: _Patience, name: str) -> SliceEnd:
    batches = 0
    while True:
        run = _candidate(connection, name)
        if run is None:
            return SliceEnd(batches=batches, reason="it is done")
        task = task_for(run)
        if isinstance(task, Rests):
            return SliceEnd(batches=batches, reason=task.reason)
        ending = perform(ways, run, task)
        batches += ending.batches
        if ending.outcome in ("failed", "waits", "lost"):
            reason = ending.reason or ending.outcome
            return SliceEnd(batches=batches, reason=reason, has_failed=ending.outcome == "failed")
        stop = patience.reason_to_stop()
        if stop is not None or ending.outcome == "stopped":
            reason = stop or ending.reason or "stopped"
            return SliceEnd(batches=batches, reason=reason, goes_on=stop == _TIME_IS_OVER)
        patience.rest(min(max(ending.rest, _SHORTEST_REST), _LONGEST_REST))


def _candidate(connection: Connection, name: str) -> Candidate | None:
    return next((run for run in candidates(connection) if run.name == name), None)


def takes_slot(connection: Connection, run_id: int, slot: int) -> bool:
    """Lock the slot for as long as the connection lives; False where another job has it."""
    key = zlib.crc32(f"{run_id}:{slot}".encode()) - 2**31
    row = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s, %s)", [_SLOT_LOCK, key]).fetchone()
    return bool(row and row[0])
