"""What happens in a run, as frozen values; the log, the ledger's history and the progress display listen to them.

A listener is a function of one event. Whoever causes an event calls `emit`, which it was given; it does not know who
listens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The root: which run it is about."""

    run: str

    @property
    def kind(self) -> str:
        """The event's name in logs and in the history: `StepDone` is `step_done`."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")

    def facts(self) -> dict[str, Any]:
        """Its fields without the run, fit for JSON."""
        return {k: v for k, v in asdict(self).items() if k != "run"}


Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(Event):
    """The run moved."""

    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """A step is about to be executed, or undone."""

    step: str
    title: str
    phase: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone(Event):
    """A step is done, or undone."""

    step: str
    phase: str
    lock_wait_ms: float
    duration_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """A session that holds a lock which a step needs."""

    pid: int
    application_name: str
    user: str
    state: str
    transaction_seconds: float
    relation: str
    mode: str

    def __str__(self) -> str:
        name = self.application_name or "(no application_name)"
        return (
            f"pid {self.pid}, {name}, user {self.user}, {self.state}, transaction open for "
            f"{self.transaction_seconds:.0f} s, holds {self.mode} on {self.relation}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LockWaited(Event):
    """A step tried for its lock and could not have it yet."""

    step: str
    attempt: int
    waited_seconds: float
    blockers: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChanged(Event):
    """Somebody else changed a table of the run, in a way that it goes on with."""

    step: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDone(Event):
    """Rows of one batch were committed together with the cursor."""

    change: str
    relation: str
    rows: int
    duration_ms: float
    rows_done: int
    rows_estimated: int | None
    batch_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Event):
    """Nothing is done until a time has come."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(Event):
    """The batches wait, for this reason; or they go on."""

    reason: str | None
    sensor: str | None = None
    """The kind of the reason: the sensor that gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacuumed(Event):
    """Dead rows of the backfill were cleared away, or why they could not be."""

    relation: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillTrouble(Event):
    """A batch is tried again, or rows were rejected: something a person may want to know."""

    change: str
    relation: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified(Event):
    """Both sides were compared over every row of a table."""

    change: str
    relation: str
    mismatches: int
    duration_ms: float
    share: float = 1.0
    """Of the table's blocks that were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesEvaluated(Event):
    """The gates of a phase answered."""

    phase: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired(Event):
    """A schedule came to one of its times; `run` is its run, or the schedule where that time was skipped."""

    schedule: str
    fire_time: str
    outcome: str
    """started, skipped, queued or replaced; failed where it could not be fired and is tried again."""
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkBegun(Event):
    """A worker takes to a run: it drives it, or helps with its batches."""

    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkEnded(Event):
    """A worker leaves a run."""

    task: str
    outcome: str
    batches: int
    """That this worker did."""
    reason: str | None
