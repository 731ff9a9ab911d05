"""Firing schedules: a run of its own for each time, once, however many look at the clock.

The row of the schedule is locked while it fires, and the time is the firing's key, in the transaction that adds the
run. Only the database's clock is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from crossfade.errors import Conflict, WrongState
from crossfade.observe.events import Fired
from crossfade.plan.digest import plan_digest
from crossfade.plan.model import Plan
from crossfade.workflow import ledger, schedules, steering
from crossfade.workflow.ledger import RunRow
from crossfade.workflow.schedules import SELECT, ScheduleRow
from crossfade.workflow.states import FINAL

Connection = psycopg.Connection[Any]
_MOST_COUNTED = 1000
_MOST_MOVES = 5
_OUTCOMES = {"skip": "skipped", "queue": "queued", "replace": "replaced"}
"""Of a firing while an earlier run is under way, by `overlap`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """What became of one time of a schedule."""

    schedule: str
    fire_time: datetime
    outcome: str
    """started, skipped, queued or replaced."""
    run: str | None
    reason: str | None
    at: datetime

    def as_json(self) -> dict[str, Any]:
        """For `worker --json` and `status --json`."""
        return {
            "schedule": self.schedule,
            "fire_time": self.fire_time.isoformat(),
            "outcome": self.outcome,
            "run": self.run,
            "reason": self.reason,
            "at": self.at.isoformat(),
        }

    def as_event(self) -> Fired:
        """For those who listen."""
        return Fired(
            run=self.run or self.schedule,
            schedule=self.schedule,
            fire_time=self.fire_time.isoformat(),
            outcome=self.outcome,
            reason=self.reason,
        )


def failed(found: ScheduleRow, error: Exception) -> Fired:
    """What is told where a schedule could not be fired; it is tried again."""
    return Fired(
        run=found.name,
        schedule=found.name,
        fire_time=found.now.isoformat(),
        outcome="failed",
        reason=str(error).strip() or type(error).__name__,
    )


def is_due(found: ScheduleRow) -> bool:
    """Whether the schedule has something to fire now."""
    return found.paused is None and bool(found.schedule.due(found.last_fire, found.now))


def fire_due(connection: Connection, schedule_id: int) -> tuple[Firing, ...]:
    """Fire what is due of one schedule, oldest first; nothing where somebody else is just at it."""
    with connection.transaction():
        found = _locked(connection, schedule_id)
        if found is None or found.paused is not None:
            return ()
        times = found.schedule.due(found.last_fire, found.now)
        fired = [_fire(connection, found, at, _missed(found, at)) for at in times]
        if times:
            connection.execute(
                "UPDATE crossfade.schedules SET last_fire = greatest(last_fire, %s) WHERE id = %s",
                [times[-1], found.id],
            )
    return tuple(f for f in fired if f is not None)


def fire_now(connection: Connection, found: ScheduleRow) -> Firing:
    """Fire a schedule by hand, paused or not.

    Raises WrongState where it has ended, or an earlier run is under way and `overlap` is `skip`.
    """
    schedules.require_living(found)
    name = found.name
    with connection.transaction():
        row = _locked(connection, found.id)
        busy = _under_way(connection, found.id)
        if row is None:
            raise Conflict(f"schedule {name} is firing just now", hint=f"See crossfade status {name}.")
        if busy and row.schedule.overlap == "skip":
            raise WrongState(
                f"schedule {name} has a run under way: {_words(busy)}",
                hint="`overlap: skip` lets one run at a time. Wait for it, or look at it with: crossfade status "
                f"{busy[0].name}",
            )
        fired = _fire(connection, row, row.now.astimezone(UTC).replace(microsecond=0), "by hand")
    if fired is None:
        raise Conflict(f"schedule {name} fired within this second", hint=f"See crossfade status {name}.")
    return fired


def _locked(connection: Connection, schedule_id: int) -> ScheduleRow | None:
    query = SELECT + "WHERE id = %s AND ended_at IS NULL FOR UPDATE SKIP LOCKED"
    with connection.cursor(row_factory=class_row(ScheduleRow)) as cursor:
        return cursor.execute(query, [schedule_id]).fetchone()


def _missed(found: ScheduleRow, at: datetime) -> str | None:
    """In words, how many times before this one nobody was there for and nobody makes good."""
    if found.schedule.catch_up == "all":
        return None
    missed = len(found.schedule.firings(found.last_fire, at - timedelta(microseconds=1), _MOST_COUNTED))
    if not missed:
        return None
    number = f"{missed} or more" if missed == _MOST_COUNTED else str(missed)
    return f"{number} before it {'was' if missed == 1 else 'were'} missed"


def _fire(connection: Connection, found: ScheduleRow, at: datetime, reason: str | None) -> Firing | None:
    """One firing, in the caller's transaction; None if there has been one for this time."""
    busy = _under_way(connection, found.id)
    outcome = _OUTCOMES[found.schedule.overlap] if busy else "started"
    if busy:
        reason = "; ".join(filter(None, (reason, f"under way: {_words(busy)}")))
    added = connection.execute(
        "INSERT INTO crossfade.firings (schedule_id, fire_time, outcome, reason) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING at",
        [found.id, at, outcome, reason],
    ).fetchone()
    if added is None:
        return None
    run = None
    if outcome != "skipped":
        try:
            run = _add_run(connection, found, at)
        except Conflict as taken:
            outcome, reason = "skipped", taken.message
            connection.execute(
                "UPDATE crossfade.firings SET outcome = %s, reason = %s WHERE schedule_id = %s AND fire_time = %s",
                [outcome, reason, found.id, at],
            )
    if outcome == "replaced":
        _give_up(connection, busy, f"replaced by {run}")
    firing = Firing(schedule=found.name, fire_time=at, outcome=outcome, run=run, reason=reason, at=added[0])
    told = {k: v for k, v in firing.as_json().items() if k not in ("schedule", "at")}
    schedules.add_event(connection, found.id, "fired", told)
    return firing


def _under_way(connection: Connection, schedule_id: int) -> tuple[RunRow, ...]:
    """The schedule's runs that are not over, oldest first."""
    names = connection.execute(
        "SELECT r.name FROM crossfade.firings f JOIN crossfade.runs r ON r.id = f.run_id"
        " WHERE f.schedule_id = %s AND r.state <> ALL (%s) ORDER BY r.id",
        [schedule_id, [s.value for s in FINAL]],
    ).fetchall()
    return tuple(ledger.get_run(connection, name) for (name,) in names)


def _words(runs: Sequence[RunRow]) -> str:
    first = runs[0]
    held = f", paused: {first.paused}" if first.paused is not None else ", failed" if first.failed else ""
    others = f", and {len(runs) - 1} more" if len(runs) > 1 else ""
    return f"{first.name} is {first.state}{held}{others}"


def run_name(schedule: str, at: datetime) -> str:
    """The name of a firing's run; its time is UTC."""
    return f"{schedule}-{at.astimezone(UTC):%Y%m%dt%H%M%S}z"


def _add_run(connection: Connection, found: ScheduleRow, at: datetime) -> str:
    """A run of the schedule's plan, `planned`; its name. Raises Conflict where there is one of that name."""
    whole = Plan.from_json(dict(found.plan))
    plan = whole.model_copy(update={"name": run_name(found.name, at), "schedule": None})
    digest = plan_digest(plan)
    with connection.transaction():
        run_id = ledger.add_run(
            connection,
            name=plan.name,
            digest=digest,
            plan=plan.as_json(),
            acks=found.acks,
            program={**found.program, "plan": plan.name},
            started_by=found.started_by,
        )
    connection.execute(
        "UPDATE crossfade.firings SET run_id = %s WHERE schedule_id = %s AND fire_time = %s", [run_id, found.id, at]
    )
    facts = {"digest": digest, "acks": list(found.acks), "schedule": found.name, "fire_time": at.isoformat()}
    ledger.add_event(connection, run_id, "started", facts)
    return plan.name


def _give_up(connection: Connection, runs: Sequence[RunRow], reason: str) -> None:
    for run in runs:
        for _attempt in range(_MOST_MOVES):
            try:
                steering.begin_cancel(connection, ledger.get_run(connection, run.name), reason)
            except WrongState:
                # It has just moved on; or has all its rows behind it and ends by itself, which the new run waits for.
                continue
            break
