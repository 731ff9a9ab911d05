"""Statements of a version of an app, made from its shape: whatever table it has, rows come, change, go and are read.

Every value is another one and every number positive, so unique constraints and the usual checks are respected; a
foreign key gets a row of before or one of the sender's own, which nobody else deletes. A column with a default, or that
may be NULL, is at times left out. Values are sent as text without a type, as drivers do that know no other.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from .rows import Fact, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from .meaning import Meaning
    from .rows import Rows
    from .shape import Column, Shape, Table

BEYOND_INTEGER = 2**31


class Lost(Exception):
    """A statement was not refused, and touched no row. The message has it."""


@dataclass(slots=True, kw_only=True)
class Sender:
    """One version, on one connection. Raises psycopg.Error, with the statement as a note, and Lost."""

    name: str
    shape: Shape
    """What it sends from now on; may be set by another thread."""
    meaning: Meaning
    """Of its shape's names in the new one."""
    is_old: bool
    rows: Rows
    random: Random
    numbers: Iterator[int]
    """No other sender has the same."""
    prepares: bool = True
    """What it sends often, as drivers do."""

    def some(self, connection: psycopg.Connection[Any]) -> None:
        """A statement of any kind, on any table."""
        shape = self.shape
        table = self.random.choice([t for t in shape.values() if t.columns])
        (send,) = self.random.choices((self.insert, self.update, self.read, self.delete), (4, 5, 2, 1))
        send(connection, table)

    def insert(self, connection: psycopg.Connection[Any], table: Table, *, before_all: bool = False) -> None:
        """A new row; one of before all belongs to nobody."""
        values = {c.name: self._value(c) for c in table.columns.values() if not self._is_left_out(table, c)}
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}::text").format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
            sql.Identifier(table.key),
        )
        ((key,),) = self._sent(connection, query, list(values.values()))
        there = {c.name for c in table.columns.values() if not c.has_default} | values.keys()
        facts = {self._column(table, name): Fact(value=values.get(name), is_old=self.is_old) for name in there}
        self.rows.add(Row(table=self._table(table), key=key, facts=facts, writer=None if before_all else self.name))

    def update(self, connection: psycopg.Connection[Any], table: Table) -> None:
        """One column of any row gets another value; the key where there is nothing else, and nobody refers to it."""
        columns = [c for c in table.columns.values() if c.name != table.key]
        if not columns and not any(c.references == table.name for t in self.shape.values() for c in t.columns.values()):
            columns = list(table.columns.values())
        row = self.rows.taken(self.random, self._table(table)) if columns else None
        if row is not None:
            try:
                self._set(connection, table, row, self.random.choice(columns))
            finally:
                row.lock.release()

    def read(self, connection: psycopg.Connection[Any], table: Table) -> None:
        """All of a row."""
        row = self.rows.taken(self.random, self._table(table))
        if row is not None:
            query = sql.SQL("SELECT {} FROM {} WHERE {} = %s").format(
                sql.SQL(", ").join(map(sql.Identifier, table.columns)),
                sql.Identifier(table.name),
                sql.Identifier(table.key),
            )
            try:
                self._sent(connection, query, [row.key])
            finally:
                row.lock.release()

    def delete(self, connection: psycopg.Connection[Any], table: Table) -> None:
        """A row of its own that no other refers to."""
        row = self.rows.taken(self.random, self._table(table), self.name)
        if row is not None:
            try:
                if not self.rows.is_referenced(row, self.shape):
                    query = sql.SQL("DELETE FROM {} WHERE {} = %s")
                    self._sent(connection, self._named(query, table, table.key), [row.key])
                    self.rows.remove(row)
            finally:
                row.lock.release()

    def fill(self, connection: psycopg.Connection[Any], new: Shape) -> None:
        """Give a value to whatever has none, and has to have one in the new shape."""
        for table in self.shape.values():
            there = new[table.name].columns
            required = [c for n, c in table.columns.items() if not (there[n].is_nullable or there[n].has_default)]
            for row in self.rows.of(table.name):
                with row.lock:
                    for column in required:
                        if not row.is_gone and row.is_empty(column.name):
                            self._set(connection, table, row, column)

    def _set(self, connection: psycopg.Connection[Any], table: Table, row: Row, column: Column) -> None:
        value = self._value(column)
        query = sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s")
        self._sent(connection, self._named(query, table, column.name, table.key), [value, row.key])
        row.facts[self._column(table, column.name)] = Fact(value=value, is_old=self.is_old)
        if column.name == table.key:
            row.key = str(value)

    def _sent(self, connection: psycopg.Connection[Any], query: sql.Composed, values: list[Any]) -> list[Any]:
        # A prepared query whose result gets another type fails once, in any app.
        prepares = self.prepares and not query.as_string(connection).startswith("SELECT")
        try:
            done = connection.execute(query, values, prepare=None if prepares else False)
        except psycopg.Error as error:
            error.add_note(f"{self.name}: {query.as_string(connection)} {values}")
            raise
        if done.rowcount != 1:
            raise Lost(f"{self.name}: touched {done.rowcount} rows: {query.as_string(connection)} {values}")
        return done.fetchall() if done.description else []

    @staticmethod
    def _named(query: sql.SQL, table: Table, *columns: str) -> sql.Composed:
        return query.format(sql.Identifier(table.name), *map(sql.Identifier, columns))

    def _table(self, table: Table) -> str:
        return self.meaning.tables.get(table.name, table.name)

    def _column(self, table: Table, column: str) -> str:
        return self.meaning.place(table.name, column)[1]

    def _is_left_out(self, table: Table, column: Column) -> bool:
        if column.name == table.key:
            return column.has_default
        return (column.has_default or column.is_nullable) and self.random.random() < 0.3

    def _value(self, column: Column) -> str | None:
        if column.is_nullable and self.random.random() < 0.2:
            return None
        if column.references is not None:
            there = self.rows.of(self.meaning.tables.get(column.references, column.references))
            return self.random.choice([row.key for row in there if row.writer in (None, self.name)])
        if column.labels:
            return self.random.choice(column.labels)
        return _value_of(column.type, next(self.numbers))


def _value_of(type_: str, number: int) -> str:
    match type_:
        case "integer":
            return str(number)
        case "bigint":
            return str(BEYOND_INTEGER + number)
        case "text" | "character varying":
            return f"x{number}"
        case "text[]":
            return f"{{a{number},b{number}}}"
        case "uuid":
            return str(uuid.UUID(int=number))
    raise AssertionError(f"say what a value of {type_} is")
