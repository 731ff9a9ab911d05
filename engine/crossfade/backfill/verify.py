"""Comparing both sides of a change over every row of every relation, or over a sample that says it is one.

Reads block ranges of limited size, each in a statement of its own, so that no snapshot is held for long. While the
triggers are in place a row can only come into step, so a pending row that is seen is a mismatch, and rows written after
their block was read are in step. A table that was rewritten in the middle is read again. A sample is made of stretches
of blocks at random places, spread evenly over the table; it can miss what it does not read.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.backfill.keys import Key, Relation, choose_key, relations_of
from crossfade.backfill.quarantine import SHOWN, described, key_as_json
from crossfade.backfill.ranges import Bound, Ranges, block_start
from crossfade.backfill.retry import Attempt, Link, Passing
from crossfade.backfill.task import fetch, fetch_number
from crossfade.errors import WorkLeft
from crossfade.observe.events import BackfillTrouble, Emit, Verified
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.step import RowChange, RowCopy, RowFill, RowLook

Connection = psycopg.Connection[Any]

_STRETCH = 128
"""Blocks that a sample reads at one place."""
_BLOCKS = 16_384
"""Blocks that one statement reads; 128 MB with the usual size of a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a comparison found: how many rows differ, and the keys of the first of them."""

    mismatches: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """One change of a run, for the time of its comparison."""

    run_id: int
    run_name: str
    change: RowChange | RowCopy | RowLook
    should_stop: Callable[[], str | None]
    emit: Emit
    share: float
    """Of the blocks that are read; 1 is all of them."""

    @property
    def table(self) -> QualifiedName:
        return QualifiedName(self.change.schema, self.change.table)

    def go_on(self) -> None:
        reason = self.should_stop()
        if reason is not None:
            raise WorkLeft(
                f"run {self.run_name} stops in the comparison of {self.table}: {reason}",
                hint=f"Nothing was changed. Go on with: crossfade advance {self.run_name}",
            )

    def tell(self, link: Link, _kind: Passing, message: str) -> None:
        self.emit(BackfillTrouble(run=self.run_name, change=self.change.id, relation=str(link.where), message=message))


def _never() -> str | None:
    return None


def verify(
    *,
    connect: Callable[[], Connection],
    run_id: int,
    run_name: str,
    change: RowChange | RowCopy | RowLook,
    emit: Emit,
    should_stop: Callable[[], str | None] = _never,
    share: float = 1.0,
) -> Verification:
    """Compare both sides on every row, or on a share of them.

    `change` names its columns only in `pending`; replace it to compare others.

    Raises WorkLeft when asked to stop; what to make of mismatches is the caller's to say.
    """
    comparison = _Comparison(
        run_id=run_id, run_name=run_name, change=change, should_stop=should_stop, emit=emit, share=share
    )
    mismatches = 0
    keys: list[str] = []
    with Link(connect, go_on=comparison.go_on, tell=comparison.tell, where=comparison.table) as link:
        for relation in link.run(lambda connection, _attempt: relations_of(connection, comparison.table)):
            link.where = relation.name
            found = _verify_relation(link, comparison, relation)
            mismatches += found.mismatches
            keys += found.keys
    return Verification(mismatches=mismatches, keys=tuple(keys[:SHOWN]))


def _verify_relation(link: Link, comparison: _Comparison, relation: Relation) -> Verification:
    begun = time.monotonic()
    try:
        found = _read(link, comparison, relation)
    except psycopg.errors.UndefinedTable:
        left = link.run(lambda connection, _attempt: relations_of(connection, comparison.table))
        if any(r.oid == relation.oid for r in left):
            raise
        return Verification(mismatches=0)
    link.run(lambda connection, _attempt: _record(connection, comparison, relation, found))
    comparison.emit(
        Verified(
            run=comparison.run_name,
            change=comparison.change.id,
            relation=str(relation.name),
            mismatches=found.mismatches,
            share=comparison.share,
            duration_ms=(time.monotonic() - begun) * 1000,
        )
    )
    return found


def _read(link: Link, comparison: _Comparison, relation: Relation) -> Verification:
    """Read the whole relation, and once more whenever its file was another one at the end."""
    file, blocks = link.run(lambda connection, _attempt: _file(connection, relation))
    while True:
        found = _read_blocks(link, comparison, relation, blocks)
        before = file
        file, blocks = link.run(lambda connection, _attempt: _file(connection, relation))
        if file == before:
            return found


def _read_blocks(link: Link, comparison: _Comparison, relation: Relation, blocks: int) -> Verification:
    place = Ranges(relation=relation.name, key=Key(), pending=comparison.change.pending)
    waived = link.run(partial(_waived, comparison=comparison, relation=relation))
    mismatches = 0
    keys: list[str] = []
    for begin, end, count in _counted(link, place, blocks, comparison.share):
        if count and (waived or len(keys) < SHOWN):
            lo, hi = block_start(begin), block_start(end)
            most = SHOWN + len(waived)
            found = link.run(partial(_keys, comparison=comparison, relation=relation, lo=lo, hi=hi, most=most))
            differing = [key for key in found if frozenset(key.items()) not in waived]
            # A row that was given up differs for a reason that a person has written down.
            mismatches -= len(found) - len(differing)
            keys += [_named(comparison, relation, key) for key in differing]
        mismatches += count
    return Verification(mismatches=mismatches, keys=tuple(keys[:SHOWN]))


def _waived(
    connection: Connection, _attempt: Attempt, *, comparison: _Comparison, relation: Relation
) -> frozenset[frozenset[tuple[str, str]]]:
    """The keys of the relation's rows that were given up."""
    rows = connection.execute(
        "SELECT key FROM crossfade.rejected_rows"
        " WHERE run_id = %s AND change_id = %s AND relation = %s AND state = 'waived'",
        [comparison.run_id, comparison.change.id, str(relation.name)],
    ).fetchall()
    return frozenset(frozenset(row[0].items()) for row in rows)


def _counted(link: Link, place: Ranges, blocks: int, share: float) -> Iterator[tuple[int, int, int]]:
    """Stretches of blocks, first and behind the last, with how many of their rows are pending."""
    for first, last in stretches(blocks, share, random.random):
        begin = first
        while begin < last:
            end, count = link.run(partial(_count, place=place, begin=begin, blocks=last))
            yield begin, end, count
            begin = end


def stretches(blocks: int, share: float, chance: Callable[[], float]) -> Iterator[tuple[int, int]]:
    """The stretches of a relation that a share of its blocks is read in; `chance` gives numbers from 0 to below 1."""
    if share >= 1 or blocks <= _STRETCH:
        yield 0, blocks
        return
    count = max(1, round(blocks * share / _STRETCH))
    room = blocks // count
    length = min(_STRETCH, room)
    for number in range(count):
        first = number * room + int(chance() * (room - length + 1))
        yield first, first + length


def pending_rows(
    link: Link, relation: Relation, change: RowChange | RowFill | RowCopy, *, most: int, share: float = 1.0
) -> list[Bound]:
    """The relation's own keys of rows that are not in step, up to `most`."""
    place = Ranges(relation=relation.name, key=Key(), pending=change.pending)
    _, blocks = link.run(lambda connection, _attempt: _file(connection, relation))
    found: list[Bound] = []
    for begin, end, count in _counted(link, place, blocks, share):
        if count:
            lo, hi = block_start(begin), block_start(end)
            look = partial(_bounds, relation=relation, place=place, lo=lo, hi=hi, most=most - len(found))
            found += link.run(look)[1]
        if len(found) >= most:
            break
    return found


def _bounds(
    connection: Connection, _attempt: Attempt, *, relation: Relation, place: Ranges, lo: Bound, hi: Bound, most: int
) -> tuple[Key, list[Bound]]:
    """The relation's key, and by it the first pending rows of a range."""
    key = choose_key(connection, relation)
    return key, [tuple(row[0]) for row in fetch(connection, place.pending_keys(lo, hi, limit=most, shown=key))]


def _count(connection: Connection, attempt: Attempt, *, place: Ranges, begin: int, blocks: int) -> tuple[int, int]:
    """How far was read, and the pending rows in it; less is read at a time where the server is slow."""
    end = min(blocks, begin + max(1, _BLOCKS // attempt.divisor))
    return end, fetch_number(connection, place.count_pending(block_start(begin), block_start(end)))


def _keys(
    connection: Connection,
    _attempt: Attempt,
    *,
    comparison: _Comparison,
    relation: Relation,
    lo: Bound,
    hi: Bound,
    most: int,
) -> list[dict[str, str]]:
    """The first mismatches of a range, by the relation's own key."""
    place = Ranges(relation=relation.name, key=Key(), pending=comparison.change.pending)
    key, bounds = _bounds(connection, _attempt, relation=relation, place=place, lo=lo, hi=hi, most=most)
    return [key_as_json(key, bound) for bound in bounds]


def _named(comparison: _Comparison, relation: Relation, key: dict[str, str]) -> str:
    """A row's key for a message; by table as well where there are several."""
    prefix = "" if relation.name == comparison.table else f"{relation.name} "
    return prefix + described(key)


def _file(connection: Connection, relation: Relation) -> tuple[int | None, int]:
    """Which file the relation is in, and its length in blocks."""
    row = connection.execute(
        "SELECT pg_catalog.pg_relation_filenode(oid), pg_catalog.pg_relation_size(oid)"
        " / pg_catalog.current_setting('block_size')::bigint FROM pg_catalog.pg_class WHERE oid = %s",
        [relation.oid],
    ).fetchone()
    return (None, 0) if row is None else (row[0], int(row[1] or 0))


def _record(connection: Connection, comparison: _Comparison, relation: Relation, found: Verification) -> None:
    connection.execute(
        "UPDATE crossfade.backfills SET verified_at = CASE WHEN %s THEN pg_catalog.clock_timestamp() END,"
        " verified_share = %s WHERE run_id = %s AND change_id = %s AND relation = %s",
        [found.mismatches == 0, comparison.share, comparison.run_id, comparison.change.id, str(relation.name)],
    )
