"""The ledger's side of one relation's rows: by what key they are walked, how far, and at what pace.

Every function that takes a connection works inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from crossfade.backfill.keys import Key, Relation, choose_key
from crossfade.backfill.pace import Pace
from crossfade.backfill.ranges import Bound, Query, Ranges, block_start
from crossfade.errors import StepFailed
from crossfade.operations.step import Copy, DataChange, Delete, Update
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.backfill.job import Job
    from crossfade.operations.step import RowWork, Write

Connection = psycopg.Connection[Any]
_COUNTED_PAGES = 1000
"""Up to this size a relation's rows are counted; of a larger one so many pages are."""
_STRETCHES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Where the rows of one relation stand."""

    id: int
    relation: QualifiedName
    key: Key
    frontier: Bound | None
    """Every row up to here lies in a batch; None before the first."""
    upper: Bound | None
    """The last key when the task was made: later rows are not of this work. None where there was no row."""
    rows_estimated: int
    rows_done: int
    """Rows of the batches that are done, whether or not they had to be written."""
    pace: Pace
    pass_number: int
    """By place a relation is walked until a pass finds nothing; by key once."""
    finished: bool

    @property
    def is_cut(self) -> bool:
        """Whether every row lies in a batch."""
        return self.finished or self.frontier == self.upper

    def ranges(self, change: RowWork) -> Ranges:
        """The queries about the relation's rows."""
        return Ranges(relation=self.relation, key=self.key, pending=change.pending, write=change.write)


TASK_COLUMNS = """f.id AS task_id, pg_catalog.parse_ident(f.relation) AS names, f.key_columns, f.key_types, f.frontier,
    f.upper, f.rows_estimated, f.rows_done, f.batch_rows, f.smoothed_rows, f.smoothed_seconds, f.pass, f.finished_at"""
"""Of `crossfade.backfills AS f`, for `task_of`."""
_SELECT = f"SELECT {TASK_COLUMNS} FROM crossfade.backfills f WHERE "  # noqa: S608 -- the constant above
_BY_RELATION = "f.run_id = %s AND f.change_id = %s AND f.relation_oid = %s"


def task_of(row: Mapping[str, Any]) -> Task:
    """The task in a row that has `TASK_COLUMNS`."""
    return Task(
        id=row["task_id"],
        relation=QualifiedName(*row["names"]),
        key=Key(columns=tuple(row["key_columns"]), types=tuple(row["key_types"])),
        frontier=as_bound(row["frontier"]),
        upper=as_bound(row["upper"]),
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


def as_bound(stored: Sequence[str] | None) -> Bound | None:
    """A bound as the ledger has it."""
    return None if stored is None else tuple(stored)


def fetch(connection: Connection, query: Query) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    return connection.execute(query.text, query.parameters).fetchall()


def fetch_number(connection: Connection, query: Query) -> int:
    """The single number that a query gives."""
    return int(fetch(connection, query)[0][0])


def send_write(connection: Connection, query: Query) -> tuple[int, int]:
    """Send a write of `Ranges`: how many rows it wrote, and how many of those not as they should."""
    cursor = connection.execute(query.text, query.parameters)
    counts = cursor.fetchone() if cursor.description else None
    return (cursor.rowcount, 0) if counts is None else (int(counts[0]), int(counts[1]))


@contextmanager
def users_search_path(connection: Connection) -> Iterator[None]:
    """For a write inside a transaction: the path that triggers of the users' tables know, in place of our own.

    An error ends the transaction, and the path with it.
    """
    connection.execute("SET LOCAL search_path TO DEFAULT")
    yield
    connection.execute("SET LOCAL search_path TO pg_catalog")


def open_task(connection: Connection, job: Job, relation: Relation) -> Task:
    """The relation's task, made if there is none yet, and anew for another relation of the same name."""
    before = connection.execute(
        "SELECT id, batches FROM crossfade.backfills"
        " WHERE run_id = %s AND change_id = %s AND relation = %s AND relation_oid <> %s",
        [job.run_id, job.change.id, str(relation.name), relation.oid],
    ).fetchone()
    if before is not None:
        if isinstance(job.change, DataChange) and before[1]:
            raise replaced(relation.name)
        end_task(connection, before[0])
        connection.execute("DELETE FROM crossfade.backfills WHERE id = %s", [before[0]])
    found = find_task(connection, job, relation)
    if found is not None and not found.finished and not is_in_shape(connection, found):
        if isinstance(job.change, DataChange):
            raise reshaped(relation.name)
        # What is in step already is passed over, so it is walked once more from the beginning.
        end_task(connection, found.id)
        connection.execute("DELETE FROM crossfade.backfills WHERE id = %s", [found.id])
        found = None
    return found or _make_task(connection, job, relation)


def is_in_shape(connection: Connection, task: Task) -> bool:
    """Whether what the batches rely on is as it was when the first was cut."""
    row = connection.execute(
        "SELECT shape = crossfade.shape_of(relation_oid, key_columns, target, keeps_all)"
        " FROM crossfade.backfills WHERE id = %s",
        [task.id],
    ).fetchone()
    return bool(row and row[0])


def reshaped(relation: QualifiedName) -> StepFailed:
    """What is said where batches cannot go on as they were cut."""
    return StepFailed(
        f"{relation}, or the table that its rows go to, has changed since the first batch: the type or collation of "
        "the key, a column that the archive would not keep, or which table has the other's name. Nothing more was done",
        hint="Look at what was done (crossfade.batches has the ranges), end the run with crossfade cancel RUN, and "
        "start another for the rows that are left.",
        location=str(relation),
        sqlstate=None,
    )


def replaced(relation: QualifiedName) -> StepFailed:
    """What is said where rows were changed in one table, and another has its name now."""
    return StepFailed(
        f"{relation} is another table now than the one whose rows were changed; rows that were copied to it could be "
        "changed twice",
        hint="Look at what is done in which of the two (crossfade.batches has the ranges), and end the run: crossfade "
        "cancel RUN.",
        location=str(relation),
        sqlstate=None,
    )


def find_task(connection: Connection, job: Job, relation: Relation) -> Task | None:
    """Where the relation stands; None where it has no task."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_SELECT + _BY_RELATION, [job.run_id, job.change.id, relation.oid]).fetchone()
    return None if row is None else task_of(row)


def tasks_to_cut(connection: Connection, job: Job) -> list[Task]:
    """The tasks with rows that no batch has yet, in the order of their names."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _SELECT + "f.run_id = %s AND f.change_id = %s AND f.finished_at IS NULL"
            " AND f.frontier IS DISTINCT FROM f.upper ORDER BY f.relation",
            [job.run_id, job.change.id],
        ).fetchall()
    return [task_of(row) for row in rows]


def _make_task(connection: Connection, job: Job, relation: Relation) -> Task:
    change = job.change
    key = choose_key(connection, relation, change.touched if isinstance(change, DataChange) else ())
    if key.is_place and isinstance(change.write, Copy):
        raise StepFailed(
            f"{relation.name} has no key by which each of its rows could be copied once",
            hint="Give it a primary key, or a unique index over columns that are NOT NULL, and run the command again.",
            location=str(relation.name),
            sqlstate=None,
        )
    ranges = Ranges(relation=relation.name, key=key, pending=change.pending)
    upper = last_bound(connection, ranges)
    estimated = 0 if upper is None else estimate(connection, ranges)
    connection.execute(
        "INSERT INTO crossfade.backfills"
        " (run_id, change_id, relation, relation_oid, key_columns, key_types, target, keeps_all, shape, upper,"
        " rows_estimated, batch_rows, finished_at)"
        " VALUES (%(run)s, %(change)s, %(relation)s, %(oid)s, %(columns)s, %(types)s, %(target)s, %(keeps_all)s,"
        " crossfade.shape_of(%(oid)s, %(columns)s, %(target)s, %(keeps_all)s), %(upper)s, %(estimated)s,"
        " %(batch_rows)s, CASE WHEN %(is_empty)s THEN pg_catalog.clock_timestamp() END)",
        {
            "run": job.run_id,
            "change": change.id,
            "relation": str(relation.name),
            "oid": relation.oid,
            "columns": list(key.columns),
            "types": list(key.types),
            "target": target_of(change.write),
            "keeps_all": isinstance(change.write, Delete) and change.write.archive is not None,
            "upper": None if upper is None else list(upper),
            "estimated": estimated,
            "batch_rows": job.control.settings.batch_rows,
            "is_empty": upper is None,
        },
    )
    made = find_task(connection, job, relation)
    assert made is not None
    return made


def target_of(write: Write) -> str | None:
    """The table that the rows go to, quoted."""
    match write:
        case Delete(archive=archive):
            return archive
        case Copy(into=into):
            return into
        case Update():
            return None


def last_bound(connection: Connection, ranges: Ranges) -> Bound | None:
    """The end of the relation as it is now; None where it is empty."""
    if ranges.key.is_place:
        pages = pages_of(connection, ranges.relation)
        return block_start(pages) if pages else None
    rows = fetch(connection, ranges.last_key())
    return tuple(rows[0][0]) if rows else None


def pages_of(connection: Connection, relation: QualifiedName) -> int:
    """How many pages the relation's file has."""
    row = connection.execute(
        "SELECT pg_catalog.pg_relation_size(%s::regclass) / pg_catalog.current_setting('block_size')::bigint",
        [str(relation)],
    ).fetchone()
    assert row is not None
    return int(row[0])


def estimate(connection: Connection, ranges: Ranges) -> int:
    """The relation's rows: counted where that is quick, else by the rows in some stretches of its pages."""
    pages = pages_of(connection, ranges.relation)
    if pages <= _COUNTED_PAGES:
        return fetch_number(connection, ranges.count_all())
    place, length = replace(ranges, key=Key()), _COUNTED_PAGES // _STRETCHES
    begins = (number * (pages - length) // (_STRETCHES - 1) for number in range(_STRETCHES))
    counted = sum(fetch_number(connection, place.count(block_start(b), block_start(b + length))) for b in begins)
    return round(counted / (_STRETCHES * length) * pages)


def set_pace(connection: Connection, task_id: int, pace: Pace) -> None:
    """Change how large the next batches are, and forget what was judged by."""
    connection.execute(
        "UPDATE crossfade.backfills SET batch_rows = %s, smoothed_rows = %s, smoothed_seconds = %s WHERE id = %s",
        [pace.batch_rows, pace.smoothed_rows, pace.smoothed_seconds, task_id],
    )


def rows_of_pass(connection: Connection, task: Task) -> int:
    """How many rows the task's present pass wrote."""
    row = connection.execute(
        "SELECT coalesce(pg_catalog.sum(rows), 0) FROM crossfade.batches"
        " WHERE backfill_id = %s AND pass = %s AND state = 'done'",
        [task.id, task.pass_number],
    ).fetchone()
    return int(row[0]) if row else 0


def begin_pass(connection: Connection, task: Task, upper: Bound) -> None:
    """Walk the relation once more, from its beginning."""
    connection.execute(
        "UPDATE crossfade.backfills SET frontier = NULL, upper = %s, pass = pass + 1, finished_at = NULL WHERE id = %s",
        [list(upper), task.id],
    )


def finish_task(connection: Connection, task_id: int) -> None:
    """Nothing is left to do in the relation; the estimate becomes what was found."""
    connection.execute(
        "UPDATE crossfade.backfills SET finished_at = pg_catalog.clock_timestamp(), rows_estimated = rows_done,"
        " throttled_by = NULL, throttled_since = NULL, throttled_seconds = throttled_seconds"
        " + coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - throttled_since), 0)"
        " WHERE id = %s AND finished_at IS NULL",
        [task_id],
    )


def end_task(connection: Connection, task_id: int) -> None:
    """Let nobody do any other batch of the relation; waits for those that workers have in hand.

    A worker locks its batch before the task, and so do we. What one split off meanwhile is found the second time.
    """
    _void_batches(connection, task_id)
    finish_task(connection, task_id)
    _void_batches(connection, task_id)


def _void_batches(connection: Connection, task_id: int) -> None:
    connection.execute(
        "UPDATE crossfade.batches SET state = 'void' WHERE backfill_id = %s AND state = 'ready'", [task_id]
    )
