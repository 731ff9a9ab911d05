"""Which relations hold the table's rows now, while partitions come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.backfill.keys import Relation, relations_of
from crossfade.backfill.task import Task, end_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.backfill.job import Job

Connection = psycopg.Connection[Any]


def listed(connection: Connection, job: Job) -> tuple[Relation, ...]:
    """Every relation that holds rows of the table now."""
    return relations_of(connection, job.table)


def is_listed(connection: Connection, job: Job, task: Task) -> bool:
    """Whether the task's relation still holds rows of the table."""
    return any(r.name == task.relation for r in listed(connection, job))


def forget_relation(connection: Connection, task: Task) -> None:
    """A partition that was dropped meanwhile has no rows left."""
    with connection.transaction():
        end_task(connection, task.id)


def forget_gone(connection: Connection, job: Job, relations: Sequence[Relation]) -> None:
    """A relation that is no longer part of the table has no rows to fill: its task ends, and so do its open rows.

    Part of the caller's transaction.
    """
    parameters = {"run": job.run_id, "change": job.change.id, "there": [str(r.name) for r in relations]}
    connection.execute(
        "UPDATE crossfade.rejected_rows SET state = 'resolved', at = pg_catalog.clock_timestamp()"
        " WHERE run_id = %(run)s AND change_id = %(change)s AND state = 'open' AND relation <> ALL (%(there)s)",
        parameters,
    )
    gone = connection.execute(
        "SELECT id FROM crossfade.backfills"
        " WHERE run_id = %(run)s AND change_id = %(change)s AND finished_at IS NULL AND relation <> ALL (%(there)s)",
        parameters,
    ).fetchall()
    for (task,) in gone:
        end_task(connection, task)
