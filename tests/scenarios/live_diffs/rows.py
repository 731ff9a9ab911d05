"""The rows as they have to be: whatever either version wrote, noted as soon as PostgreSQL has said yes.

Each row has a lock. Who writes a row holds it until the write is noted, so the last write of a row is known, while the
two versions, and the engine, write different rows at the same time. A fact that nobody wrote is not noted: its default,
or what a plan fills in, is left to the schema's comparison, which says that it is not NULL.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...fixtures.database import Database
    from .meaning import Converter, Meaning
    from .shape import Column, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What somebody wrote, as text."""

    value: str | None
    is_old: bool
    """In the old shape."""


@dataclass(slots=True, kw_only=True, eq=False)
class Row:
    """A row that is there, by the names of the new shape."""

    table: str
    key: str
    writer: str | None = None
    """Who inserted it, and may delete it or have other rows refer to it; with None anybody may refer to it."""
    facts: dict[str, Fact] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_gone: bool = False

    def is_empty(self, column: str) -> bool:
        """Whether nobody has written a value there."""
        fact = self.facts.get(column)
        return fact is None or fact.value is None


class Rows:
    """All rows of all tables."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}
        self._lock = threading.Lock()

    def add(self, row: Row) -> None:
        """A row that was inserted."""
        with self._lock:
            self._rows.setdefault(row.table, []).append(row)

    def remove(self, row: Row) -> None:
        """A row that was deleted."""
        row.is_gone = True
        with self._lock:
            self._rows[row.table].remove(row)

    def of(self, *tables: str) -> list[Row]:
        """The rows that are there now; without names those of all tables."""
        with self._lock:
            return [row for table in (tables or tuple(self._rows)) for row in self._rows.get(table, ())]

    def taken(self, random: Random, table: str, writer: str | None = None) -> Row | None:
        """One that nobody else writes, with its lock; of that writer's own, if one is named."""
        every = [row for row in self.of(table) if writer in (None, row.writer)]
        for row in random.sample(every, min(len(every), 5)):
            if row.lock.acquire(blocking=False):
                if not row.is_gone:
                    return row
                row.lock.release()
        return None

    def is_referenced(self, row: Row, shape: Shape) -> bool:
        """Whether another row refers to it, by a column of this shape or of the one that wrote it."""
        columns = {(t.name, c.name) for t in shape.values() for c in t.columns.values() if c.references == row.table}
        referring = self.of(*{table for table, _ in columns}) if columns else []
        return any(
            fact.value == row.key
            for other in referring
            for name, fact in list(other.facts.items())
            if (other.table, name) in columns
        )

    def differences(self, database: Database, shape: Shape, converter: Converter) -> Iterator[str]:
        """What is not in the database as it was written, or is there and was not written."""
        for table in shape.values():
            names = tuple(table.columns)
            found = _read(database, table.name, table.key, names)
            there = {key: dict(zip(names, values, strict=True)) for key, *values in found}
            noted = {row.key: row for row in self.of(table.name)}
            for key in sorted(there.keys() ^ noted.keys()):
                yield f"{table.name} {key}: " + ("nobody wrote it" if key in there else "it is lost")
            for key in there.keys() & noted.keys():
                yield from _of_row(noted[key], there[key], table.columns.values(), converter)


def _of_row(row: Row, there: dict[str, Any], columns: Iterable[Column], converter: Converter) -> Iterator[str]:
    for column in columns:
        fact = row.facts.get(column.name)
        if fact is None:
            continue
        expected = converter.converted((row.table, column.name), fact.value) if fact.is_old else fact.value
        was_filled = expected is None and not column.is_nullable
        if there[column.name] != expected and not was_filled:
            by = "old" if fact.is_old else "new"
            yield f"{row.table} {row.key}: {column.name} is {there[column.name]}, the {by} version wrote {fact.value}"


def _read(database: Database, table: str, key: str, names: Iterable[str]) -> list[tuple[Any, ...]]:
    columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in (key, *names))
    return database.execute(sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(table)))


def rows_there(database: Database, shape: Shape, meaning: Meaning) -> Rows:
    """The rows that the database has, as written in this shape, the old one."""
    rows = Rows()
    for table in shape.values():
        places = [meaning.place(table.name, name) for name in table.columns]
        for key, *values in _read(database, table.name, table.key, table.columns):
            facts = {name: Fact(value=v, is_old=True) for (_, name), v in zip(places, values, strict=True)}
            rows.add(Row(table=meaning.tables.get(table.name, table.name), key=key, facts=facts))
    return rows
