"""Histories in which a migration is a row with a key and no more: it is applied where the row is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.migrations.histories.history import (
    History,
    Pending,
    both,
    delete,
    equal,
    exists,
    insert,
    time_of,
)

if TYPE_CHECKING:
    from crossfade.migrations.histories.history import Entry, Place, Rows
    from crossfade.migrations.migration import Tool
    from crossfade.plan.names import TableName
    from crossfade.postgres.statement import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """What sets such a history apart from others."""

    tool: Tool
    table: TableName
    column: str
    """The column of the key."""
    key: Callable[[Entry], str | int]
    clock: str | None = None
    """A column that the tool writes the time into."""
    holds: str | None = None
    """A column that is true in a row that counts."""
    order: tuple[str, ...] = ()
    locks: tuple[int, ...] = ()
    counter: str | None = None
    """A column that grows with every row, where the tool passes over one before the last."""
    passed_over: str | None = None
    gap: Callable[[Sequence[Entry], Sequence[Any]], str | None] = lambda *_: None
    """Why the tool stops at the keys that are applied, in words that follow "since"."""
    origin: str | int | None = None
    """The key of a row that the tool writes as it makes the table, and that is no migration's."""

    def history(self) -> History:
        """The history."""
        read = (self.column, *filter(None, (self.holds, self.clock)))
        return History(
            tool=self.tool,
            table=self.table,
            columns=read,
            order=self.order or (self.column,),
            is_recorded=self._is_recorded,
            pending=self._pending,
            record=self._record,
            forget=lambda entry, place: (delete(place, self._row(entry)),),
            done=lambda entry, place: exists(place, self._row(entry)),
            locks=lambda _: self.locks,
            later=None if self.counter is None else self._later,
            passed_over=self.passed_over,
            lost=self._lost,
        )

    def _is_recorded(self, entry: Entry, rows: Rows) -> bool:
        return self.key(entry) in self._applied(rows)

    def _applied(self, rows: Rows) -> Mapping[str | int, None]:
        """The keys of those that are applied, in the table's order. The last row of a key counts."""
        last = {row[self.column]: self.holds is None or bool(row[self.holds]) for row in rows}
        return {key: None for key, counts in last.items() if counts}

    def _pending(self, entries: Sequence[Entry], rows: Rows) -> Pending:
        applied = self._applied(rows)
        return Pending(
            entries=tuple(entry for entry in entries if self.key(entry) not in applied),
            halted=self.gap(entries, tuple(applied)),
        )

    def _lost(self, entries: Sequence[Entry], rows: Rows) -> tuple[str, ...]:
        keys = {self.key(entry) for entry in entries}
        return tuple(str(key) for key in self._applied(rows) if key not in keys and key != self.origin)

    def _row(self, entry: Entry) -> sql.Composable:
        mine = equal(self.column, self.key(entry))
        return mine if self.holds is None else both(mine, sql.Identifier(self.holds))

    def _later(self, entry: Entry, place: Place) -> sql.Composable:
        assert self.counter is not None
        counter, table = sql.Identifier(self.counter), sql.Identifier(place.table.schema, place.table.name)
        last = sql.SQL("{} > (SELECT pg_catalog.max({}) FROM {} WHERE {})")
        behind = last.format(counter, counter, table, self._row(entry))
        return behind if self.holds is None else both(behind, sql.Identifier(self.holds))

    def _record(self, entry: Entry, place: Place) -> tuple[Statement, ...]:
        values: dict[str, sql.Composable] = {self.column: sql.Literal(self.key(entry))}
        if self.holds is not None:
            values[self.holds] = sql.SQL("true")
        if self.clock is not None:
            values[self.clock] = time_of(place, self.clock)
        return (insert(place, values, unless=self._row(entry)),)
