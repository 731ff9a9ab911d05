"""Writing rows inside a batch's transaction: its settings, and what a write says of rows that it got wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.backfill.task import send_write
from crossfade.errors import StepFailed
from crossfade.operations.step import DataChange, Delete, Update

if TYPE_CHECKING:
    from crossfade.backfill.job import Job
    from crossfade.backfill.ranges import Query, Ranges

Connection = psycopg.Connection[Any]
LOCK_SECONDS = 0.2
"""How long a write waits for a row that others hold, the first time."""
_BEFORE = sql.SQL(
    "SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {};"
    " SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL search_path TO DEFAULT"
)
_AFTER = sql.SQL("SET LOCAL search_path TO pg_catalog; SET LOCAL lock_timeout = '10s'")


def begin_writing(connection: Connection, *, lock_seconds: float, seconds: float) -> None:
    """Prepare the transaction for writes of users' rows, in one round trip.

    What a constraint or a trigger would say only at COMMIT has to be said while the row can still be found. The path is
    the one that triggers of the users' tables know; an error ends the transaction, and the path with it.
    """
    connection.execute(_BEFORE.format(f"{1000 * lock_seconds:.0f}ms", f"{1000 * seconds:.0f}ms"))


def end_writing(connection: Connection) -> None:
    """Go over to the ledger's rows, which are only ever held for a moment: a good batch waits for them."""
    connection.execute(_AFTER)


def write(connection: Connection, job: Job, ranges: Ranges, query: Query) -> int:
    """Send a write of `ranges`; how many rows it wrote.

    Raises StepFailed where rows would be met again, or did not reach the archive; then the transaction must not commit.
    """
    written, wrong = send_write(connection, query)
    if wrong:
        _refuse(job, ranges, wrong)
    return written


def _refuse(job: Job, ranges: Ranges, count: int) -> None:
    match job.change:
        case DataChange(write=Update()):
            raise StepFailed(
                f"{ranges.relation}: {count} of the rows would still be meant after they were changed, and without a "
                "key they could be changed twice; nothing of this batch was changed",
                hint="Give the table a primary key, or write a `where` that is false for a row once it is changed.",
                location=str(ranges.relation),
                sqlstate=None,
            )
        case DataChange(write=Delete(archive=archive)):
            raise StepFailed(
                f"{ranges.relation}: {count} of the deleted rows did not reach {archive}: a trigger or a rule kept "
                "them out; nothing of this batch was deleted",
                hint="Look at the archive's triggers and rules, then run the command again.",
                location=str(ranges.relation),
                sqlstate=None,
            )
