"""A command on one database of a fleet, to its end; never an error: how it ended is in the standing that comes back.

Everything is done through the engine, as if the command had been given for this database alone.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import psycopg
import structlog

from crossfade.errors import (
    CrossfadeError,
    DatabaseRefused,
    DatabaseUnreachable,
    GateBlocked,
    GateUnknown,
    Interrupted,
    LeaseHeld,
    PreflightRefused,
    UnknownRun,
    WorkLeft,
)
from crossfade.fleet.databases import Database
from crossfade.fleet.report import Outcome, Standing
from crossfade.observe.events import Emit
from crossfade.operations.step import Caution
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.model import Plan
from crossfade.plan.notify import Target
from crossfade.postgres.clock import database_now
from crossfade.postgres.connect import connect, is_loss, masked
from crossfade.workflow.engine import Engine
from crossfade.workflow.ledger import installed_version
from crossfade.workflow.results import Preflight, Status
from crossfade.workflow.schedule_status import ScheduleStatus

Answer: TypeAlias = "Status | ScheduleStatus | Preflight | None"
Work: TypeAlias = Callable[[Engine, Database], Answer]
Held: TypeAlias = Callable[[Engine], AbstractContextManager[None]]
NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A run as it is now."""

    status: Status | ScheduleStatus | None
    """None where the plan was never started there."""
    now: datetime
    """The database's clock."""


def carry_out(
    database: Database,
    name: str,
    work: Work,
    *,
    emit: Emit,
    held: Held,
    notify: Sequence[Target] = (),
    fixed: Fixed = NOTHING_FIXED,
) -> Standing:
    """Do the work for the run of that name. `held` is entered with the engine meanwhile, so that it can be stopped.

    The targets of `notify` are told of the run, besides those that its plan names. A plan that changes anything of
    `fixed` is refused.
    """
    with Engine(database.url, emit=emit, notify=notify, fixed=fixed) as engine:
        try:
            with held(engine):
                answer = work(engine, database)
        except Exception as error:  # noqa: BLE001 -- one database's error is not the others'
            return _failed(database, engine, name, _ours(error, database))
    if isinstance(answer, Preflight):
        refused = PreflightRefused(answer.plan, answer.refusals) if answer.refusals else None
        return _standing(database, _state(answer), error=refused, cautions=answer.cautions)
    return _standing(database, _state(answer), status=answer)


def look(database: Database, name: str) -> Look:
    """Where the run, or the schedule, of that name stands. Raises the error family and psycopg's errors."""
    with connect(database.url) as connection:
        now = database_now(connection)
        if installed_version(connection) == 0:
            return Look(status=None, now=now)
    with Engine(database.url) as engine:
        return Look(status=status_of(engine, name), now=now)


def status_of(engine: Engine, name: str) -> Status | ScheduleStatus | None:
    """The status of the run or schedule of that name; None where there is none."""
    try:
        return engine.schedules.status(name) if name in engine.schedules else engine.status(name)
    except UnknownRun:
        return None


def started(engine: Engine, plan: Plan, acks: tuple[str, ...]) -> Status | ScheduleStatus:
    """Register the plan: as a run, or as a schedule if it has one."""
    return engine.start(plan, acks) if plan.schedule is None else engine.schedules.start(plan, acks)


def outcome_of(error: CrossfadeError | None) -> Outcome:
    """How a command ended that raised this, or nothing."""
    match error:
        case None:
            return Outcome.DONE
        case GateBlocked() | GateUnknown():
            return Outcome.WAITS
        case WorkLeft():
            return Outcome.LEFT
        case LeaseHeld():
            return Outcome.BUSY
        case DatabaseUnreachable():
            return Outcome.UNREACHABLE
        case Interrupted():
            return Outcome.INTERRUPTED
    return Outcome.FAILED


def _failed(database: Database, engine: Engine, name: str, error: CrossfadeError) -> Standing:
    """Where an error left the run, as far as that can be known."""
    if isinstance(error, DatabaseUnreachable):
        return _standing(database, None, error=error)
    try:
        status = status_of(engine, name)
    except (CrossfadeError, psycopg.Error):
        return _standing(database, None, error=error)
    return _standing(database, _state(status), status=status, error=error)


def _standing(
    database: Database,
    state: str | None,
    *,
    status: Status | ScheduleStatus | None = None,
    error: CrossfadeError | None = None,
    cautions: tuple[Caution, ...] = (),
) -> Standing:
    return Standing(
        name=database.name,
        is_canary=database.is_canary,
        outcome=outcome_of(error),
        state=state,
        status=status,
        error=error,
        cautions=cautions,
    )


def _state(answer: Answer) -> str:
    return NOT_STARTED if answer is None or answer.state is None else str(answer.state)


def _ours(error: Exception, database: Database) -> CrossfadeError:
    """The error as one of the family; one of the connection without hints at options that are not meant here."""
    if isinstance(error, DatabaseUnreachable):
        return _unreachable(error.message)
    if isinstance(error, CrossfadeError):
        return error
    said = masked(str(error).strip()) or type(error).__name__
    if isinstance(error, psycopg.Error):
        if is_loss(error):
            return _unreachable(f"the connection was lost: {said}")
        return DatabaseRefused(f"PostgreSQL says: {said} (SQLSTATE {error.sqlstate})", sqlstate=error.sqlstate)
    trace = masked("".join(traceback.format_exception(error)))
    structlog.get_logger("crossfade").error("bug", database=database.name, traceback=trace)
    return CrossfadeError(
        f"{type(error).__name__}: {said}", hint="This is a bug in crossfade. Please report it with the log's traceback."
    )


def _unreachable(said: str) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        " ".join(said.split()), hint="What was committed stays. The same command goes on once it can be reached."
    )
