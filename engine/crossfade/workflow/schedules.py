"""Schedules in the ledger: plans that run again and again, registered once, held, ended and looked at.

What a schedule fires is a run like any other; `firing` adds it. Each function is one statement or one short
transaction on a connection that it is given. Times are the database's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Json, Jsonb

from crossfade.errors import Conflict, PlanChanged, UsageError, WrongState
from crossfade.plan.digest import plan_digest
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.model import Plan
from crossfade.plan.schedule import Schedule
from crossfade.workflow import ledger
from crossfade.workflow.preflight import examine
from crossfade.workflow.reasons import require_reason
from crossfade.workflow.states import GIVEN_UP

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """One row of crossfade.schedules."""

    id: int
    name: str
    digest: str
    plan: Mapping[str, Any]
    acks: tuple[str, ...]
    program: Mapping[str, Any]
    last_fire: datetime
    """Every time up to here has been seen to."""
    paused: str | None
    ended_at: datetime | None
    created_at: datetime
    started_by: str
    now: datetime
    """The database's clock when the row was read."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "acks", tuple(self.acks))

    @property
    def schedule(self) -> Schedule:
        """When it fires."""
        return Schedule.model_validate(self.plan["schedule"])

    @property
    def state(self) -> str:
        """scheduled, paused or ended."""
        if self.ended_at is not None:
            return "ended"
        return "scheduled" if self.paused is None else "paused"


SELECT = """
SELECT id, name, digest, plan, acks, program, last_fire, paused, ended_at, created_at, started_by,
       pg_catalog.clock_timestamp() AS now
FROM crossfade.schedules
"""


def find(connection: Connection, name: str) -> ScheduleRow | None:
    """The schedule of that name: the one that has not ended, else the latest that has."""
    with connection.cursor(row_factory=class_row(ScheduleRow)) as cursor:
        query = SELECT + "WHERE name = %s ORDER BY ended_at IS NULL DESC, id DESC LIMIT 1"
        return cursor.execute(query, [name]).fetchone()


def living(connection: Connection) -> tuple[ScheduleRow, ...]:
    """Every schedule that has not ended, by name."""
    with connection.cursor(row_factory=class_row(ScheduleRow)) as cursor:
        return tuple(cursor.execute(SELECT + "WHERE ended_at IS NULL ORDER BY name").fetchall())


def register(
    connection: Connection,
    plan: Plan,
    acks: tuple[str, ...],
    *,
    connect: Callable[[], Connection],
    started_by: str,
    fixed: Fixed = NOTHING_FIXED,
) -> None:
    """Register the plan as a schedule; does nothing if that was done with the same plan.

    Raises PlanChanged, PreflightRefused, and Conflict where the name is a run's.
    """
    found = find(connection, plan.name)
    if found is not None and found.ended_at is None:
        _require_same(found, plan)
        _accept(connection, found, acks)
        return
    run = ledger.find_run(connection, plan.name)
    if run is not None and run.state not in GIVEN_UP:
        raise Conflict(
            f"there is a run named {plan.name}, which is {run.state}", hint="Give the schedule another name."
        )
    program, digest = examine(connect, plan, acks, fixed).checked(), plan_digest(plan)
    with connection.transaction():
        row = connection.execute(
            "INSERT INTO crossfade.schedules (name, digest, plan, acks, program, started_by)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
            [plan.name, digest, Json(plan.as_json()), list(acks), Jsonb(program.as_json()), started_by],
        ).fetchone()
        if row is None:
            raise Conflict(
                f"a schedule named {plan.name} was registered by somebody else just now",
                hint=f"See crossfade status {plan.name}.",
            )
        add_event(connection, row[0], "registered", {"digest": digest, "acks": list(acks), "started_by": started_by})


def _require_same(found: ScheduleRow, plan: Plan) -> None:
    if found.digest != plan_digest(plan):
        raise PlanChanged(
            f"schedule {plan.name} was registered with another version of this plan",
            hint=f"Undo the edit; or end the schedule with crossfade cancel {plan.name}, and register the plan anew. "
            "Runs that are under way go on.",
        )


def _accept(connection: Connection, found: ScheduleRow, acks: tuple[str, ...]) -> None:
    if set(acks) <= set(found.acks):
        return
    with connection.transaction():
        connection.execute(
            "UPDATE crossfade.schedules SET acks ="
            " ARRAY(SELECT DISTINCT pg_catalog.unnest(acks || %s::text[]) ORDER BY 1) WHERE id = %s",
            [list(acks), found.id],
        )
        add_event(connection, found.id, "acknowledged", {"acks": list(acks)})


def refuse_schedule(connection: Connection, target: Plan | str) -> None:
    """For what is done to a run. Raises UsageError for a plan with a schedule, WrongState for a schedule's name."""
    if isinstance(target, Plan) and target.schedule is not None:
        raise UsageError(
            f"plan {target.name} has a schedule; it is not a run",
            hint=f"Register it with crossfade start PLAN; run it once, now, with crossfade fire {target.name}.",
        )
    name = target if isinstance(target, str) else target.name
    found = find(connection, name)
    if found is None or found.ended_at is not None:
        return
    if isinstance(target, Plan):
        _require_same(found, target)
    raise WrongState(
        f"{name} is a schedule; each of its firings is a run of its own",
        hint=f"See its runs with crossfade status {name}; run it once, now, with crossfade fire {name}.",
    )


def pause(connection: Connection, found: ScheduleRow, reason: str) -> None:
    """Let it fire no more until it is resumed; runs that are under way go on. Raises WrongState, UsageError."""
    require_reason(reason)
    require_living(found)
    with connection.transaction():
        connection.execute("UPDATE crossfade.schedules SET paused = %s WHERE id = %s", [reason, found.id])
        add_event(connection, found.id, "paused", {"reason": reason})


def resume(connection: Connection, found: ScheduleRow) -> None:
    """Let it fire again, from now on: what would have fired meanwhile is not made good. Raises WrongState."""
    require_living(found)
    with connection.transaction():
        held = connection.execute(
            "UPDATE crossfade.schedules SET paused = NULL,"
            " last_fire = greatest(last_fire, pg_catalog.clock_timestamp()) WHERE id = %s AND paused IS NOT NULL",
            [found.id],
        )
        if held.rowcount != 1:
            raise WrongState(f"schedule {found.name} is not paused")
        add_event(connection, found.id, "resumed", {})


def end(connection: Connection, found: ScheduleRow, reason: str | None) -> None:
    """Let it never fire again; its name is free, and runs that are under way go on. Raises UsageError.

    Does nothing where it has ended.
    """
    if reason is not None:
        require_reason(reason)
    with connection.transaction():
        ended = connection.execute(
            "UPDATE crossfade.schedules SET ended_at = pg_catalog.clock_timestamp() WHERE id = %s AND ended_at IS NULL",
            [found.id],
        )
        if ended.rowcount:
            add_event(connection, found.id, "ended", {"reason": reason} if reason else {})


def require_living(found: ScheduleRow) -> None:
    """Raises WrongState where the schedule has ended."""
    if found.ended_at is not None:
        raise WrongState(
            f"schedule {found.name} ended at {found.ended_at:%Y-%m-%d %H:%M:%S %Z}",
            hint="Register the plan anew: crossfade start PLAN",
        )


def add_event(connection: Connection, schedule_id: int, kind: str, data: Mapping[str, Any]) -> None:
    """Append to the schedule's history."""
    connection.execute(
        "INSERT INTO crossfade.schedule_events (schedule_id, kind, data) VALUES (%s, %s, %s)",
        [schedule_id, kind, Jsonb(data)],
    )


def event_rows(connection: Connection, schedule_id: int) -> list[dict[str, Any]]:
    """The schedule's history, oldest first."""
    return ledger.rows_by(
        connection,
        "SELECT at, kind, actor, data FROM crossfade.schedule_events WHERE schedule_id = %s ORDER BY id",
        schedule_id,
    )
