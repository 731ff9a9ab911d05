"""Which runs a worker has something to do for, and what. `candidates` reads them; the rest is pure.

A run is due by what the ledger says of it and by the database's clock alone, so all workers see the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import psycopg
from psycopg.rows import class_row
from pydantic import ValidationError

from crossfade.plan.hours import Hours
from crossfade.plan.model import Backfill
from crossfade.workflow.queries import query
from crossfade.workflow.states import BEFORE_BACKFILLED, FINAL, FORWARD, State

Connection = psycopg.Connection[Any]
LONGEST_WAIT = timedelta(minutes=10)
"""At most so long a failed run is left alone before it is tried again."""
_FIRST_WAIT = timedelta(seconds=5)
_ROWS_FAILED = "rows_failed"


class Task(StrEnum):
    """What is to be done for a run."""

    DRIVE = "drive"
    """Take its lease and bring it to its goal."""
    HELP = "help"
    """Do batches beside the runner that drives it."""


@dataclass(frozen=True, slots=True)
class Rests:
    """Nothing is to be done now, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A run that is not over, as the ledger has it."""

    id: int
    name: str
    state: State
    paused: str | None
    failed_code: str | None
    backfill: Mapping[str, Any]
    tuning: Mapping[str, Any]
    now: datetime
    """The database's clock."""
    is_data: bool
    """It changes data, and is over with its last row."""
    is_held: bool
    """A runner has its lease."""
    is_queued: bool
    """An earlier run of its schedule is not over."""
    has_open_rows: bool
    """Rows were refused and are not resolved."""
    has_batches: bool
    """Batches are ready, or can be cut."""
    failures: int
    """Since somebody moved it or let it go on."""
    failed_at: datetime | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", State(self.state))

    @property
    def hours(self) -> Hours:
        """When its batches may run."""
        return Backfill().tuned({**self.backfill, **self.tuning}).hours

    @property
    def goal(self) -> State:
        """Where a worker brings it: a change of data to its end; any other only through the backfill it is in."""
        if self.state is State.ROLLING_BACK:
            return State.CANCELLED
        return State.CONTRACTED if self.is_data else State.BACKFILLED


def candidates(connection: Connection) -> tuple[Candidate, ...]:
    """Every run of a schedule that is not over, and every other one in its backfill; the oldest first."""
    with connection.cursor(row_factory=class_row(Candidate)) as cursor:
        return tuple(cursor.execute(query("due_runs"), {"final": [s.value for s in FINAL]}).fetchall())


def task_for(run: Candidate) -> Task | Rests:
    """What is to be done for a run now."""
    if run.state is State.ROLLING_BACK:
        return Rests("another runner turns it back") if run.is_held else _after_failure(run) or Task.DRIVE
    if run.state not in FORWARD:
        return Rests(f"it is {run.state}")
    if run.paused is not None:
        return Rests(f"paused: {run.paused}")
    try:
        closed = run.hours.closed_because(run.now) if run.state in BEFORE_BACKFILLED else None
    except ValidationError as error:
        # Written by a newer crossfade, or by hand; what the ledger has of one run is not the others' trouble.
        return Rests(f"its settings cannot be read: {error.errors(include_url=False)[0]['msg']}")
    if closed is not None:
        return Rests(closed)
    if run.is_held:
        can_help = run.state is State.BACKFILLING and run.has_batches
        return Task.HELP if can_help else Rests("another runner drives it")
    if run.is_queued:
        return Rests("an earlier run of its schedule is not over")
    return _after_failure(run) or Task.DRIVE


def _after_failure(run: Candidate) -> Rests | None:
    """Why a run that failed is not tried again yet."""
    if run.failed_code is None or run.failed_at is None:
        return None
    if run.failed_code == _ROWS_FAILED and run.has_open_rows:
        return Rests(f"rows were refused; see them with: crossfade quarantine list {run.name}")
    again = run.failed_at + retry_wait(run.failures)
    return Rests(f"it failed; it is tried again at {again:%Y-%m-%d %H:%M:%S %Z}") if run.now < again else None


def retry_wait(failures: int) -> timedelta:
    """How long a run is left alone that failed so often."""
    doublings: int = min(failures - 1, 10)
    return min(LONGEST_WAIT, _FIRST_WAIT * float(2**doublings))
