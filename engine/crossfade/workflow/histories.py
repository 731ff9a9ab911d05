"""Other tools' histories in a database, read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from crossfade.errors import UsageError
from crossfade.migrations.histories import HISTORIES
from crossfade.migrations.histories.history import History, Place, Rows
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.plan.names import TableName

Connection = psycopg.Connection[Any]

_TABLE = """
SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text,
       ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'),
       pg_catalog.has_table_privilege(c.oid, 'INSERT') AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
           AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid
               WHERE d.refobjid = c.oid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a'
                 AND CASE WHEN s.relkind = 'S' THEN NOT pg_catalog.has_sequence_privilege(s.oid, 'USAGE') END),
       pg_catalog.current_database()::pg_catalog.text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %(table)s AND c.relkind IN ('r', 'p')
  AND CASE WHEN %(schema)s::pg_catalog.text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid)
           ELSE n.nspname = %(schema)s END
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A history as it is in a database."""

    history: History
    place: Place
    rows: Rows
    missing: tuple[str, ...] = ()
    """Columns of the tool's that the table does not have; no rows were read then."""
    may_read: bool = True
    may_write: bool = True


@dataclass(slots=True)
class Books:
    """The histories of a database, each read once."""

    connection: Connection
    read: dict[tuple[str, str], Book | None] = field(default_factory=dict)

    def of(self, tool: str, table: TableName | None = None) -> Book | None:
        """A tool's history; None where there is no such table."""
        history = HISTORIES[tool]
        name = table or history.table
        key = (tool, str(name))
        if key not in self.read:
            self.read[key] = _read(self.connection, history, name)
        return self.read[key]

    def named(self, tool: str, table: TableName) -> Book:
        """The history that somebody has named. Raises UsageError where it is not there, or not the tool's."""
        book = self.of(tool, table)
        if book is None:
            raise UsageError(f"--history: there is no table {table} in this database")
        return readable(book)


def readable(book: Book) -> Book:
    """The book. Raises UsageError where it is not the tool's, or may not be read."""
    if book.missing or not book.may_read:
        wrong = f"it has no column {', '.join(book.missing)}" if book.missing else "it may not be read by this role"
        raise UsageError(
            f"{book.place.table} is not to be read as the history of {book.history.tool.value}: {wrong}",
            hint="Name the table that the tool uses: --history TABLE.",
        )
    return book


def _read(connection: Connection, history: History, name: TableName) -> Book | None:
    # Rolled back, so that a transaction around it has its own search_path again.
    with connection.transaction(force_rollback=True):
        # A table without a schema is the one that the tool's own session would find.
        connection.execute("SET LOCAL search_path TO DEFAULT")
        found = connection.execute(_TABLE, {"schema": name.schema, "table": name.name}).fetchone()
        if found is None:
            return None
        schema, table, columns, may_read, may_write, database = found
        place = Place(database=database, table=QualifiedName(schema, table))
        needed = dict.fromkeys((*history.columns, *history.order))
        missing = tuple(column for column in needed if column not in columns)
        rows: Rows = () if missing or not may_read else _rows(connection, history, place)
    return Book(
        history=history,
        place=place,
        rows=rows,
        missing=missing,
        may_read=bool(may_read),
        may_write=bool(may_read and may_write),
    )


def _rows(connection: Connection, history: History, place: Place) -> Rows:
    query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
        sql.SQL(", ").join(map(sql.Identifier, history.columns)),
        sql.Identifier(place.table.schema, place.table.name),
        sql.SQL(", ").join(map(sql.Identifier, history.order)),
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return tuple(cursor.execute(query).fetchall())
