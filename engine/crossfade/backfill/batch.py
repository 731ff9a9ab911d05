"""One batch: one transaction that writes the rows of a range together with everything the ledger says about it.

Killed at any point, nothing of it has happened; committed, all of it has. A connection that was lost during COMMIT is
no question either: the next attempt reads the cursor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.backfill.pace import after_batch
from crossfade.backfill.ranges import block_of, block_start
from crossfade.backfill.rejected import Written, is_refusal, record_rejected, write_around
from crossfade.backfill.task import (
    Batch,
    Fill,
    Task,
    begin_pass,
    fetch,
    fetch_number,
    finish_task,
    last_bound,
    lock_task,
    prove_lease,
    record_batch,
    rows_of_pass,
    users_search_path,
)

if TYPE_CHECKING:
    from crossfade.backfill.ranges import Bound, Ranges
    from crossfade.backfill.rejected import Rejected
    from crossfade.backfill.retry import Attempt, Link
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]
_Write = Callable[[Connection, "Ranges", "Bound | None", "Bound"], Written]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A committed batch, and where its relation stands after it."""

    rows: int
    seconds: float
    rejected: tuple[Rejected, ...]
    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """The range of a batch, before it is written."""

    lo: Bound | None
    hi: Bound
    asked: int
    """The rows wanted."""
    covered: int | None
    """The rows there are; None where that has to be counted."""


def next_batch(link: Link, fill: Fill, relation: QualifiedName) -> Progress:
    """Migrate and commit the next batch of a relation that is not finished."""

    def attempt(write: _Write, connection: Connection, attempt: Attempt) -> Progress:
        return _batch(connection, fill, relation, attempt, write)

    try:
        return link.run(partial(attempt, _write_whole))
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
    return link.run(partial(attempt, partial(write_around, seconds=4 * fill.target)))


def _write_whole(connection: Connection, ranges: Ranges, lo: Bound | None, hi: Bound) -> Written:
    query = ranges.update(lo, hi)
    return Written(rows=connection.execute(query.text, query.parameters).rowcount, upto=hi)


def _batch(connection: Connection, fill: Fill, relation: QualifiedName, attempt: Attempt, write: _Write) -> Progress:
    with connection.transaction():
        _set_local(connection, "lock_timeout", min(200 + 100 * (attempt.number - 1), 1000))
        prove_lease(connection, fill)
        task = lock_task(connection, fill, relation)
        assert task is not None
        if task.finished or task.upper is None:
            # The transaction of an attempt whose COMMIT seemed lost was the last one.
            return Progress(rows=0, seconds=0.0, rejected=(), task=task)
        begun = time.monotonic()
        ranges = task.ranges(fill.change)
        stretch = _next_stretch(connection, ranges, task, max(1, task.pace.batch_rows // attempt.divisor))
        _set_local(connection, "statement_timeout", round(max(2000, 4000 * fill.target)))
        # What a constraint or a trigger would say only at COMMIT has to be said while the row can still be found.
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with users_search_path(connection):
            written = write(connection, ranges, stretch.lo, stretch.hi)
        seconds = time.monotonic() - begun
        batch = Batch(
            after=stretch.lo,
            upto=written.upto,
            rows=written.rows,
            covered=_covered(connection, ranges, stretch, written),
            seconds=seconds,
        )
        _record(connection, fill, task, stretch, batch, written)
        after = lock_task(connection, fill, relation)
        assert after is not None
    return Progress(rows=written.rows, seconds=seconds, rejected=written.rejected, task=after)


def _set_local(connection: Connection, name: str, milliseconds: int) -> None:
    connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", [name, f"{milliseconds}ms"])


def _next_stretch(connection: Connection, ranges: Ranges, task: Task, rows: int) -> _Stretch:
    assert task.upper is not None
    if task.key.is_place:
        return _next_blocks(task, rows)
    found = fetch(connection, ranges.bound(task.cursor, task.upper, rows))
    if found:
        return _Stretch(lo=task.cursor, hi=tuple(found[0][0]), asked=rows, covered=rows)
    return _Stretch(lo=task.cursor, hi=task.upper, asked=rows, covered=None)


def _next_blocks(task: Task, rows: int) -> _Stretch:
    """Whole blocks, as many as hold about so many rows."""
    assert task.upper is not None
    blocks, done = block_of(task.upper), block_of(task.cursor)
    density = max(1.0, task.rows_estimated / blocks)
    end = min(blocks, done + max(1, round(rows / density)))
    covered = round(density * end) - round(density * done)
    return _Stretch(lo=task.cursor, hi=block_start(end), asked=rows, covered=covered)


def _covered(connection: Connection, ranges: Ranges, stretch: _Stretch, written: Written) -> int:
    """The rows of the range; for blocks an estimate."""
    if stretch.covered is not None and written.upto == stretch.hi:
        return stretch.covered
    return fetch_number(connection, ranges.count(stretch.lo, written.upto))


def _record(connection: Connection, fill: Fill, task: Task, stretch: _Stretch, batch: Batch, written: Written) -> None:
    pace = after_batch(task.pace, asked=stretch.asked, rows=batch.covered, seconds=batch.seconds, target=fill.target)
    record_batch(connection, fill, task, batch, pace)
    if written.rejected:
        record_rejected(connection, fill, task.relation, written.rejected)
    if batch.upto == task.upper:
        _end_pass(connection, fill, task)


def _end_pass(connection: Connection, fill: Fill, task: Task) -> None:
    """By key one pass is all. By place, rows may have been moved past us (VACUUM FULL), so until one finds nothing."""
    if task.key.is_place and rows_of_pass(connection, fill, task.relation):
        upper = last_bound(connection, task, fill.change)
        if upper is not None:
            begin_pass(connection, fill, task.relation, upper)
            return
    finish_task(connection, fill, task.relation)
