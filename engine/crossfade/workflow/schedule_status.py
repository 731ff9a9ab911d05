"""Where a schedule stands: when it fires next, and what became of its latest firings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row

from crossfade.workflow.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.plan.schedule import Schedule
    from crossfade.workflow.schedules import ScheduleRow

Connection = psycopg.Connection[Any]
_NEXT = 3
_LATEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringStatus:
    """A firing, and its run as it stands now."""

    fire_time: datetime
    at: datetime
    outcome: str
    """started, skipped, queued or replaced."""
    reason: str | None
    run: str | None
    state: State | None
    """Of the run."""
    paused: str | None
    failed: Mapping[str, Any] | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", None if self.state is None else State(self.state))

    def as_json(self) -> dict[str, Any]:
        """An element of `firings` in `status NAME --json`."""
        return {
            "fire_time": self.fire_time.isoformat(),
            "at": self.at.isoformat(),
            "outcome": self.outcome,
            "reason": self.reason,
            "run": self.run,
            "state": self.state,
            "paused": self.paused,
            "failed": self.failed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStatus:
    """A schedule as it stands now."""

    name: str
    state: str
    """scheduled, paused or ended."""
    state_since: datetime | None
    paused: str | None
    schedule: Schedule
    next_fires: tuple[datetime, ...]
    """Empty while it is paused, and once it has ended."""
    firings: tuple[FiringStatus, ...]
    """The latest first."""

    def as_json(self) -> dict[str, Any]:
        """The document of `status NAME --json`."""
        command = f"crossfade resume {self.name}" if self.state == "paused" else "crossfade worker"
        return {
            "name": self.name,
            "kind": "schedule",
            "state": self.state,
            "state_since": None if self.state_since is None else self.state_since.isoformat(),
            "paused": self.paused,
            "failed": None,
            "next": {
                "action": {"scheduled": "fire", "paused": "resume"}.get(self.state),
                "command": None if self.state == "ended" else command,
                "blocked_by": [] if self.paused is None else [f"paused: {self.paused}"],
            },
            "schedule": self.schedule.model_dump(mode="json"),
            "next_fires": [at.isoformat() for at in self.next_fires],
            "firings": [f.as_json() for f in self.firings],
        }


def schedule_status(connection: Connection, found: ScheduleRow) -> ScheduleStatus:
    """Where the schedule stands."""
    since = connection.execute(
        "SELECT pg_catalog.max(at) FROM crossfade.schedule_events"
        " WHERE schedule_id = %s AND kind IN ('registered', 'paused', 'resumed', 'ended')",
        [found.id],
    ).fetchone()
    is_on = found.state == "scheduled"
    return ScheduleStatus(
        name=found.name,
        state=found.state,
        state_since=since[0] if since else None,
        paused=found.paused,
        schedule=found.schedule,
        next_fires=tuple(islice(_after(found.schedule, found.now), _NEXT)) if is_on else (),
        firings=_firings(connection, found.id),
    )


def _after(schedule: Schedule, at: datetime) -> Iterator[datetime]:
    while True:
        at = schedule.next_after(at)
        yield at


def _firings(connection: Connection, schedule_id: int) -> tuple[FiringStatus, ...]:
    with connection.cursor(row_factory=class_row(FiringStatus)) as cursor:
        return tuple(
            cursor.execute(
                "SELECT f.fire_time, f.at, f.outcome, f.reason, r.name AS run, r.state, r.paused, r.failed"
                " FROM crossfade.firings f LEFT JOIN crossfade.runs r ON r.id = f.run_id"
                " WHERE f.schedule_id = %s ORDER BY f.fire_time DESC LIMIT %s",
                [schedule_id, _LATEST],
            ).fetchall()
        )
