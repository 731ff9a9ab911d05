"""A look at one relation before its rows are written: its size, its key, and where batches of it could be tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from psycopg import sql

from crossfade.backfill.keys import Key, Relation, choose_key
from crossfade.backfill.quarantine import is_refusal
from crossfade.backfill.ranges import Bound, Query, Ranges, block_of, block_start
from crossfade.backfill.rehearsal import KeyRoom, Measured, Place, Widths
from crossfade.backfill.task import Task, estimate, fetch, fetch_number, last_bound, pages_of, users_search_path
from crossfade.operations.step import Copy, DataChange, Delete, Update

if TYPE_CHECKING:
    from crossfade.operations.step import RowWork
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]
_COUNTED_PAGES = 1000
"""Up to this size rows are counted, as they are when the backfill begins."""
_SPANS = (16, 256, 4096)
"""Blocks in which a row in the middle of the table is looked for."""
_LIMITS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One relation of one change, to be tried."""

    change: RowWork
    relation: Relation
    grows: QualifiedName
    """The table that grows: the relation itself, or the one that rows are copied to."""
    batch_rows: int
    begun: Task | None = None
    """Where the run stands there, if it has begun."""
    is_sampled: bool = True
    """Whether batches are tried, or only its size is looked at."""

    @property
    def writes(self) -> Literal["update", "delete", "copy"]:
        """What a batch does."""
        match self.change.write:
            case Update():
                return "update"
            case Delete():
                return "delete"
            case Copy():
                return "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRanges(Ranges):
    """The queries about the rows of a relation, with those that only a rehearsal has."""

    def before_the_end(self, rows: int) -> Query:
        """The key after which the last `rows` rows begin; no row where there are not more."""
        last = self.last_key()
        return Query(last.text + sql.SQL(" OFFSET %s"), (rows,))

    def copied(self, key: Bound) -> Query:
        """What a copied row becomes, as a JSON document."""
        assert isinstance(self.write, Copy)
        values = sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(sql.SQL(value.replace("%", "%%")), sql.SQL(column.replace("%", "%%")))
            for column, value in zip(self.write.columns, self.write.values, strict=True)
        )
        text = sql.SQL("SELECT pg_catalog.to_jsonb(s) FROM (SELECT {} FROM ONLY {} WHERE {} = {}) AS s").format(
            values, self._table(), self._row(), self._values()
        )
        return Query(text, key)

    def explained(self, query: Query) -> Query:
        """The plan of another of these queries."""
        return Query(sql.SQL("EXPLAIN (FORMAT JSON, VERBOSE) ") + query.text, query.parameters)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The range of one batch to be tried."""

    place: Place
    lo: Bound | None
    hi: Bound


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found."""

    ranges: TrialRanges
    measured: Measured
    stretches: tuple[Stretch, ...] = ()


def look(connection: Connection, trial: Trial) -> Looked:
    """Look at one relation, inside the caller's transaction; nothing is written."""
    change, relation = trial.change, trial.relation
    key = choose_key(connection, relation, change.touched if isinstance(change, DataChange) else ())
    ranges = TrialRanges(relation=relation.name, key=key, pending=change.pending, write=change.write)
    pages = pages_of(connection, relation.name)
    upper = last_bound(connection, ranges)
    measured = Measured(
        change=change.id, relation=str(relation.name), writes=trial.writes, key=key.columns, pages=pages, pending=0
    )
    if upper is None:
        return Looked(ranges, measured)
    if key.is_place and trial.writes == "copy":
        return Looked(ranges, replace(measured, skipped="it has no key by which each row could be copied once"))
    lo = None if trial.begun is None else trial.begun.frontier
    is_small = pages <= _COUNTED_PAGES
    rows = fetch_number(connection, ranges.count(lo, upper)) if is_small else _estimated(connection, ranges, trial)
    pending, raised = _pending(connection, ranges, lo, upper) if is_small else (None, ())
    measured = replace(
        measured,
        rows=rows,
        pending=pending,
        warnings=raised,
        widths=_widths(connection, trial, rows),
        room=_room(key, upper),
    )
    stretches = _stretches(connection, ranges, trial, upper, measured) if trial.is_sampled else ()
    return Looked(ranges, measured, tuple(stretches))


def _pending(
    connection: Connection, ranges: Ranges, lo: Bound | None, upper: Bound
) -> tuple[int | None, tuple[str, ...]]:
    """How many rows are meant; None, and why, where that cannot be asked of every row."""
    try:
        with connection.transaction(), users_search_path(connection):
            return fetch_number(connection, ranges.count_pending(lo, upper)), ()
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        said = error.diag.message_primary or str(error).strip()
        warning = (
            f"the condition {ranges.pending} raises for some row: {said} ({error.sqlstate}). Such rows are refused one "
            "by one and set aside; how many rows are meant is not known"
        )
        return None, (warning,)


def _estimated(connection: Connection, ranges: Ranges, trial: Trial) -> int:
    """How many rows the relation has, less what is done."""
    done = 0 if trial.begun is None else trial.begun.rows_done
    return max(0, estimate(connection, ranges) - done)


def _widths(connection: Connection, trial: Trial, rows: int) -> Widths | None:
    """Those of the table that grows; of one without rows, as wide as the rows that are copied to it."""
    own = _widths_of(connection, trial.relation.name, rows)
    if trial.grows == trial.relation.name:
        return own
    return _widths_of(connection, trial.grows, 0) or (None if own is None else Widths(row=own.row))


def _widths_of(connection: Connection, table: QualifiedName, rows: int) -> Widths | None:
    """From the table's size and what the planner knows of its rows, else how many they are; None without any."""
    row = connection.execute(
        "SELECT pg_catalog.pg_relation_size(oid) / known, pg_catalog.pg_indexes_size(oid) / known"
        " FROM pg_catalog.pg_class, LATERAL (SELECT CASE WHEN reltuples > 0 THEN reltuples ELSE %s END) AS k (known)"
        " WHERE oid = %s::pg_catalog.regclass AND known > 0",
        [rows, str(table)],
    ).fetchone()
    return None if row is None else Widths(row=float(row[0]), indexes=float(row[1]))


def _room(key: Key, upper: Bound) -> KeyRoom | None:
    limit = None if key.is_place else _LIMITS.get(key.types[0])
    return None if limit is None else KeyRoom(column=key.columns[0], greatest=int(upper[0]), limit=limit)


def _stretches(
    connection: Connection, ranges: TrialRanges, trial: Trial, upper: Bound, measured: Measured
) -> Iterator[Stretch]:
    """At the beginning of what is left, in the middle and at the end; one where that is all there is."""
    lo = None if trial.begun is None else trial.begun.frontier
    if lo == upper:
        return
    blocks = max(1, round(trial.batch_rows * measured.pages / max(1, measured.rows)))

    def end_of(begin: Bound | None) -> Bound:
        if ranges.key.is_place:
            return min(block_start(block_of(begin) + blocks), upper, key=block_of)
        found = fetch(connection, ranges.bound(begin, upper, trial.batch_rows))
        return tuple(found[0][0]) if found else upper

    first = end_of(lo)
    yield Stretch("beginning", lo, first)
    if first == upper:
        return
    # Of a run that has begun the middle may be done already.
    middle = _middle(connection, ranges, measured.pages) if lo is None else None
    if middle is not None and middle != upper:
        yield Stretch("middle", middle, end_of(middle))
    last = _before_the_end(connection, ranges, trial, measured.pages - blocks)
    if last is not None:
        yield Stretch("end", last, upper)


def _middle(connection: Connection, ranges: TrialRanges, pages: int) -> Bound | None:
    """The key of a row that lies in the middle of the table's file; None where none is found soon."""
    middle = pages // 2
    if ranges.key.is_place:
        return block_start(middle)
    place = replace(ranges, key=Key(), pending="true")
    for span in _SPANS:
        query = place.pending_keys(block_start(middle), block_start(middle + span), limit=1, shown=ranges.key)
        rows = fetch(connection, query)
        if rows:
            return tuple(rows[0][0])
    return None


def _before_the_end(connection: Connection, ranges: TrialRanges, trial: Trial, block: int) -> Bound | None:
    if ranges.key.is_place:
        return block_start(block) if block > 0 else None
    rows = fetch(connection, ranges.before_the_end(trial.batch_rows))
    return tuple(rows[0][0]) if rows else None
