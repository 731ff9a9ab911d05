"""Migrating the rows of one change: relation after relation, batch after batch, until none is pending.

`fill` can be called as often as one likes; it goes on where the ledger says the last committed batch ended. Relations
are listed again at the end, since partitions may have come meanwhile. Refused rows do not stop the others; while one
is open, `fill` ends with RowsFailed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.backfill.batch import Progress, next_batch
from crossfade.backfill.keys import Relation, relations_of
from crossfade.backfill.rejected import (
    MOST,
    described,
    forget_gone,
    open_count,
    raise_if_open,
    record_left,
    retry_open,
    walk_again,
)
from crossfade.backfill.retry import PATIENCE_SECONDS, Link, Passing, passing
from crossfade.backfill.task import Fill, Task, finish_task, open_task, prove_lease
from crossfade.backfill.vacuum import DeadRows, vacuum
from crossfade.backfill.verify import pending_rows
from crossfade.errors import LockNotAcquired, StepFailed
from crossfade.observe.events import BackfillTrouble, BatchDone, Emit, Vacuumed
from crossfade.postgres.locks import blockers
from crossfade.postgres.statement import Lock, LockMode

if TYPE_CHECKING:
    from crossfade.operations.step import RowChange
    from crossfade.plan.model import Backfill
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]
_HOLDERS = 3
"""How many sessions a message names."""


def fill(
    *,
    connect: Callable[[], Connection],
    run_id: int,
    run_name: str,
    token: int,
    change: RowChange,
    settings: Backfill,
    should_stop: Callable[[], str | None],
    emit: Emit,
) -> None:
    """Migrate every pending row of a change, in batches that commit together with their entry in the ledger.

    Raises WorkLeft when asked to stop or paused, LostLease once another runner has the run, RowsFailed with the keys of
    refused rows after all others are done, LockNotAcquired where rows stayed locked, StepFailed for any other refusal.
    """
    work = Fill(
        run_id=run_id,
        run_name=run_name,
        token=token,
        change=change,
        batch_rows=settings.batch_rows,
        target=settings.target / timedelta(seconds=1),
        should_stop=should_stop,
        emit=emit,
    )
    with Link(connect, go_on=work.go_on, tell=partial(_tell, work), where=work.table) as link:
        try:
            for relation in _relations(link, work):
                link.where = relation.name
                _fill_relation(link, connect, work, relation)
            link.run(lambda connection, _attempt: _settle(connection, work))
        except psycopg.Error as error:
            raise _explained(link, error) from error


def _relations(link: Link, fill: Fill) -> Iterator[Relation]:
    """Every relation of the table, each once; listed again until there is no new one."""
    seen: set[int] = set()
    while True:
        listed = link.run(lambda connection, _attempt: _listed(connection, fill))
        new = [r for r in listed if r.oid not in seen]
        if not new:
            return
        seen.update(r.oid for r in new)
        yield from new


def _listed(connection: Connection, fill: Fill) -> tuple[Relation, ...]:
    return relations_of(connection, fill.table)


def _settle(connection: Connection, fill: Fill) -> None:
    """Raises RowsFailed while a row of a relation that is still there is open."""
    with connection.transaction():
        prove_lease(connection, fill)
        forget_gone(connection, fill, _listed(connection, fill))
    raise_if_open(connection, fill)


def _fill_relation(link: Link, connect: Callable[[], Connection], fill: Fill, relation: Relation) -> None:
    try:
        retry_open(link, fill, relation)
        task = _walk(link, connect, fill, relation)
        left = pending_rows(link, relation, fill.change, most=MOST)
        if left and task.key.is_place:
            # Rows may have been moved past us (VACUUM FULL).
            link.run(lambda connection, _attempt: _begin_again(connection, fill, task))
            task = _walk(link, connect, fill, relation)
            left = pending_rows(link, relation, fill.change, most=MOST)
        if left:
            link.run(lambda connection, _attempt: record_left(connection, fill, task, left))
    except psycopg.errors.UndefinedTable:
        if any(r.oid == relation.oid for r in link.run(lambda connection, _attempt: _listed(connection, fill))):
            raise
        link.run(lambda connection, _attempt: _let_go(connection, fill, relation))


def _walk(link: Link, connect: Callable[[], Connection], fill: Fill, relation: Relation) -> Task:
    """Batch after batch to the relation's end."""
    task = link.run(lambda connection, _attempt: _open(connection, fill, relation))
    dead = DeadRows()
    while not task.finished:
        progress = next_batch(link, fill, relation.name)
        task = progress.task
        _report(link, fill, progress)
        dead.count += progress.rows
        if dead.are_many(task.rows_estimated) and not task.finished:
            dead.count = 0
            _vacuum(connect, fill, relation.name)
    return task


def _begin_again(connection: Connection, fill: Fill, task: Task) -> None:
    with connection.transaction():
        prove_lease(connection, fill)
        walk_again(connection, fill, task)


def _vacuum(connect: Callable[[], Connection], fill: Fill, relation: QualifiedName) -> None:
    message = vacuum(connect, relation, fill.should_stop)
    fill.emit(Vacuumed(run=fill.run_name, change=fill.change.id, relation=str(relation), message=message))


def _open(connection: Connection, fill: Fill, relation: Relation) -> Task:
    with connection.transaction():
        prove_lease(connection, fill)
        return open_task(connection, fill, relation)


def _let_go(connection: Connection, fill: Fill, relation: Relation) -> None:
    """A partition that was dropped meanwhile has no rows left."""
    with connection.transaction():
        prove_lease(connection, fill)
        finish_task(connection, fill, relation.name)
    _say(fill, relation.name, "it was dropped meanwhile; nothing is left to do there")


def _report(link: Link, fill: Fill, progress: Progress) -> None:
    task = progress.task
    if progress.seconds:
        fill.emit(
            BatchDone(
                run=fill.run_name,
                change=fill.change.id,
                relation=str(task.relation),
                rows=progress.rows,
                duration_ms=progress.seconds * 1000,
                rows_done=task.rows_done,
                rows_estimated=task.rows_estimated,
                batch_rows=task.pace.batch_rows,
            )
        )
    if progress.rejected:
        count, first = len(progress.rejected), progress.rejected[0]
        refused = "a row was refused," if count == 1 else f"{count} rows were refused, the first"
        _say(fill, task.relation, f"{refused} {described(first.key)}: {first.message}")
        link.run(lambda connection, _attempt: _stop_if_too_many(connection, fill))


def _stop_if_too_many(connection: Connection, fill: Fill) -> None:
    if open_count(connection, fill) >= MOST:
        raise_if_open(connection, fill, stopped=", and the backfill stopped there, since they are so many")


def _say(fill: Fill, relation: QualifiedName, message: str) -> None:
    fill.emit(BackfillTrouble(run=fill.run_name, change=fill.change.id, relation=str(relation), message=message))


def _tell(fill: Fill, link: Link, kind: Passing, message: str) -> None:
    holders = f"; {_holders(link)}" if kind is Passing.LOCK else ""
    _say(fill, link.where, message + holders)


def _holders(link: Link) -> str:
    """The longest open transactions that have locked rows of the relation; whose row it was cannot be known."""
    if link.connection is None:
        return ""
    try:
        found = blockers(link.connection, [Lock(relation=str(link.where), mode=LockMode.EXCLUSIVE)])
    except psycopg.Error:
        return ""
    return "; ".join(str(b) for b in found[:_HOLDERS])


def _explained(link: Link, error: psycopg.Error) -> StepFailed | LockNotAcquired | psycopg.Error:
    """The error for a person; one of a lost connection stays, since whoever drives the run connects anew."""
    said = str(error).strip()
    match passing(error):
        case Passing.CONNECTION:
            return error
        case Passing.LOCK:
            return LockNotAcquired(
                f"{link.where}: rows stayed locked for {PATIENCE_SECONDS:.0f} s: {said}. {_holders(link)}",
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
