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

from crossfade.backfill.task import (
    Fill,
    Task,
    begin_pass,
    fetch,
    last_bound,
    lock_task,
    prove_lease,
    users_search_path,
)
from crossfade.errors import RowsFailed

if TYPE_CHECKING:
    from crossfade.backfill.keys import Key, Relation
    from crossfade.backfill.ranges import Bound, Ranges
    from crossfade.backfill.retry import Attempt, Link
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]

SHOWN = 20
"""How many keys a message lists; all are in the ledger."""
MOST = 10_000
"""With so many refused rows the mistake is not in the rows."""
_LEFT = "the UPDATE passed over it in silence: a BEFORE trigger returned NULL, or a rule took its place"
_SAVEPOINTS = 60
"""In one transaction; with more than 64 the server makes every other session's snapshots slower."""
_AT_A_TIME = 50
_REFUSALS = frozenset({"21", "22", "23", "2F", "38", "39", "44", "45", "54", "P0"})
"""Classes of SQLSTATE that are about the values of a row: data, constraints, what a trigger raises, size limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that was refused, and why."""

    key: dict[str, str]
    sqlstate: str
    message: str
    constraint: str | None


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


def write_around(connection: Connection, ranges: Ranges, lo: Bound | None, hi: Bound, seconds: float) -> Written:
    """Write a range that has refused rows in it: halve what fails until single rows are left.

    Goes from left to right, so that it can stop after `seconds`, or enough savepoints, with all up to one key done.
    """
    keys = [tuple(row[0]) for row in fetch(connection, ranges.pending_keys(lo, hi))]
    if not keys:
        # What refused was about the statement; there is no row that wants it.
        return Written(rows=0, upto=hi)
    until = time.monotonic() + seconds
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
                query = ranges.update(after, hi if end == len(keys) else keys[end - 1])
                rows += connection.execute(query.text, query.parameters).rowcount
        except psycopg.Error as error:
            if not is_refusal(error):
                raise
            if end - first <= 1:
                rejected.append(_refused(ranges.key, keys[first], error))
            else:
                middle = (first + end) // 2
                left += [(middle, end), (first, middle)]
    return Written(rows=rows, upto=hi, rejected=tuple(rejected))


def _refused(key: Key, bound: Bound, error: psycopg.Error) -> Rejected:
    return Rejected(
        key=key_as_json(key, bound),
        sqlstate=error.sqlstate or "",
        message=error.diag.message_primary or str(error).strip(),
        constraint=error.diag.constraint_name,
    )


def record_rejected(connection: Connection, fill: Fill, relation: QualifiedName, rejected: Sequence[Rejected]) -> None:
    """Note refused rows; one that was noted before gets its newest reason. Part of the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO crossfade.rejected_rows AS r"
            " (run_id, change_id, relation, key, sqlstate, message, constraint_name)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT ON CONSTRAINT rejected_rows_pkey DO UPDATE SET change_id = excluded.change_id,"
            " sqlstate = excluded.sqlstate, message = excluded.message, constraint_name = excluded.constraint_name,"
            " state = 'open', at = pg_catalog.clock_timestamp()",
            [
                [fill.run_id, fill.change.id, str(relation), Jsonb(r.key), r.sqlstate, r.message, r.constraint]
                for r in rejected
            ],
        )


def retry_open(link: Link, fill: Fill, relation: Relation) -> None:
    """Try a relation's open rows again, each by itself; without a key, the relation gets one more pass."""
    task, keys = link.run(lambda connection, _attempt: _open_rows(connection, fill, relation))
    if task is None or not keys:
        return
    if task.key.is_place:
        link.run(lambda connection, _attempt: _look_again(connection, fill, task))
        return
    for start in range(0, len(keys), _AT_A_TIME):
        link.run(partial(_try_rows, fill=fill, task=task, keys=keys[start : start + _AT_A_TIME]))


def _open_rows(connection: Connection, fill: Fill, relation: Relation) -> tuple[Task | None, list[dict[str, str]]]:
    with connection.transaction():
        prove_lease(connection, fill)
        rows = connection.execute(
            "SELECT key FROM crossfade.rejected_rows"
            " WHERE run_id = %s AND change_id = %s AND relation = %s AND state = 'open' ORDER BY at, key",
            [fill.run_id, fill.change.id, str(relation.name)],
        ).fetchall()
        return (lock_task(connection, fill, relation.name) if rows else None), [row[0] for row in rows]


def _look_again(connection: Connection, fill: Fill, task: Task) -> None:
    """A row's place is no lasting name, so the open ones are forgotten and found anew."""
    with connection.transaction():
        prove_lease(connection, fill)
        _resolve(connection, fill, task.relation, None)
        walk_again(connection, fill, task)


def walk_again(connection: Connection, fill: Fill, task: Task) -> None:
    """Begin another pass over a relation without a key, part of the caller's transaction."""
    upper = last_bound(connection, task, fill.change)
    if upper is not None:
        begin_pass(connection, fill, task.relation, upper)


def _try_rows(
    connection: Connection, _attempt: Attempt, *, fill: Fill, task: Task, keys: Sequence[dict[str, str]]
) -> None:
    ranges = task.ranges(fill.change)
    with connection.transaction():
        prove_lease(connection, fill)
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for key in keys:
            bound = tuple(key[column] for column in task.key.columns)
            query = ranges.update_row(bound)
            try:
                with connection.transaction(), users_search_path(connection):
                    connection.execute(query.text, query.parameters)
            except psycopg.Error as error:
                if not is_refusal(error):
                    raise
                record_rejected(connection, fill, task.relation, [_refused(task.key, bound, error)])
            else:
                _resolve(connection, fill, task.relation, key)


def record_left(connection: Connection, fill: Fill, task: Task, left: Sequence[Bound]) -> None:
    """Note rows that are still pending after their range was written, without a word from the database.

    A BEFORE trigger that returns NULL, or a rule, takes a row out of an UPDATE.
    """
    with connection.transaction():
        prove_lease(connection, fill)
        rows = connection.execute(
            "SELECT key FROM crossfade.rejected_rows"
            " WHERE run_id = %s AND change_id = %s AND relation = %s AND state = 'open'",
            [fill.run_id, fill.change.id, str(task.relation)],
        ).fetchall()
        known = {frozenset(row[0].items()) for row in rows}
        keys = (key_as_json(task.key, bound) for bound in left)
        silent = [
            Rejected(key=key, sqlstate="", message=_LEFT, constraint=None)
            for key in keys
            if frozenset(key.items()) not in known
        ]
        record_rejected(connection, fill, task.relation, silent)


def forget_gone(connection: Connection, fill: Fill, relations: Sequence[Relation]) -> None:
    """A relation that is no longer part of the table has no rows to fill: its task ends, and so do its open rows."""
    parameters = {"run": fill.run_id, "change": fill.change.id, "there": [str(r.name) for r in relations]}
    connection.execute(
        "UPDATE crossfade.rejected_rows SET state = 'resolved', at = pg_catalog.clock_timestamp()"
        " WHERE run_id = %(run)s AND change_id = %(change)s AND state = 'open' AND relation <> ALL (%(there)s)",
        parameters,
    )
    connection.execute(
        "UPDATE crossfade.backfills SET finished_at = pg_catalog.clock_timestamp(), rows_estimated = rows_done"
        " WHERE run_id = %(run)s AND change_id = %(change)s AND finished_at IS NULL AND relation <> ALL (%(there)s)",
        parameters,
    )


def _resolve(connection: Connection, fill: Fill, relation: QualifiedName, key: dict[str, str] | None) -> None:
    """Close one open row, or with no key all of the relation."""
    connection.execute(
        "UPDATE crossfade.rejected_rows SET state = 'resolved', at = pg_catalog.clock_timestamp()"
        " WHERE run_id = %(run)s AND change_id = %(change)s AND relation = %(relation)s AND state = 'open'"
        " AND (%(key)s::jsonb IS NULL OR key = %(key)s::jsonb)",
        {
            "run": fill.run_id,
            "change": fill.change.id,
            "relation": str(relation),
            "key": None if key is None else Jsonb(key),
        },
    )


def open_count(connection: Connection, fill: Fill) -> int:
    """How many rows of the change are open."""
    row = connection.execute(
        "SELECT pg_catalog.count(*) FROM crossfade.rejected_rows"
        " WHERE run_id = %s AND change_id = %s AND state = 'open'",
        [fill.run_id, fill.change.id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def raise_if_open(connection: Connection, fill: Fill, *, stopped: str = "") -> None:
    """Raises RowsFailed with the keys of the open rows; `stopped` says where the backfill stopped because of them."""
    count = open_count(connection, fill)
    if count == 0:
        return
    rows = connection.execute(
        "SELECT relation, key, sqlstate, message FROM crossfade.rejected_rows"
        " WHERE run_id = %s AND change_id = %s AND state = 'open' ORDER BY relation, at, key LIMIT %s",
        [fill.run_id, fill.change.id, SHOWN],
    ).fetchall()
    lines = "".join(f"\n  - {relation} {described(key)}: {_why(why, state)}" for relation, key, state, why in rows)
    more = f"\n  and {count - len(rows)} more, in crossfade.rejected_rows" if count > len(rows) else ""
    raise RowsFailed(
        f"{fill.table}: {count} {'row' if count == 1 else 'rows'} could not be migrated{stopped}:{lines}{more}",
        hint="Every other row that was reached is done. Correct these, or what refuses them; run the command again.",
        location=str(fill.table),
    )


def _why(message: str, sqlstate: str) -> str:
    return f"{message} ({sqlstate})" if sqlstate else message


def described(key: dict[str, str]) -> str:
    """A row's key in words: `id=5`."""
    return ", ".join(f"{column}={value}" for column, value in key.items())
