"""Backfills and schedules as tasks of Procrastinate, for teams that have its workers already. Needs `crossfade[fleet]`.

    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=…))
    crossfade_tasks = tasks(app, databases)

Every minute `tick` asks each ledger what is due and defers `run_slice` jobs, which work for less than a minute. The
jobs have no lock and are never tried again: a lost one is deferred anew by the next tick, a second one finds nothing to
do. Nothing about batches is in a job, and no URL: only the names of a database and a run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

from crossfade.errors import CrossfadeError, UsageError
from crossfade.fleet.databases import Database, checked, database_of
from crossfade.fleet.slices import SLICE_SECONDS, Slice, due_slices, work_slice
from crossfade.observe.events import Emit, Event
from crossfade.postgres.connect import masked

if TYPE_CHECKING:
    import procrastinate

Databases: TypeAlias = str | Sequence[Database] | Callable[[], Sequence[Database]]
QUEUE = "crossfade"
_AT_A_TIME = 8
"""So many databases a tick asks at a time."""
_logger = logging.getLogger(__name__)


def _nobody_listens(_event: Event) -> None:
    return


@dataclass(frozen=True, slots=True)
class Tasks:
    """The two tasks, registered."""

    tick: procrastinate.tasks.Task[Any, Any, Any]
    run_slice: procrastinate.tasks.Task[Any, Any, Any]


def tasks(
    app: procrastinate.App,
    databases: Databases,
    *,
    slots: int = 1,
    seconds: float = SLICE_SECONDS,
    queue: str = QUEUE,
    emit: Emit = _nobody_listens,
) -> Tasks:
    """Register `crossfade.tick`, every minute, and `crossfade.run_slice` on a Procrastinate app.

    `databases` is a URL, a list, or a function that gives a list and is called at each tick, so that new tenants are
    seen. `slots` is how many jobs may work on one run at a time, on all hosts together; each has as many workers as the
    plan says. `seconds` is how long a job works. `emit` gets the events of this process's jobs, in any thread.

    Raises UsageError where Procrastinate is not installed, or a list is not sound.
    """
    try:
        from procrastinate import JobContext
    except ImportError:
        raise UsageError(
            "tasks for Procrastinate need the extra `fleet`", hint="Install it: pip install 'crossfade[fleet]'"
        ) from None
    if slots < 1 or seconds <= 0:
        raise UsageError("slots has to be at least 1, and seconds more than 0")
    listed = _listing(databases)

    def tick(timestamp: int = 0) -> str:  # noqa: ARG001 -- Procrastinate gives every periodic task the time that it is for
        due, unreachable = _due(listed(), slots)
        deferred = sum(defer(one) for one in due)
        return f"{deferred} deferred, {len(due) - deferred} waiting already, {unreachable} databases not asked"

    def run_slice(context: JobContext, database: str, run: str, slot: int) -> str:
        wanted = Slice(database=database, run=run, slot=slot)
        place = next((d for d in listed() if d.name == database), None)
        if place is None:
            return f"there is no database {database} in the list any more"

        def asked_to_stop() -> str | None:
            return "the job is aborted" if context.should_abort() else None

        end = work_slice(place, wanted, seconds=seconds, asked_to_stop=asked_to_stop, emit=emit)
        if end.has_failed:
            # The queue shows it. When it is tried again is the ledger's to say.
            raise CrossfadeError(f"run {run} in {database} failed after {end}")
        if end.goes_on:
            defer(wanted)
        return str(end)

    slicing = app.task(name="crossfade.run_slice", queue=queue, retry=False, pass_context=True)(run_slice)
    ticking = app.task(name="crossfade.tick", queue=queue, retry=False, queueing_lock="crossfade:tick")(tick)
    app.periodic(cron="* * * * *", periodic_id="crossfade")(ticking)

    def defer(wanted: Slice) -> bool:
        return _defer(slicing, wanted)

    return Tasks(tick=ticking, run_slice=slicing)


def _listing(databases: Databases) -> Callable[[], Sequence[Database]]:
    """What gives the databases, each time."""
    if callable(databases):
        return databases
    listed = (database_of(databases),) if isinstance(databases, str) else checked(databases, "the list of databases")
    return lambda: listed


def _due(databases: Iterable[Database], slots: int) -> tuple[list[Slice], int]:
    """What is due in all databases, and how many could not be asked; one's trouble is not the others'."""

    def ask(database: Database) -> tuple[Slice, ...] | None:
        try:
            return due_slices(database, slots)
        except (CrossfadeError, psycopg.Error) as error:
            _logger.warning("database %s could not be asked: %s", database.name, masked(str(error).strip()))
            return None

    with ThreadPoolExecutor(max_workers=_AT_A_TIME, thread_name_prefix="crossfade-tick") as pool:
        answers = list(pool.map(ask, databases))
    return [one for answer in answers if answer for one in answer], answers.count(None)


def _defer(task: procrastinate.tasks.Task[Any, Any, Any], wanted: Slice) -> bool:
    """Put a slice into the queue; False where it waits there already."""
    from procrastinate.exceptions import AlreadyEnqueued

    try:
        task.configure(queueing_lock=wanted.queueing_lock).defer(
            database=wanted.database, run=wanted.run, slot=wanted.slot
        )
    except AlreadyEnqueued:
        return False
    return True
