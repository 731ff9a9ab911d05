"""One worker: batch after batch on a connection of its own, until none is left.

Any number of workers, in any number of processes and hosts, work on one run; the ledger hands each batch to one of
them. A worker knows nothing of the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.backfill import retry
from crossfade.backfill.batch import BatchFailed, Idle, Progress, take_turn
from crossfade.backfill.claims import RelationGone, RelationReplaced
from crossfade.backfill.listing import Whereabouts, forget_relation, locate
from crossfade.backfill.quarantine import described, is_refusal, stop_if_too_many
from crossfade.backfill.retry import Attempt, Link, Passing, passing, trying_again
from crossfade.backfill.task import replaced, set_pace
from crossfade.backfill.troubles import Troubles
from crossfade.errors import LockNotAcquired, StepFailed
from crossfade.observe.events import BackfillTrouble, BatchDone
from crossfade.operations.step import DataChange
from crossfade.postgres.locks import blockers
from crossfade.postgres.statement import Lock, LockMode

if TYPE_CHECKING:
    from crossfade.backfill.job import Job
    from crossfade.backfill.task import Task
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]
_BUSY_SECONDS = 0.05
"""Between two looks for a batch while others have the last ones in hand."""
_HOLDERS = 3
"""How many sessions a message names."""


def work(job: Job, is_wanted: Callable[[], bool]) -> None:
    """Do batches until none is left, or the worker is not wanted any more.

    Raises WorkLeft when asked to stop or paused, RowsFailed where too many rows were refused, LockNotAcquired where
    rows stayed locked, StepFailed for any other refusal, psycopg's error of a connection that could not be had again.
    """
    troubles = Troubles()
    with open_link(job) as link:
        try:
            while is_wanted():
                job.admit(is_wanted)
                turn = link.run(partial(_turn, job=job, troubles=troubles))
                match turn:
                    case Progress():
                        troubles.done(turn.claim.id)
                        job.control.took(turn.seconds)
                        _report(link, job, turn)
                        job.rest(turn.seconds, turn.standings.wait_seconds, is_wanted)
                    case BatchFailed():
                        _take_note(link, job, troubles, turn)
                    case RelationGone():
                        _let_go(link, job, turn)
                    case Idle.BUSY:
                        job.sleep(max(_BUSY_SECONDS, min(troubles.soonest(), 1.0)), is_wanted)
                    case Idle.CUT:
                        continue
                    case Idle.OVER:
                        return
        except psycopg.Error as error:
            raise explained(link, error) from error


def open_link(job: Job) -> Link:
    """A connection for the work of a job, which is told of what goes wrong with it."""
    return Link(job.connect, go_on=job.check, tell=partial(_tell, job), where=job.table)


def _turn(
    connection: Connection, attempt: Attempt, *, job: Job, troubles: Troubles
) -> Progress | Idle | BatchFailed | RelationGone:
    try:
        return take_turn(connection, job, troubles, attempt.divisor)
    except BatchFailed as failed:
        if passing(failed.error) is Passing.CONNECTION:
            raise failed.error from None
        return failed
    except RelationGone as gone:
        return gone


def _take_note(link: Link, job: Job, troubles: Troubles, failed: BatchFailed) -> None:
    """Make up one's mind about a batch that failed. Raises its error where nothing can be done about it."""
    error, task = failed.error, failed.claim.task
    link.where = task.relation
    kind = passing(error)
    if kind is not None:
        _try_later(link, job, troubles, failed, kind)
        return
    before = troubles.of(failed.claim.id)
    if is_refusal(error) and not (before and before.refused):
        troubles.refused(failed.claim.id, error)
        return
    if not isinstance(error, psycopg.errors.UndefinedTable) or _where(link, job, task) is Whereabouts.HERE:
        raise error
    _let_go(link, job, RelationGone(task))


def _where(link: Link, job: Job, task: Task) -> Whereabouts:
    return link.run(lambda connection, _attempt: locate(connection, job, task))


def _let_go(link: Link, job: Job, gone: RelationGone) -> None:
    """A partition that was dropped meanwhile has no rows left; another one in its place is listed later.

    One that was only renamed is gone on with. Raises StepFailed where rows that were changed may lie in another one
    too, and would be changed twice.
    """
    task = gone.task
    if _where(link, job, task) is not Whereabouts.GONE:
        return
    if isinstance(gone, RelationReplaced) and isinstance(job.change, DataChange):
        raise replaced(task.relation)
    link.run(lambda connection, _attempt: forget_relation(connection, task))
    say(job, task.relation, "it was dropped meanwhile; nothing is left to do there")


def _try_later(link: Link, job: Job, troubles: Troubles, failed: BatchFailed, kind: Passing) -> None:
    pace = failed.claim.task.pace
    trouble = troubles.failed(failed.claim.id, kind, failed.error)
    made_way = job.control.made_way(failed.claim.id)
    if kind is Passing.TIMEOUT and (made_way or pace.batch_rows > 1):
        # It counts as a failure only once there is no smaller batch to try, and never where it made way for somebody.
        trouble.failed[kind] -= 1
        trouble.until = time.monotonic()
    elif trouble.is_spent(kind):
        raise failed.error
    if trouble.wants_less(kind):
        smaller = pace.cut(min(failed.claim.covered, pace.batch_rows))
        link.run(lambda connection, _attempt: set_pace(connection, failed.claim.task.id, smaller))
    if kind is Passing.DISK:
        job.control.hold(f"the server's disk is full: {_first_line(failed.error)}", trouble.until)
    message = trying_again(max(1, trouble.attempts), failed.error, max(0.0, trouble.until - time.monotonic()))
    _tell(job, link, kind, message)


def _report(link: Link, job: Job, progress: Progress) -> None:
    task, standings = progress.claim.task, progress.standings
    link.where = task.relation
    job.control.emit(
        BatchDone(
            run=job.run_name,
            change=job.change.id,
            relation=str(task.relation),
            rows=progress.rows,
            duration_ms=progress.seconds * 1000,
            rows_done=standings.rows_done,
            rows_estimated=standings.rows_estimated,
            batch_rows=standings.batch_rows,
        )
    )
    job.control.wrote(task, progress.rows, standings.rows_estimated)
    if progress.rejected:
        count, first = len(progress.rejected), progress.rejected[0]
        refused = "a row was refused," if count == 1 else f"{count} rows were refused, the first"
        say(job, task.relation, f"{refused} {described(first.key)}: {first.message}")
        link.run(lambda connection, _attempt: stop_if_too_many(connection, job))


def say(job: Job, relation: QualifiedName, message: str) -> None:
    """Tell of something that a person may want to know."""
    job.control.emit(BackfillTrouble(run=job.run_name, change=job.change.id, relation=str(relation), message=message))


def _tell(job: Job, link: Link, kind: Passing, message: str) -> None:
    holders = f"; {_holders(link)}" if kind is Passing.LOCK else ""
    say(job, link.where, message + holders)


def _holders(link: Link) -> str:
    """The longest open transactions that have locked rows of the relation; whose row it was cannot be known."""
    if link.connection is None:
        return ""
    try:
        found = blockers(link.connection, [Lock(relation=str(link.where), mode=LockMode.EXCLUSIVE)])
    except psycopg.Error:
        return ""
    return "; ".join(str(b) for b in found[:_HOLDERS])


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().splitlines()[0]


def explained(link: Link, error: psycopg.Error) -> StepFailed | LockNotAcquired | psycopg.Error:
    """The error for a person; one of a lost connection stays, since whoever drives the run connects anew."""
    said = error.diag.message_primary or str(error).strip()
    match passing(error):
        case Passing.CONNECTION:
            return error
        case Passing.LOCK:
            return LockNotAcquired(
                f"{link.where}: rows stayed locked for {retry.PATIENCE_SECONDS:.0f} s: {said}. {_holders(link)}",
                hint="The batches before are committed. End the transaction that holds them, then go on.",
                location=str(link.where),
            )
        case _:
            return StepFailed(
                f"{link.where}: PostgreSQL says: {said} (SQLSTATE {error.sqlstate})",
                sqlstate=error.sqlstate,
                hint="The batch was rolled back; those before it are committed. Remove the cause and run the command "
                "again.",
                location=str(link.where),
            )
