"""Batches in the ledger: cut a few ahead at the frontier, claimed by a lock on their row, done with their rows.

Who holds the lock of a batch's row does the batch; the server gives the lock up with the session, so a worker that died
leaves its batch to the next one at once, and no clock is involved. A batch is marked as done in the transaction of its
rows: what was lost is lost whole. Nobody needs the run's lease for it, so any number of workers can help.

Every function works inside the caller's transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from crossfade.backfill.ranges import Bound, Ranges, block_of, block_start
from crossfade.backfill.task import (
    TASK_COLUMNS,
    Task,
    as_bound,
    fetch,
    fetch_number,
    is_in_shape,
    reshaped,
    target_of,
    task_of,
    tasks_to_cut,
)
from crossfade.errors import StepFailed

if TYPE_CHECKING:
    from crossfade.backfill.job import Job
    from crossfade.backfill.pace import Pace

Connection = psycopg.Connection[Any]
_Piece = tuple[list[str] | None, list[str], int]
"""A batch to be: after which key, up to which, and how many rows lie between."""
_AHEAD = 4
"""Batches for each worker, once the pace has settled; before that it changes too much from one to the next."""
_CUT_LOCK = 0x43524643
"""Class of the advisory lock of whoever cuts: "CRFC"."""
_TOO_LARGE = 1.5
"""Times what the pace asks for; a batch that was cut larger is split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A batch that is ours until the transaction ends."""

    id: int
    task: Task
    after: Bound | None
    upto: Bound
    covered: int
    """The rows of the range when it was cut; by place, about so many."""
    wal_before: str
    """Where the server's WAL ended when the batch was claimed."""


class RelationGone(Exception):
    """The relation that batches were to be cut of was dropped."""

    def __init__(self, task: Task) -> None:
        super().__init__(str(task.relation))
        self.task = task


class RelationReplaced(RelationGone):
    """Another relation has the name now; what was written to it is rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The run as it is while we claim: batches are done only while it is backfilling and not paused."""

    state: str
    paused: str | None
    token: int
    claim: Claim | None


_CLAIM = f"""
SELECT r.state, r.paused, r.token, pg_catalog.pg_current_wal_insert_lsn()::text AS wal,
    b.id AS batch_id, b.after_key, b.upto_key, b.covered, {TASK_COLUMNS}
FROM crossfade.runs r
LEFT JOIN LATERAL (
    SELECT c.id, c.backfill_id, c.after_key, c.upto_key, c.covered
    FROM crossfade.batches c
    WHERE c.run_id = r.id AND c.change_id = %(change)s AND c.state = 'ready' AND c.id <> ALL (%(avoided)s::bigint[])
      AND c.id >= %(least)s AND r.state = 'backfilling' AND r.paused IS NULL
    ORDER BY c.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) b ON true
LEFT JOIN crossfade.backfills f ON f.id = b.backfill_id
WHERE r.id = %(run)s
"""  # noqa: S608 -- a constant of ours


def claim(connection: Connection, job: Job, avoided: Collection[int], least: int) -> Standing:
    """Lock a batch from this one on that is ready and that nobody works on, if there is one besides those to avoid."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            _CLAIM, {"run": job.run_id, "change": job.change.id, "avoided": list(avoided), "least": least}
        ).fetchone()
    assert row is not None
    if row["batch_id"] is None:
        return Standing(state=row["state"], paused=row["paused"], token=row["token"], claim=None)
    found = Claim(
        id=row["batch_id"],
        task=task_of(row),
        after=as_bound(row["after_key"]),
        upto=tuple(row["upto_key"]),
        covered=row["covered"],
        wal_before=row["wal"],
    )
    return Standing(state=row["state"], paused=row["paused"], token=row["token"], claim=found)


def work_is_left(connection: Connection, job: Job) -> bool:
    """Whether any batch is still to be done or to be cut, also one that somebody is just at."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM crossfade.batches WHERE run_id = %(run)s AND change_id = %(change)s"
        " AND state = 'ready') OR EXISTS (SELECT FROM crossfade.backfills WHERE run_id = %(run)s"
        " AND change_id = %(change)s AND finished_at IS NULL AND frontier IS DISTINCT FROM upper)",
        {"run": job.run_id, "change": job.change.id},
    ).fetchone()
    return bool(row and row[0])


def some_are_ready(connection: Connection, task: Task) -> bool:
    """Whether any batch of a relation is still to be done."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM crossfade.batches WHERE backfill_id = %s AND state = 'ready')", [task.id]
    ).fetchone()
    return bool(row and row[0])


def cut(connection: Connection, job: Job, divisor: int = 1) -> bool:
    """Cut the next batches of a relation; False where every row of every relation lies in a batch.

    True also where somebody else is just cutting: look for batches again.
    """
    tasks = tasks_to_cut(connection, job)
    for task in tasks:
        row = connection.execute(
            "SELECT pg_catalog.pg_try_advisory_xact_lock(%s, %s)", [_CUT_LOCK, task.id % 2**31]
        ).fetchone()
        if row and row[0]:
            try:
                _cut_ahead(connection, job, task, max(1, task.pace.batch_rows // divisor))
            except psycopg.errors.UndefinedTable as error:
                raise RelationGone(task) from error
            break
    return bool(tasks)


def _cut_ahead(connection: Connection, job: Job, task: Task, rows: int) -> None:
    ranges = task.ranges(job.change)
    settings = job.control.settings
    is_steady = task.pace.has_settled(job.aim.target) or task.pace.batch_rows >= job.aim.largest
    each = _AHEAD if is_steady else 1
    frontier = task.frontier
    pieces: list[_Piece] = []
    while len(pieces) < each * settings.workers and frontier != task.upper:
        assert task.upper is not None
        upto, covered = _next_bound(connection, ranges, task, frontier, task.upper, rows)
        pieces.append((_listed(frontier), list(upto), covered))
        frontier = upto
    _require_forwards(connection, ranges, task.frontier, frontier)
    # Somebody may have cut between our look and our lock: then the frontier is another one, and nothing is changed.
    moved = connection.execute(
        "UPDATE crossfade.backfills SET frontier = %s"
        " WHERE id = %s AND frontier IS NOT DISTINCT FROM %s AND pass = %s AND finished_at IS NULL",
        [_listed(frontier), task.id, _listed(task.frontier), task.pass_number],
    )
    if moved.rowcount == 1:
        _add(connection, job, task, pieces)


def _require_forwards(connection: Connection, ranges: Ranges, before: Bound | None, after: Bound | None) -> None:
    """Raises StepFailed where the frontier would not move on: a key whose text is not read back as the same key."""
    if (
        before is None
        or after is None
        or ranges.key.is_place
        or fetch(connection, ranges.is_after(before, after))[0][0]
    ):
        return
    raise StepFailed(
        f"{ranges.relation}: the key {before} is not read back as it was written; its rows cannot be walked in order",
        hint="Look at what the key's type or the database's settings make of such a value.",
        location=str(ranges.relation),
        sqlstate=None,
    )


def _listed(bound: Bound | None) -> list[str] | None:
    return None if bound is None else list(bound)


def _add(connection: Connection, job: Job, task: Task, pieces: Iterable[_Piece]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO crossfade.batches (backfill_id, run_id, change_id, pass, after_key, upto_key, covered)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [[task.id, job.run_id, job.change.id, task.pass_number, *piece] for piece in pieces],
        )


def _next_bound(
    connection: Connection, ranges: Ranges, task: Task, lo: Bound | None, upper: Bound, rows: int
) -> tuple[Bound, int]:
    """The end of a batch that begins after `lo`, and how many rows lie in it."""
    if task.key.is_place:
        return _next_blocks(task, lo, upper, rows)
    found = fetch(connection, ranges.bound(lo, upper, rows))
    if found:
        return tuple(found[0][0]), rows
    return upper, fetch_number(connection, ranges.count(lo, upper))


def _next_blocks(task: Task, lo: Bound | None, upper: Bound, rows: int) -> tuple[Bound, int]:
    """Whole blocks, as many as hold about so many rows."""
    assert task.upper is not None
    density = max(1.0, task.rows_estimated / max(1, block_of(task.upper)))
    begin, last = block_of(lo), block_of(upper)
    end = min(last, begin + max(1, round(rows / density)))
    return block_start(end), round(density * end) - round(density * begin)


def fitted(connection: Connection, job: Job, claimed: Claim) -> Claim:
    """The batch as large as the pace wants it; what is too much becomes a batch of its own."""
    wanted = claimed.task.pace.batch_rows
    if claimed.covered <= _TOO_LARGE * wanted:
        return claimed
    task = claimed.task
    upto, covered = _next_bound(connection, task.ranges(job.change), task, claimed.after, claimed.upto, wanted)
    if upto == claimed.upto:
        return claimed
    _add(connection, job, task, [(list(upto), list(claimed.upto), max(0, claimed.covered - covered))])
    return replace(claimed, upto=upto, covered=covered)


def leave(connection: Connection, job: Job, claimed: Claim, upto: Bound) -> Claim:
    """End the batch early; what lies behind becomes a batch of its own."""
    ranges = claimed.task.ranges(job.change)
    covered = min(claimed.covered, fetch_number(connection, ranges.count(claimed.after, upto)))
    _add(connection, job, claimed.task, [(list(upto), list(claimed.upto), claimed.covered - covered)])
    return replace(claimed, upto=upto, covered=covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """Where a relation stands after a batch."""

    rows_done: int
    rows_estimated: int
    batch_rows: int
    wait_seconds: float
    """How long to wait for the next, by the limits of rows and of WAL a second."""


_DONE = """
WITH batch AS (
    UPDATE crossfade.batches
    SET state = 'done', upto_key = %(upto)s, covered = %(covered)s, rows = %(rows)s, worker = %(worker)s,
        duration_ms = %(seconds)s::double precision * 1000,
        wal_bytes = pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), %(wal_before)s::pg_lsn),
        at = pg_catalog.clock_timestamp()
    WHERE backfill_id = %(task)s AND id = %(id)s
    RETURNING wal_bytes
)
UPDATE crossfade.backfills f
SET rows_done = f.rows_done + %(counted)s,
    rows_estimated = greatest(f.rows_estimated, f.rows_done + %(counted)s),
    rows_written = f.rows_written + %(rows)s,
    batches = f.batches + 1,
    batch_rows = %(batch_rows)s, smoothed_rows = %(smoothed_rows)s, smoothed_seconds = %(smoothed_seconds)s,
    working_seconds = f.working_seconds + %(seconds)s,
    free_at = greatest(f.free_at, pg_catalog.clock_timestamp()) + pg_catalog.make_interval(secs => greatest(
        coalesce(%(covered)s / %(rows_limit)s::double precision, 0),
        coalesce(batch.wal_bytes / %(wal_limit)s::double precision, 0)))
FROM batch
WHERE f.id = %(task)s AND pg_catalog.to_regclass(%(relation)s) = f.relation_oid
    AND (f.target IS NULL OR f.shape = crossfade.shape_of(f.relation_oid, f.key_columns, f.target, f.keeps_all))
RETURNING f.rows_done, f.rows_estimated, f.batch_rows,
    pg_catalog.date_part('epoch', f.free_at - pg_catalog.clock_timestamp())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a batch did."""

    rows: int
    """Rows written."""
    seconds: float


def finish(connection: Connection, job: Job, claimed: Claim, done: Done, pace: Pace) -> Standings:
    """Mark a batch as done and count it, in the transaction of its rows."""
    settings = job.control.settings
    row = connection.execute(
        _DONE,
        {
            "id": claimed.id,
            "task": claimed.task.id,
            # The name that was written to: the ledger may have another one by now.
            "relation": str(claimed.task.relation),
            "upto": list(claimed.upto),
            "covered": claimed.covered,
            "counted": claimed.covered if claimed.task.pass_number == 1 else 0,
            "rows": done.rows,
            "seconds": done.seconds,
            "worker": f"{job.control.worker} {threading.current_thread().name.removeprefix('crossfade-')}",
            "wal_before": claimed.wal_before,
            "batch_rows": pace.batch_rows,
            "smoothed_rows": pace.smoothed_rows,
            "smoothed_seconds": pace.smoothed_seconds,
            "rows_limit": settings.rows_per_second,
            "wal_limit": settings.wal_per_second,
        },
    ).fetchone()
    if row is None:
        # Our write holds locks on what has the names now, so that they are the same by the time we commit.
        if target_of(job.change.write) is not None and not is_in_shape(connection, claimed.task):
            raise reshaped(claimed.task.relation)
        # The name may be right by now, where another worker has followed a rename meanwhile.
        raise RelationReplaced(claimed.task)
    return Standings(rows_done=row[0], rows_estimated=row[1], batch_rows=row[2], wait_seconds=max(0.0, row[3]))
