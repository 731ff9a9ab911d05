"""Histories in which a migration is a row with a key and no more: it is applied where the row is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.migrations.histories.history import History, Pending, both, delete, equal, exists, insert, not_in

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    more: Mapping[str, sql.Composable] = field(default_factory=dict)
    """Other columns that the tool writes."""
    holds: str | None = None
    """A column that is true in a row that counts."""
    order: tuple[str, ...] = ()
    locks: tuple[int, ...] = ()
    counter: str | None = None
    """A column that grows with every row, where the tool passes over one before the last."""
    passed_over: str | None = None
    origin: str | int | None = None
    """The key of a row that the tool writes as it makes the table, and that is no migration's."""

    def history(self) -> History:
        """The history."""
        read = (self.column,) if self.holds is None else (self.column, self.holds)
        return History(
            tool=self.tool,
            table=self.table,
            columns=tuple(dict.fromkeys((*read, *self.more))),
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
        last = [row for row in rows if row[self.column] == self.key(entry)][-1:]
        return bool(last) and (self.holds is None or bool(last[0][self.holds]))

    def _pending(self, entries: Sequence[Entry], rows: Rows) -> Pending:
        return Pending(entries=not_in(entries, rows, self._is_recorded))

    def _lost(self, entries: Sequence[Entry], rows: Rows) -> tuple[str, ...]:
        keys = {self.key(entry) for entry in entries}
        last = {row[self.column]: self.holds is None or bool(row[self.holds]) for row in rows}
        return tuple(str(key) for key, counts in last.items() if counts and key not in keys and key != self.origin)

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
        values = {self.column: sql.Literal(self.key(entry)), **self.more}
        return (insert(place, values, unless=self._row(entry)),)
