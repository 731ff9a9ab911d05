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

from crossfade.backfill.claims import Claim, Done, Standings, claim, cut, finish, fitted, leave, work_is_left
from crossfade.backfill.pace import after_batch
from crossfade.backfill.quarantine import Rejected, Written, record_rejected, write_around
from crossfade.backfill.task import fetch
from crossfade.backfill.writing import LOCK_SECONDS, begin_writing, end_writing, write
from crossfade.operations.step import Copy

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


def take_turn(connection: Connection, job: Job, troubles: Troubles, divisor: int = 1) -> Progress | Idle:
    """Do and commit the next batch that nobody has in hand; where there is none, cut some.

    `divisor` makes the cuts smaller. Raises BatchFailed where a batch was begun and rolled back, WorkLeft where the run
    is paused or turned back.
    """
    with connection.transaction():
        claimed = _claimed(connection, job, troubles)
        if claimed is None:
            if len(troubles.avoided()) < _MOST_LEFT_ALONE and cut(connection, job, divisor):
                return Idle.CUT
            return Idle.BUSY if work_is_left(connection, job) else Idle.OVER
        try:
            with job.control.in_hand(connection, claimed.id):
                return _do(connection, job, claimed, troubles.of(claimed.id))
        except psycopg.Error as error:
            raise BatchFailed(claimed, error) from error


def _claimed(connection: Connection, job: Job, troubles: Troubles) -> Claim | None:
    """The next batch, looked for behind this worker's last one first.

    What is done before it may still be dead entries of the index, while some old transaction is open.
    """
    for least in dict.fromkeys((troubles.last, 0)):
        standing = claim(connection, job, troubles.avoided(), least)
        job.require_open(standing.state, standing.paused, standing.token)
        if standing.claim is not None:
            troubles.last = standing.claim.id
            return standing.claim
    return None


def _do(connection: Connection, job: Job, claimed: Claim, trouble: Trouble | None) -> Progress:
    begun = time.monotonic()
    asked = fitted(connection, job, claimed)
    ranges = asked.task.ranges(job.change)
    attempts = 0 if trouble is None else trouble.attempts
    begin_writing(connection, lock_seconds=min(LOCK_SECONDS + 0.1 * attempts, 1.0), seconds=job.control.patience())
    written = _write(connection, job, ranges, asked, trouble)
    end_writing(connection)
    seconds = time.monotonic() - begun
    done = asked if written.upto == asked.upto else leave(connection, job, asked, written.upto)
    if written.rejected:
        record_rejected(connection, job, done.task.relation, written.rejected)
    pace = after_batch(done.task.pace, job.aim, asked=asked.covered, rows=done.covered, seconds=seconds)
    standings = finish(connection, job, done, Done(rows=written.rows, seconds=seconds), pace)
    return Progress(claim=done, rows=written.rows, seconds=seconds, rejected=written.rejected, standings=standings)


def _write(connection: Connection, job: Job, ranges: Ranges, asked: Claim, trouble: Trouble | None) -> Written:
    if trouble is not None and trouble.locks_first and not isinstance(job.change.write, Copy):
        fetch(connection, ranges.lock_range(asked.after, asked.upto))
    if trouble is not None and trouble.refused:
        return write_around(connection, job, ranges, asked.after, asked.upto)
    rows = write(connection, job, ranges, ranges.write_range(asked.after, asked.upto))
    return Written(rows=rows, upto=asked.upto)
