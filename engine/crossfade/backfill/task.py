"""The ledger's side of a backfill: what is being filled, where each relation stands, and the proof that we may go on.

Every function that takes a connection works inside the caller's transaction, so a batch's rows, its row in
`crossfade.batches` and the cursor commit together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from crossfade.backfill.keys import Key, Relation, choose_key
from crossfade.backfill.pace import Pace
from crossfade.backfill.ranges import Bound, Query, Ranges, block_start
from crossfade.errors import LostLease, WorkLeft
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.observe.events import Emit
    from crossfade.operations.step import RowChange

Connection = psycopg.Connection[Any]
_COUNTED_PAGES = 1000
"""Up to this size a relation's rows are counted; beyond it the planner's estimate is good enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One row change of a run, and how it is driven."""

    run_id: int
    run_name: str
    token: int
    change: RowChange
    batch_rows: int
    """The size of the first batch."""
    target: float
    """Seconds that a batch should take."""
    should_stop: Callable[[], str | None]
    emit: Emit

    def go_on(self) -> None:
        """Raises WorkLeft where we were asked to stop."""
        reason = self.should_stop()
        if reason is not None:
            raise WorkLeft(
                f"run {self.run_name} stops in the backfill of {self.table}: {reason}",
                hint=f"Every batch until now is committed. Go on with: crossfade backfill {self.run_name}",
            )

    @property
    def table(self) -> QualifiedName:
        """The table of the change."""
        return QualifiedName(self.change.schema, self.change.table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Where the rows of one relation stand."""

    relation: QualifiedName
    key: Key
    cursor: Bound | None
    """Every row up to here is done; None before the first batch."""
    upper: Bound | None
    """The last key when the task was made: triggers keep later rows in step. None where there was no row."""
    rows_estimated: int
    rows_done: int
    """Rows behind the cursor, whether or not they had to be written."""
    pace: Pace
    pass_number: int
    """By place a relation is walked until a pass finds nothing; by key once."""
    finished: bool

    def ranges(self, change: RowChange) -> Ranges:
        """The queries about the relation's rows."""
        return Ranges(relation=self.relation, key=self.key, pending=change.pending, assignment=change.assignment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction did: the rows after one key and up to another."""

    after: Bound | None
    upto: Bound
    rows: int
    """Rows written."""
    covered: int
    """Rows of the range, as far as that is known."""
    seconds: float


def fetch(connection: Connection, query: Query) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    return connection.execute(query.text, query.parameters).fetchall()


def fetch_number(connection: Connection, query: Query) -> int:
    """The single number that a query gives."""
    return int(fetch(connection, query)[0][0])


@contextmanager
def users_search_path(connection: Connection) -> Iterator[None]:
    """For a write inside a transaction: the path that triggers of the users' tables know, in place of our own.

    An error ends the transaction, and the path with it.
    """
    connection.execute("SET LOCAL search_path TO DEFAULT")
    yield
    connection.execute("SET LOCAL search_path TO pg_catalog")


def prove_lease(connection: Connection, fill: Fill) -> None:
    """Go on only with the run's newest token and unpaused, and keep it so until commit. Raises LostLease, WorkLeft."""
    row = connection.execute(
        "SELECT token, paused FROM crossfade.runs WHERE id = %s FOR SHARE", [fill.run_id]
    ).fetchone()
    if row is None or row[0] != fill.token:
        raise LostLease(
            f"another runner has taken over run {fill.run_name}; nothing was changed by this one since",
            hint=f"Look at it with: crossfade status {fill.run_name}",
        )
    if row[1] is not None:
        raise WorkLeft(
            f"run {fill.run_name} stops in the backfill of {fill.table}: paused: {row[1]}",
            hint=f"Let it go on with: crossfade resume {fill.run_name}",
        )


def open_task(connection: Connection, fill: Fill, relation: Relation) -> Task:
    """The relation's task, made if there is none yet, and anew for another relation of the same name."""
    connection.execute(
        "DELETE FROM crossfade.backfills WHERE run_id = %s AND change_id = %s AND relation = %s AND relation_oid <> %s",
        [fill.run_id, fill.change.id, str(relation.name), relation.oid],
    )
    return lock_task(connection, fill, relation.name) or _make_task(connection, fill, relation)


def lock_task(connection: Connection, fill: Fill, relation: QualifiedName) -> Task | None:
    """Where the relation stands, locked until the transaction ends; None where it has no task."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "SELECT key_columns, key_types, cursor, upper, rows_estimated, rows_done, batch_rows, smoothed_rows,"
            " smoothed_seconds, pass, finished_at FROM crossfade.backfills"
            " WHERE run_id = %s AND change_id = %s AND relation = %s FOR UPDATE",
            [fill.run_id, fill.change.id, str(relation)],
        ).fetchone()
    if row is None:
        return None
    return Task(
        relation=relation,
        key=Key(columns=tuple(row["key_columns"]), types=tuple(row["key_types"])),
        cursor=_bound(row["cursor"]),
        upper=_bound(row["upper"]),
        rows_estimated=row["rows_estimated"],
        rows_done=row["rows_done"],
        pace=Pace(
            batch_rows=row["batch_rows"],
            smoothed_rows=row["smoothed_rows"],
            smoothed_seconds=row["smoothed_seconds"],
        ),
        pass_number=row["pass"],
        finished=row["finished_at"] is not None,
    )


def _bound(stored: Sequence[str] | None) -> Bound | None:
    return None if stored is None else tuple(stored)


def _make_task(connection: Connection, fill: Fill, relation: Relation) -> Task:
    task = Task(
        relation=relation.name,
        key=choose_key(connection, relation),
        cursor=None,
        upper=None,
        rows_estimated=0,
        rows_done=0,
        pace=Pace(batch_rows=fill.batch_rows),
        pass_number=1,
        finished=False,
    )
    upper = last_bound(connection, task, fill.change)
    estimated = 0 if upper is None else _estimate(connection, task, fill.change)
    connection.execute(
        "INSERT INTO crossfade.backfills"
        " (run_id, change_id, relation, relation_oid, key_columns, key_types, upper, rows_estimated, batch_rows,"
        " finished_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, CASE WHEN %s THEN pg_catalog.clock_timestamp() END)",
        [
            fill.run_id,
            fill.change.id,
            str(relation.name),
            relation.oid,
            list(task.key.columns),
            list(task.key.types),
            None if upper is None else list(upper),
            estimated,
            task.pace.batch_rows,
            upper is None,
        ],
    )
    made = lock_task(connection, fill, relation.name)
    assert made is not None
    return made


def last_bound(connection: Connection, task: Task, change: RowChange) -> Bound | None:
    """The end of the relation as it is now; None where it is empty."""
    if task.key.is_place:
        pages = _pages(connection, task.relation)
        return block_start(pages) if pages else None
    rows = fetch(connection, task.ranges(change).last_key())
    return tuple(rows[0][0]) if rows else None


def _pages(connection: Connection, relation: QualifiedName) -> int:
    row = connection.execute(
        "SELECT pg_catalog.pg_relation_size(%s::regclass) / pg_catalog.current_setting('block_size')::bigint",
        [str(relation)],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _estimate(connection: Connection, task: Task, change: RowChange) -> int:
    """The relation's rows: counted where that is quick, else what the planner makes of its size."""
    ranges = task.ranges(change)
    if _pages(connection, task.relation) <= _COUNTED_PAGES:
        return fetch_number(connection, ranges.count_all())
    plan = fetch(connection, ranges.explain_all())[0][0]
    return int(plan[0]["Plan"]["Plan Rows"])


def record_batch(connection: Connection, fill: Fill, task: Task, batch: Batch, pace: Pace) -> None:
    """Note a batch and move the cursor, in the transaction of its rows."""
    connection.execute(
        "WITH batch AS (INSERT INTO crossfade.batches"
        " (run_id, change_id, relation, after_key, upto_key, rows, duration_ms)"
        " VALUES (%(run)s, %(change)s, %(relation)s, %(after)s, %(upto)s, %(rows)s, %(seconds)s * 1000))"
        " UPDATE crossfade.backfills SET cursor = %(upto)s, rows_done = rows_done + %(covered)s,"
        " rows_estimated = greatest(rows_estimated, rows_done + %(covered)s), batches = batches + 1,"
        " batch_rows = %(batch_rows)s, smoothed_rows = %(smoothed_rows)s, smoothed_seconds = %(smoothed_seconds)s,"
        " working_seconds = working_seconds + %(seconds)s"
        " WHERE run_id = %(run)s AND change_id = %(change)s AND relation = %(relation)s",
        {
            "run": fill.run_id,
            "change": fill.change.id,
            "relation": str(task.relation),
            "after": None if batch.after is None else list(batch.after),
            "upto": list(batch.upto),
            "rows": batch.rows,
            "covered": batch.covered if task.pass_number == 1 else 0,
            "seconds": batch.seconds,
            "batch_rows": pace.batch_rows,
            "smoothed_rows": pace.smoothed_rows,
            "smoothed_seconds": pace.smoothed_seconds,
        },
    )


def rows_of_pass(connection: Connection, fill: Fill, relation: QualifiedName) -> int:
    """How many rows the passes' latest wrote until now; a pass begins with a batch after no key."""
    row = connection.execute(
        "SELECT coalesce(pg_catalog.sum(rows), 0) FROM crossfade.batches"
        " WHERE run_id = %(run)s AND change_id = %(change)s AND relation = %(relation)s AND id >= ("
        " SELECT pg_catalog.max(id) FROM crossfade.batches WHERE run_id = %(run)s AND change_id = %(change)s"
        " AND relation = %(relation)s AND after_key IS NULL)",
        {"run": fill.run_id, "change": fill.change.id, "relation": str(relation)},
    ).fetchone()
    return int(row[0]) if row else 0


def begin_pass(connection: Connection, fill: Fill, relation: QualifiedName, upper: Bound) -> None:
    """Walk the relation once more, from its beginning."""
    connection.execute(
        "UPDATE crossfade.backfills SET cursor = NULL, upper = %s, pass = pass + 1, finished_at = NULL"
        " WHERE run_id = %s AND change_id = %s AND relation = %s",
        [list(upper), fill.run_id, fill.change.id, str(relation)],
    )


def finish_task(connection: Connection, fill: Fill, relation: QualifiedName) -> None:
    """Nothing is left to do in the relation; the estimate becomes what was found."""
    connection.execute(
        "UPDATE crossfade.backfills SET finished_at = pg_catalog.clock_timestamp(), rows_estimated = rows_done"
        " WHERE run_id = %s AND change_id = %s AND relation = %s",
        [fill.run_id, fill.change.id, str(relation)],
    )
