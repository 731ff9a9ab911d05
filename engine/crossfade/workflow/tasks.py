"""One piece of a worker's work: a run driven on, or helped with, until it is done or has to be left; never an error.

What went wrong is told by how it ended. A cause that lies in the run is in the ledger as `failed`, so that every worker
lets it alone for a while; for anything else this worker rests.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from crossfade.backfill.control import Control
from crossfade.backfill.drive import help_out
from crossfade.backfill.job import Job
from crossfade.backfill.retry import passing
from crossfade.errors import BaselineChanged, Conflict, CrossfadeError, GateBlocked, GateUnknown, Interrupted, WorkLeft
from crossfade.observe.events import BatchDone, Emit, Event
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.model import Plan
from crossfade.postgres.connect import masked
from crossfade.workflow import ledger
from crossfade.workflow.driving import Order, carry_out, is_remembered
from crossfade.workflow.due import Candidate, Task
from crossfade.workflow.program import from_json
from crossfade.workflow.states import Event as Move
from crossfade.workflow.states import State

Connection = psycopg.Connection[Any]
_RESTS = {"done": 0.0, "conflict": 1.0, "lost": 2.0, "stopped": 5.0, "waits": 15.0, "failed": 1.0}
"""Seconds, by how a piece of work ended. After a failure the ledger's wait is what counts."""
_NO_BATCHES_REST = 5.0
_HELP_FAILED_REST = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What every piece of work of a process shares."""

    connect: Callable[[], Connection]
    emit: Emit
    asked_to_stop: Callable[[], str | None]
    fixed: Fixed = NOTHING_FIXED
    """What no run that begins may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a piece of work ended."""

    outcome: str
    """done; stopped, with work left; waits, for a gate; conflict, with another runner; lost, the connection; failed."""
    batches: int
    reason: str | None
    rest: float
    """Seconds in which this worker leaves the run alone."""


def perform(ways: Ways, run: Candidate, task: Task) -> Ending:
    """Do a piece of work to its end."""
    batches = 0

    def emit(event: Event) -> None:
        nonlocal batches
        batches += isinstance(event, BatchDone)
        ways.emit(event)

    outcome, reason = "done", None
    try:
        (_drive if task is Task.DRIVE else _help)(ways, run, emit)
    except Exception as error:  # noqa: BLE001 -- one run's error is not the others'
        outcome, reason = _outcome(error), _words(error)
        if outcome == "failed" and task is Task.DRIVE:
            _record(ways, run, error)
    rest = _RESTS[outcome]
    if task is Task.HELP:
        rest = _HELP_FAILED_REST if outcome == "failed" else rest if batches else max(rest, _NO_BATCHES_REST)
    return Ending(outcome=outcome, batches=batches, reason=reason, rest=rest)


def _drive(ways: Ways, run: Candidate, emit: Emit) -> None:
    order = Order(
        goal=run.goal,
        begin=Move.BEGIN_ROLLBACK if run.goal is State.CANCELLED else None,
        confirm=lambda _what: None,
        wait_until=None,
        stop_at=None,
        fixed=ways.fixed,
    )
    with ways.connect() as connection:
        row = ledger.get_run(connection, run.name)
    carry_out(order, row, connect=ways.connect, emit=emit, asked_to_stop=ways.asked_to_stop)


def _help(ways: Ways, run: Candidate, emit: Emit) -> None:
    with ways.connect() as connection:
        row = ledger.get_run(connection, run.name)
    program = from_json(row.program)
    with Control(
        connect=ways.connect,
        run_id=run.id,
        run_name=run.name,
        plan=Plan.from_json(dict(row.plan)).backfill,
        worker=ledger.me(),
        should_stop=ways.asked_to_stop,
        emit=emit,
    ) as control:
        for change in program.work:
            help_out(
                Job(connect=ways.connect, run_id=run.id, run_name=run.name, change=change, control=control, token=None)
            )


def _outcome(error: Exception) -> str:
    match error:
        case WorkLeft() | Interrupted():
            return "stopped"
        case GateBlocked() | GateUnknown():
            return "waits"
        case Conflict() if not isinstance(error, BaselineChanged):
            return "conflict"
        case _ if passing(error) is not None:
            return "lost"
    return "failed"


def _words(error: Exception) -> str:
    if isinstance(error, CrossfadeError):
        return error.message
    if isinstance(error, psycopg.Error):
        return masked(str(error).strip())
    return "".join(traceback.format_exception(error))


def _record(ways: Ways, run: Candidate, error: Exception) -> None:
    """Keep in the ledger what `carry_out` did not, so that the run is left alone for a while."""
    if isinstance(error, CrossfadeError):
        if is_remembered(error):
            return
        failed = error.as_json()
    else:
        message = f"{type(error).__name__}: {str(error).strip()}"
        hint = "This may be a bug in crossfade; the worker's log has all of it."
        failed = {"code": "bug", "message": message, "hint": hint, "location": None}
    try:
        with ways.connect() as connection:
            ledger.set_failed(connection, run.id, failed)
    except (psycopg.Error, CrossfadeError):
        # The database has just gone; the next attempt finds out as much.
        return
