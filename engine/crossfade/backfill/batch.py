"""One batch: one transaction that writes the rows of a range together with everything the ledger says about it.

Killed at any point, nothing of it has happened; committed, all of it has. A connection that was lost during COMMIT is
no question either: a batch that is done is not claimed again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.backfill.claims import Claim, Done, Standings, claim, cut, finish, fitted, leave, some_are_ready
from crossfade.backfill.pace import after_batch
from crossfade.backfill.quarantine import Rejected, Written, record_rejected, write_around
from crossfade.backfill.task import fetch
from crossfade.errors import StepFailed
from crossfade.operations.step import DataChange, Delete, Update

if TYPE_CHECKING:
    from crossfade.backfill.job import Job
    from crossfade.backfill.ranges import Ranges
    from crossfade.backfill.troubles import Trouble, Troubles

Connection = psycopg.Connection[Any]


_MOST_LEFT_ALONE = 8
"""With so many batches that failed, the next would most likely fail as well."""


class Idle(Enum):
    """Why a turn did no batch."""

    CUT = "new batches were cut, or somebody else is just cutting"
    BUSY = "others have in hand what is left, or it is left alone for a while"
    OVER = "no batch is left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A committed batch, and where its relation stands after it."""

    claim: Claim
    rows: int
    seconds: float
    rejected: tuple[Rejected, ...]
    standings: Standings


class BatchFailed(Exception):
    """A batch was rolled back; its cause is the database's error."""

    def __init__(self, claim: Claim, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.claim = claim
        self.error = error


def take_turn(connection: Connection, job: Job, troubles: Troubles) -> Progress | Idle:
    """Do and commit the next batch that nobody has in hand; where there is none, cut some.

    Raises BatchFailed where a batch was begun and rolled back, WorkLeft where the run is paused or turned back.
    """
    with connection.transaction():
        standing = claim(connection, job, troubles.avoided())
        job.require_open(standing)
        if standing.claim is None:
            if len(troubles.avoided()) < _MOST_LEFT_ALONE and cut(connection, job):
                return Idle.CUT
            return Idle.BUSY if some_are_ready(connection, job) else Idle.OVER
        claimed = standing.claim
        try:
            with job.control.in_hand(connection):
                return _do(connection, job, claimed, troubles.of(claimed.id))
        except psycopg.Error as error:
            raise BatchFailed(claimed, error) from error


def _do(connection: Connection, job: Job, claimed: Claim, trouble: Trouble | None) -> Progress:
    begun = time.monotonic()
    asked = fitted(connection, job, claimed)
    ranges = asked.task.ranges(job.change)
    attempts = 0 if trouble is None else trouble.attempts
    _set_up(connection, lock_seconds=min(0.2 + 0.1 * attempts, 1.0), seconds=job.control.patience())
    written = _write(connection, job, ranges, asked, trouble)
    connection.execute("SET LOCAL search_path TO pg_catalog")
    seconds = time.monotonic() - begun
    done = asked if written.upto == asked.upto else leave(connection, job, asked, written.upto)
    if written.rejected:
        record_rejected(connection, job, done.task.relation, written.rejected)
    pace = after_batch(done.task.pace, job.aim, asked=asked.covered, rows=done.covered, seconds=seconds)
    standings = finish(connection, job, done, Done(rows=written.rows, seconds=seconds), pace)
    return Progress(claim=done, rows=written.rows, seconds=seconds, rejected=written.rejected, standings=standings)


def _write(connection: Connection, job: Job, ranges: Ranges, asked: Claim, trouble: Trouble | None) -> Written:
    if trouble is not None and trouble.locks_first:
        fetch(connection, ranges.lock_range(asked.after, asked.upto))
    if trouble is not None and trouble.refused:
        return write_around(connection, job, ranges, asked.after, asked.upto)
    written, wrong = fetch(connection, ranges.write_range(asked.after, asked.upto))[0]
    if wrong:
        refuse_wrong(job, ranges, wrong)
    return Written(rows=written, upto=asked.upto)


def refuse_wrong(job: Job, ranges: Ranges, count: int) -> None:
    """What a write reports of its own rows: some would be met again, or did not reach the archive."""
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


_SETTINGS = sql.SQL(
    "SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {};"
    " SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL search_path TO DEFAULT"
)


def _set_up(connection: Connection, *, lock_seconds: float, seconds: float) -> None:
    """Prepare the transaction for the write, in one round trip.

    What a constraint or a trigger would say only at COMMIT has to be said while the row can still be found. The path is
    the one that triggers of the users' tables know; an error ends the transaction, and the path with it.
    """
    connection.execute(_SETTINGS.format(f"{1000 * lock_seconds:.0f}ms", f"{1000 * seconds:.0f}ms"))
