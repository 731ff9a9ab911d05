"""Which relations hold the table's rows now, while partitions come and go."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.backfill.keys import Relation, relations_of
from crossfade.backfill.task import Task, end_task
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.backfill.job import Job

Connection = psycopg.Connection[Any]


def listed(connection: Connection, job: Job) -> tuple[Relation, ...]:
    """Every relation that holds rows of the table now."""
    return relations_of(connection, job.table)


class Whereabouts(Enum):
    """Of a relation that a task is about."""

    HERE = "it has the name that the task knows"
    MOVED = "it has another name now, or is in another schema, and its task knows"
    GONE = "it holds no rows of the table any more"


def locate(connection: Connection, job: Job, task: Task) -> Whereabouts:
    """Where the task's relation is now; its task follows it there."""
    with connection.transaction():
        relations = listed(connection, job)
        follow_renames(connection, job, relations)
        row = connection.execute("SELECT relation_oid FROM crossfade.backfills WHERE id = %s", [task.id]).fetchone()
    now = next((r.name for r in relations if row and r.oid == row[0]), None)
    if now is None:
        return Whereabouts.GONE
    return Whereabouts.HERE if now == task.relation else Whereabouts.MOVED


def follow_renames(connection: Connection, job: Job, relations: Sequence[Relation]) -> None:
    """Let each task and its refused rows go by the name that its relation has now. Part of the caller's transaction."""
    names = {r.oid: str(r.name) for r in relations}
    known = connection.execute(
        "SELECT id, relation, pg_catalog.parse_ident(relation), relation_oid FROM crossfade.backfills"
        " WHERE run_id = %s AND change_id = %s",
        [job.run_id, job.change.id],
    ).fetchall()
    moved = {task: names[oid] for task, name, _, oid in known if oid in names and names[oid] != name}
    # First aside: two may have exchanged their names, and what had one of them before may be no part of the table.
    asides = {
        task: (name, str(QualifiedName(schema, f"{bare} ({oid})")))
        for task, name, (schema, bare), oid in known
        if task in moved or (oid not in names and name in moved.values())
    }
    for task, (name, aside) in asides.items():
        _call(connection, job, task, name, aside)
    for task, new in moved.items():
        _call(connection, job, task, asides[task][1], new)


def _call(connection: Connection, job: Job, task: int, name: str, new: str) -> None:
    connection.execute("UPDATE crossfade.backfills SET relation = %s WHERE id = %s", [new, task])
    connection.execute(
        "UPDATE crossfade.rejected_rows SET relation = %s WHERE run_id = %s AND change_id = %s AND relation = %s",
        [new, job.run_id, job.change.id, name],
    )


def forget_relation(connection: Connection, task: Task) -> None:
    """A partition that was dropped meanwhile has no rows left."""
    with connection.transaction():
        end_task(connection, task.id)


def forget_gone(connection: Connection, job: Job, relations: Sequence[Relation]) -> None:
    """A relation that is no longer part of the table has no rows to fill: its task ends, and so do its open rows.

    Part of the caller's transaction.
    """
    follow_renames(connection, job, relations)
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
