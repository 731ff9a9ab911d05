"""Rows that the database refuses to take: found by halving, kept in the ledger with their keys, tried again later.

A refused row never stops the rows around it, and is never passed over in silence: the phase ends with RowsFailed while
one is open. The next call tries the open ones again before it goes on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

from crossfade.backfill.task import Task, begin_pass, fetch, find_task, last_bound
from crossfade.backfill.writing import LOCK_SECONDS, begin_writing, end_writing, write
from crossfade.errors import RowsFailed

if TYPE_CHECKING:
    from crossfade.backfill.job import Job
    from crossfade.backfill.keys import Key, Relation
    from crossfade.backfill.ranges import Bound, Ranges
    from crossfade.backfill.retry import Attempt, Link
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]

SHOWN = 20
"""How many keys a message lists; all are in the ledger."""
FEWEST, SHARE = 100, 0.001
"""With more refused rows than both, the second a share of the table's, the mistake is not in the rows."""
LISTED = 10_000
"""How many pending rows of a relation are looked up at most."""
_LEFT = "the UPDATE passed over it in silence: a BEFORE trigger returned NULL, or a rule took its place"
_SAVEPOINTS = 60
"""In one transaction; with more than 64 the server makes every other session's snapshots slower."""
_LONG = 4
"""Times the target; a batch is left there, and the rest becomes another."""
_REFUSALS = frozenset({"21", "22", "23", "2F", "38", "39", "44", "45", "54", "P0"})
"""Classes of SQLSTATE that are about the values of a row: data, constraints, what a trigger raises, size limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that was refused, and why."""

    key: dict[str, str]
    sqlstate: str
    message: str
    constraint: str | None
    image: dict[str, Any] | None = None
    """The row as it was, where the plan says to keep it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a range: how many rows were written, and up to which key."""

    rows: int
    upto: Bound
    rejected: tuple[Rejected, ...] = ()


def is_refusal(error: psycopg.Error) -> bool:
    """Whether the error is about the values of a row, so that other rows may pass."""
    return error.sqlstate is not None and error.sqlstate[:2] in _REFUSALS


def key_as_json(key: Key, bound: Bound) -> dict[str, str]:
    """A row's key as an object, each value as PostgreSQL writes it."""
    return dict(zip(key.columns or ("ctid",), bound, strict=True))


def write_around(connection: Connection, job: Job, ranges: Ranges, lo: Bound | None, hi: Bound) -> Written:
    """Write a range that has refused rows in it: halve what fails until single rows are left.

    Goes from left to right, so that it can stop after a while, or enough savepoints, with all up to one key done.
    """
    keys = wanted_keys(connection, ranges, lo, hi)
    if not keys:
        # What refused was about the statement; there is no row that wants it.
        return Written(rows=0, upto=hi)
    until = time.monotonic() + _LONG * job.aim.target
    rows, savepoints = 0, 0
    rejected: list[Rejected] = []
    left = [(0, len(keys))]
    while left:
        first, end = left.pop()
        after = keys[first - 1] if first else lo
        if first and (savepoints >= _SAVEPOINTS or time.monotonic() > until):
            return Written(rows=rows, upto=keys[first - 1], rejected=tuple(rejected))
        savepoints += 1
        try:
            with connection.transaction():
                query = ranges.write_range(after, hi if end == len(keys) else keys[end - 1])
                rows += write(connection, job, ranges, query)
        except psycopg.Error as error:
            if not is_refusal(error):
                raise
            if end - first <= 1:
                image = _image(connection, ranges, keys[first]) if job.control.settings.keep_row else None
                rejected.append(_refused(ranges.key, keys[first], error, image))
            else:
                middle = (first + end) // 2
                left += [(middle, end), (first, middle)]
    return Written(rows=rows, upto=hi, rejected=tuple(rejected))


def wanted_keys(connection: Connection, ranges: Ranges, lo: Bound | None, hi: Bound) -> list[Bound]:
    """The keys of the rows that are meant; of every row, where that cannot be asked of each of them.

    Inside a transaction that has the path which the users' expressions know.
    """
    try:
        with connection.transaction():
            return [tuple(row[0]) for row in fetch(connection, ranges.pending_keys(lo, hi))]
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        return [tuple(row[0]) for row in fetch(connection, ranges.keys(lo, hi))]


def _image(connection: Connection, ranges: Ranges, bound: Bound) -> dict[str, Any] | None:
    rows = fetch(connection, ranges.image(bound))
    return rows[0][0] if rows else None


def _refused(key: Key, bound: Bound, error: psycopg.Error, image: dict[str, Any] | None = None) -> Rejected:
    return Rejected(
        key=key_as_json(key, bound),
        sqlstate=error.sqlstate or "",
        message=error.diag.message_primary or str(error).strip(),
        constraint=error.diag.constraint_name,
        image=image,
    )


def record_rejected(connection: Connection, job: Job, relation: QualifiedName, rejected: Sequence[Rejected]) -> None:
    """Note refused rows; one that was noted before gets its newest reason. Part of the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO crossfade.rejected_rows AS r"
            " (run_id, change_id, relation, key, sqlstate, message, constraint_name, image)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT ON CONSTRAINT rejected_rows_pkey DO UPDATE SET"
            " sqlstate = excluded.sqlstate, message = excluded.message, constraint_name = excluded.constraint_name,"
            " image = coalesce(excluded.image, r.image), state = 'open', at = pg_catalog.clock_timestamp()"
            " WHERE r.state <> 'waived'",
            [_as_row(job, relation, r) for r in rejected],
        )


def _as_row(job: Job, relation: QualifiedName, row: Rejected) -> list[Any]:
    image = None if row.image is None else Jsonb(row.image)
    facts = [row.sqlstate, row.message, row.constraint, image]
    return [job.run_id, job.change.id, str(relation), Jsonb(row.key), *facts]


def retry_open(link: Link, job: Job, relation: Relation) -> None:
    """Try a relation's open rows again, each by itself; without a key, the relation gets one more pass."""
    task, keys = link.run(lambda connection, _attempt: _open_rows(connection, job, relation))
    if task is None or not keys:
        return
    if task.key.is_place:
        link.run(lambda connection, _attempt: _look_again(connection, job, task))
        return
    for key in keys:
        job.admit(lambda: True)
        link.run(partial(_try_row, job=job, task=task, key=key))


def _open_rows(connection: Connection, job: Job, relation: Relation) -> tuple[Task | None, list[dict[str, str]]]:
    with connection.transaction():
        job.prove_lease(connection)
        rows = connection.execute(
            "SELECT key FROM crossfade.rejected_rows"
            " WHERE run_id = %s AND change_id = %s AND relation = %s AND state = 'open' ORDER BY at, key",
            [job.run_id, job.change.id, str(relation.name)],
        ).fetchall()
        return (find_task(connection, job, relation) if rows else None), [row[0] for row in rows]


def _look_again(connection: Connection, job: Job, task: Task) -> None:
    """A row's place is no lasting name, so the open ones are forgotten and found anew."""
    with connection.transaction():
        job.prove_lease(connection)
        _resolve(connection, job, task.relation, None)
        walk_again(connection, job, task)


def walk_again(connection: Connection, job: Job, task: Task) -> bool:
    """Begin another pass over a relation without a key, part of the caller's transaction; False where it is empty."""
    upper = last_bound(connection, task.ranges(job.change))
    if upper is not None:
        begin_pass(connection, task, upper)
    return upper is not None


def _try_row(connection: Connection, _attempt: Attempt, *, job: Job, task: Task, key: dict[str, str]) -> None:
    """Write an open row; the ledger says, in the same transaction, whether it is still open.

    It is not where the COMMIT of an attempt before seemed lost, or a person gave it up meanwhile.
    """
    ranges = task.ranges(job.change)
    bound = tuple(key[column] for column in task.key.columns)
    with connection.transaction():
        job.prove_lease(connection)
        try:
            with connection.transaction(), job.control.in_hand(connection):
                if not _resolve(connection, job, task.relation, key):
                    return
                begin_writing(connection, lock_seconds=LOCK_SECONDS, seconds=job.control.patience())
                write(connection, job, ranges, ranges.write_row(bound))
                end_writing(connection)
        except psycopg.Error as error:
            if not is_refusal(error):
                raise
            record_rejected(connection, job, task.relation, [_refused(task.key, bound, error)])


def record_left(connection: Connection, job: Job, task: Task, left: Sequence[Bound]) -> None:
    """Note rows that are still pending after their range was written, without a word from the database.

    A BEFORE trigger that returns NULL, or a rule, takes a row out of an UPDATE.
    """
    with connection.transaction():
        job.prove_lease(connection)
        rows = connection.execute(
            "SELECT key FROM crossfade.rejected_rows"
            " WHERE run_id = %s AND change_id = %s AND relation = %s AND state <> 'resolved'",
            [job.run_id, job.change.id, str(task.relation)],
        ).fetchall()
        known = {frozenset(row[0].items()) for row in rows}
        keys = (key_as_json(task.key, bound) for bound in left)
        silent = [
            Rejected(key=key, sqlstate="", message=_LEFT, constraint=None)
            for key in keys
            if frozenset(key.items()) not in known
        ]
        record_rejected(connection, job, task.relation, silent)


def _resolve(connection: Connection, job: Job, relation: QualifiedName, key: dict[str, str] | None) -> int:
    """Close one open row, or with no key all of the relation; how many there were."""
    done = connection.execute(
        "UPDATE crossfade.rejected_rows SET state = 'resolved', at = pg_catalog.clock_timestamp()"
        " WHERE run_id = %(run)s AND change_id = %(change)s AND relation = %(relation)s AND state = 'open'"
        " AND (%(key)s::jsonb IS NULL OR key = %(key)s::jsonb)",
        {
            "run": job.run_id,
            "change": job.change.id,
            "relation": str(relation),
            "key": None if key is None else Jsonb(key),
        },
    )
    return done.rowcount


def open_count(connection: Connection, job: Job) -> int:
    """How many rows of the change are open."""
    row = connection.execute(
        "SELECT pg_catalog.count(*) FROM crossfade.rejected_rows"
        " WHERE run_id = %s AND change_id = %s AND state = 'open'",
        [job.run_id, job.change.id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def stop_if_too_many(connection: Connection, job: Job) -> None:
    """The breaker. Raises RowsFailed where so many rows were refused that the mistake is not in them."""
    row = connection.execute(
        "SELECT coalesce(pg_catalog.sum(rows_estimated), 0)::bigint FROM crossfade.backfills"
        " WHERE run_id = %s AND change_id = %s",
        [job.run_id, job.change.id],
    ).fetchone()
    total = row[0] if row else 0
    if open_count(connection, job) > max(FEWEST, SHARE * total):
        raise_if_open(connection, job, stopped=", and the backfill stopped there, since they are so many")


def raise_if_open(connection: Connection, job: Job, *, stopped: str = "") -> None:
    """Raises RowsFailed with the keys of the open rows; `stopped` says where the backfill stopped because of them."""
    count = open_count(connection, job)
    if count == 0:
        return
    rows = connection.execute(
        "SELECT relation, key, sqlstate, message FROM crossfade.rejected_rows"
        " WHERE run_id = %s AND change_id = %s AND state = 'open' ORDER BY relation, at, key LIMIT %s",
        [job.run_id, job.change.id, SHOWN],
    ).fetchall()
    lines = "".join(f"\n  - {relation} {described(key)}: {_why(why, state)}" for relation, key, state, why in rows)
    more = f"\n  and {count - len(rows)} more" if count > len(rows) else ""
    raise RowsFailed(
        f"{job.table}: {count} {'row' if count == 1 else 'rows'} could not be migrated{stopped}:{lines}{more}",
        hint="Every other row that was reached is done. Correct these, or what refuses them; run the command again. "
        f"See: crossfade quarantine list {job.run_name}",
        location=str(job.table),
    )


def _why(message: str, sqlstate: str) -> str:
    return f"{message} ({sqlstate})" if sqlstate else message


def described(key: dict[str, str]) -> str:
    """A row's key in words: `id=5`."""
    return ", ".join(f"{column}={value}" for column, value in key.items())
