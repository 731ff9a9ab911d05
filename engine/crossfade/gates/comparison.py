"""Comparing both sides of a pair of columns for a gate: rows that differ now, read a range of blocks at a time.

What differs is what the operation's own predicate says, as in the comparison before contract, and rows that were given
up do not count there either. Each range is one statement in a savepoint that is rolled back, so that neither a snapshot
nor a lock on the table is held for longer than it takes. While the triggers are in place a row can only come into step,
and one that is written behind us is. Row security must not hide rows: where it would, the server refuses to answer.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from crossfade.gates.queries import query
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.step import RowChange

_BLOCKS = 16_384
"""Blocks that one statement reads of at most; 128 MB with the usual size of a block."""
_SMALL = 128
"""Blocks; so little is always read whole."""
_MOST_KEYS = 5


class OutOfTime(Exception):
    """The time was over before everything was compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table that holds rows itself, as it was when it was looked up."""

    schema: str
    name: str
    file: int | None
    """A table that is rewritten gets another file."""
    blocks: int
    key: list[str]
    """Its primary key's columns; none at all stands for `ctid`."""

    @property
    def qualified(self) -> QualifiedName:
        """Its name."""
        return QualifiedName(self.schema, self.name)


@dataclass(slots=True, kw_only=True)
class Compared:
    """What has been found so far; it is filled while it is read."""

    table: str
    old: str
    new: str
    differing: int = 0
    keys: tuple[str, ...] = ()
    """Of the first rows that differ."""
    blocks: int = 0
    blocks_read: int = 0
    relations: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How to compare: the connection, how much, and until when."""

    connection: psycopg.Connection[Any]
    run_id: int
    share: float
    """Of the blocks; 1 is all of them."""
    deadline: float
    """On the monotonic clock."""

    def compare(self, change: RowChange, found: Compared) -> None:
        """Compare a pair, and write into `found` as it goes. Raises OutOfTime and psycopg.Error."""
        relations = self._relations(change)
        found.blocks += sum(relation.blocks for relation in relations)
        for relation in relations:
            self._compare_relation(change, relation, found)
            found.relations += 1

    def _relations(self, change: RowChange) -> list[Relation]:
        table = QualifiedName(change.schema, change.table)
        with self.connection.cursor(row_factory=class_row(Relation)) as cursor:
            return cursor.execute(query("compared_relations"), {"table": str(table)}).fetchall()

    def _compare_relation(self, change: RowChange, relation: Relation, found: Compared) -> None:
        """Read it, and once more where it was another file at the end: rows may have moved to where we had been."""
        while True:
            self._compare_blocks(change, relation, found)
            now = next((r for r in self._relations(change) if r.qualified == relation.qualified), None)
            if now is None or now.file == relation.file or found.differing:
                return
            relation = now

    def _compare_blocks(self, change: RowChange, relation: Relation, found: Compared) -> None:
        where = sql.SQL("({pending}) AND {kept}").format(
            pending=sql.SQL(change.pending),  # the operation's own, as the backfill uses it
            kept=self._not_given_up(change, relation),
        )
        for first, last in stretches(relation.blocks, self.share, random.random):
            (differing,) = self._ask(_counted(relation, where, first, last))[0]
            if differing and len(found.keys) < _MOST_KEYS:
                rows = self._ask(_keys(relation, where, first, last))
                found.keys += tuple(_named(relation, change, row) for row in rows[: _MOST_KEYS - len(found.keys)])
            found.differing += differing
            found.blocks_read += last - first

    def _not_given_up(self, change: RowChange, relation: Relation) -> sql.Composable:
        rows = self.connection.execute(
            "SELECT key FROM crossfade.rejected_rows"
            " WHERE run_id = %s AND change_id = %s AND relation = %s AND state = 'waived'",
            [self.run_id, change.id, str(relation.qualified)],
        ).fetchall()
        keys = [sql.SQL("NOT ({})").format(_is_row(key)) for (key,) in rows]
        return sql.SQL(" AND ").join([sql.SQL("true"), *keys])

    def _ask(self, question: sql.Composed) -> list[tuple[Any, ...]]:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        try:
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(_SETTINGS, [f"{math.ceil(left * 1000)}ms"])
                return self.connection.execute(question).fetchall()
        except psycopg.errors.QueryCanceled:
            if time.monotonic() < self.deadline:
                raise
            raise OutOfTime from None


_SETTINGS = (
    "SELECT pg_catalog.set_config('statement_timeout', %s, true), pg_catalog.set_config('row_security', 'off', true)"
)


def stretches(blocks: int, share: float, chance: Callable[[], float]) -> Iterator[tuple[int, int]]:
    """The ranges of blocks that are read, first and behind the last; `chance` gives numbers from 0 to below 1.

    Of a share, each range of the table has its part at a place by chance. Pure.
    """
    for first in range(0, blocks, _BLOCKS):
        room = min(_BLOCKS, blocks - first)
        length = room if blocks <= _SMALL else math.ceil(room * share)
        begin = first + int(chance() * (room - length + 1))
        yield begin, begin + length


def _within(relation: Relation, where: sql.Composable, first: int, last: int) -> sql.Composed:
    return sql.SQL("FROM ONLY {} WHERE ctid >= {}::pg_catalog.tid AND ctid < {}::pg_catalog.tid AND {}").format(
        sql.Identifier(relation.schema, relation.name),
        sql.Literal(f"({first},0)"),
        sql.Literal(f"({last},0)"),
        where,
    )


def _counted(relation: Relation, where: sql.Composable, first: int, last: int) -> sql.Composed:
    return sql.SQL("SELECT pg_catalog.count(*) {}").format(_within(relation, where, first, last))


def _keys(relation: Relation, where: sql.Composable, first: int, last: int) -> sql.Composed:
    columns = sql.SQL(", ").join(_text(column) for column in relation.key or ["ctid"])
    return sql.SQL("SELECT {} {} LIMIT {}").format(
        columns, _within(relation, where, first, last), sql.Literal(_MOST_KEYS)
    )


def _is_row(key: dict[str, str]) -> sql.Composable:
    """Whether a row has this key, as the ledger keeps one: each column as PostgreSQL writes it."""
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(_text(column), sql.Literal(value)) for column, value in key.items()
    )


def _text(column: str) -> sql.Composed:
    return sql.SQL("pg_catalog.format('%s', {})").format(sql.Identifier(column))


def _named(relation: Relation, change: RowChange, values: Sequence[str]) -> str:
    key = ", ".join(f"{column}={value}" for column, value in zip(relation.key or ["ctid"], values, strict=True))
    is_itself = (relation.schema, relation.name) == (change.schema, change.table)
    return key if is_itself else f"{relation.qualified} {key}"
