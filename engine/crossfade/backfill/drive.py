"""Migrating the rows of one change: every relation, batch after batch, until no row is pending.

`fill` can be called as often as one likes; it goes on where the ledger says the last committed batches ended. Relations
are listed again at the end, since partitions may have come meanwhile. Refused rows do not stop the others; while one
is open, `fill` ends with RowsFailed. `help_out` does batches for a runner that is elsewhere, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.backfill.claims import some_are_ready
from crossfade.backfill.crew import work_through
from crossfade.backfill.listing import follow_renames, forget_gone, forget_relation, listed
from crossfade.backfill.quarantine import LISTED, raise_if_open, record_left, retry_open, stop_if_too_many, walk_again
from crossfade.backfill.task import Task, find_task, finish_task, open_task, rows_of_pass
from crossfade.backfill.verify import pending_rows
from crossfade.backfill.worker import explained, open_link, say
from crossfade.operations.step import DataChange, RowChange, RowCopy, RowFill

if TYPE_CHECKING:
    from crossfade.backfill.job import Job
    from crossfade.backfill.keys import Relation
    from crossfade.backfill.retry import Attempt, Link
    from crossfade.operations.step import RowWork

Connection = psycopg.Connection[Any]
_MOST_PASSES = 5
"""Over rows without a key that nothing keeps in step: others may go on making rows that are meant."""


def fill(job: Job) -> None:
    """Do every pending row of a change, in batches that commit together with their entry in the ledger.

    Raises WorkLeft when asked to stop or paused, LostLease once another runner has the run, RowsFailed with the keys of
    refused rows after all others are done, LockNotAcquired where rows stayed locked, StepFailed for any other refusal.
    """
    with open_link(job) as link:
        try:
            _fill_all(link, job)
            link.run(lambda connection, _attempt: _settle(connection, job))
        except psycopg.Error as error:
            raise explained(link, error) from error


def help_out(job: Job) -> None:
    """Do batches of a run that another runner drives, as long as there are any. Raises what `fill` raises."""
    work_through(job)


def try_again(job: Job) -> None:
    """Try the refused rows again, and nothing else; without a key they have to be found by one more walk.

    Raises RowsFailed while one is still refused, and what `fill` raises.
    """
    with open_link(job) as link:
        try:
            relations = link.run(lambda connection, _attempt: listed(connection, job))
            for relation in relations:
                retry_open(link, job, relation)
            tasks = [link.run(partial(_task, job=job, relation=r)) for r in relations]
            if any(task is not None and task.key.is_place and not task.finished for task in tasks):
                _fill_all(link, job)
            link.run(lambda connection, _attempt: _settle(connection, job))
        except psycopg.Error as error:
            raise explained(link, error) from error


def _task(connection: Connection, _attempt: Attempt, *, job: Job, relation: Relation) -> Task | None:
    return find_task(connection, job, relation)


def _fill_all(link: Link, job: Job) -> None:
    """Every relation of the table, each once; listed again until there is no new one."""
    seen: set[int] = set()
    while True:
        new = [r for r in link.run(lambda connection, _attempt: _list(connection, job)) if r.oid not in seen]
        if not new:
            return
        seen.update(r.oid for r in new)
        there = [r for r in new if _begin(link, job, r)]
        link.run(lambda connection, _attempt: stop_if_too_many(connection, job))
        _work(link, job)
        again = [r for r in there if _walked(link, job, r)]
        while again:
            _work(link, job)
            again = [r for r in again if _walked(link, job, r)]
        if not isinstance(job.change, DataChange) and _stays(job.change):
            begun = {r.oid for r in there}
            now = link.run(lambda connection, _attempt: _list(connection, job))
            _look_for_pending(link, job, job.change, [r for r in now if r.oid in begun])


def _stays(change: RowWork) -> bool:
    """Whether a row that is done stays so, so that none is pending in the end."""
    return not isinstance(change, DataChange) and not (isinstance(change, RowFill) and not change.stays)


def _list(connection: Connection, job: Job) -> tuple[Relation, ...]:
    with connection.transaction():
        job.prove_lease(connection)
        found = listed(connection, job)
        follow_renames(connection, job, found)
        return found


def _work(link: Link, job: Job) -> None:
    link.release()
    work_through(job)


def _begin(link: Link, job: Job, relation: Relation) -> bool:
    """Open the relation's task and try its open rows again; False where it was dropped meanwhile."""
    try:
        link.where = relation.name
        retry_open(link, job, relation)
        link.run(lambda connection, _attempt: _open(connection, job, relation))
    except psycopg.errors.UndefinedTable:
        if not _is_dropped(link, job, relation):
            raise
        return False
    return True


def _open(connection: Connection, job: Job, relation: Relation) -> Task:
    with connection.transaction():
        job.prove_lease(connection)
        return open_task(connection, job, relation)


def _walked(link: Link, job: Job, relation: Relation) -> bool:
    """End the relation's pass, if all its batches are done; True where there is more to do.

    By key one pass is all. By place, rows may have been moved past us, so until one finds nothing.
    """
    return link.run(lambda connection, _attempt: _end_pass(connection, job, relation))


def _end_pass(connection: Connection, job: Job, relation: Relation) -> bool:
    with connection.transaction():
        job.prove_lease(connection)
        task = find_task(connection, job, relation)
        if task is None or task.finished:
            return False
        if not task.is_cut or some_are_ready(connection, task):
            return True
        may_go_on = _stays(job.change) or task.pass_number < _MOST_PASSES
        is_another = task.key.is_place and may_go_on and rows_of_pass(connection, task) > 0
        if is_another and walk_again(connection, job, task):
            return True
        finish_task(connection, task.id)
        return False


def _look_for_pending(
    link: Link, job: Job, change: RowChange | RowFill | RowCopy, relations: Iterable[Relation]
) -> None:
    for relation in relations:
        link.where = relation.name
        try:
            _look(link, job, change, relation)
        except psycopg.errors.UndefinedTable:
            if not _is_dropped(link, job, relation):
                raise


def _look(link: Link, job: Job, change: RowChange | RowFill | RowCopy, relation: Relation) -> None:
    left = pending_rows(link, relation, change, most=LISTED, share=job.control.settings.verified_share)
    task = link.run(lambda connection, _attempt: find_task(connection, job, relation))
    if left and task is not None and task.key.is_place:
        # Rows may have been moved past us (VACUUM FULL).
        link.run(lambda connection, _attempt: _begin_again(connection, job, task))
        _work(link, job)
        while _walked(link, job, relation):
            _work(link, job)
        left = pending_rows(link, relation, change, most=LISTED, share=job.control.settings.verified_share)
    if left and task is not None:
        link.run(lambda connection, _attempt: record_left(connection, job, task, left))


def _begin_again(connection: Connection, job: Job, task: Task) -> None:
    with connection.transaction():
        job.prove_lease(connection)
        walk_again(connection, job, task)


def _is_dropped(link: Link, job: Job, relation: Relation) -> bool:
    """Whether the relation holds rows of the table no more; then nothing is left to do there."""
    if any(r.oid == relation.oid for r in link.run(lambda connection, _attempt: listed(connection, job))):
        return False
    link.run(lambda connection, _attempt: _forget(connection, job, relation))
    say(job, relation.name, "it was dropped meanwhile; nothing is left to do there")
    return True


def _forget(connection: Connection, job: Job, relation: Relation) -> None:
    task = find_task(connection, job, relation)
    if task is not None:
        forget_relation(connection, task)


def _settle(connection: Connection, job: Job) -> None:
    """Raises RowsFailed while a row of a relation that is still there is open."""
    with connection.transaction():
        job.prove_lease(connection)
        forget_gone(connection, job, listed(connection, job))
    raise_if_open(connection, job)
