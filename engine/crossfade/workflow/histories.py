"""Other tools' histories in a database: read, and looked at before a plan begins whose migrations they are to get.

What is written when the run contracts has to be right then, and what speaks against it is known now: a table that is
not there, a row that is, a tool that has stopped, an earlier migration that the row would hide, a file that is another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from crossfade.errors import Refusal, UsageError
from crossfade.migrations.histories import HISTORIES, entries_of, entry_of
from crossfade.migrations.histories.history import Entry, History, Place, Rows
from crossfade.postgres.names import QualifiedName
from crossfade.workflow.recording import Record

if TYPE_CHECKING:
    from crossfade.migrations.migration import Project
    from crossfade.plan.migrations import CoveredMigration
    from crossfade.plan.model import Plan
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
    with connection.transaction():
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordable:
    """What can be written of a plan's migrations, and what speaks against the rest."""

    records: tuple[Record, ...]
    refusals: tuple[Refusal, ...]


def recordable(connection: Connection, plan: Plan) -> Recordable:
    """The rows that the plan's migrations are to get."""
    books, records, refusals = Books(connection), list[Record](), list[Refusal]()
    migrations = plan.migrations or ()
    for covered in migrations:
        refusals += _of_the_file(covered)
        book = books.of(covered.tool, covered.history)
        against = tuple(_of_the_table(covered, book)) or tuple(_of_the_rows(covered, book, migrations))
        refusals += against
        if book is not None and not against:
            records.append(Record(covered=covered, entry=entry_of(covered), history=book.history, place=book.place))
    return Recordable(records=tuple(records), refusals=tuple(refusals))


def _of_the_table(covered: CoveredMigration, book: Book | None) -> Iterator[Refusal]:
    name = str(covered.history or HISTORIES[covered.tool].table)
    if book is None:
        yield Refusal(
            code="no_history",
            object=name,
            message=f"{covered.tool} has no such table in this database, so {covered.name} cannot be recorded.",
            instead="Let the tool make it: it does so with the first migration that it runs. Or name the table it uses "
            "by `history`.",
        )
    elif book.missing:
        yield Refusal(
            code="no_history",
            object=str(book.place.table),
            message=f"it is not as {covered.tool} makes it: there is no column {', '.join(book.missing)}.",
            instead="Correct `tool` or `history` in the plan; a table of an older version is brought up to date by the "
            "tool itself, with the next migration that it runs.",
        )
    elif not book.may_write:
        yield Refusal(
            code="no_history",
            object=str(book.place.table),
            message="the role that crossfade connects as may not read it and write into it.",
            instead=f"GRANT SELECT, INSERT, DELETE ON {book.place.table}, and USAGE on its sequence if it has one.",
        )


def _of_the_rows(
    covered: CoveredMigration, book: Book | None, migrations: Sequence[CoveredMigration]
) -> Iterator[Refusal]:
    if book is None:
        return
    entry = entry_of(covered)
    halted = book.history.pending((), book.rows).halted
    if book.history.is_recorded(entry, book.rows):
        yield Refusal(
            code="recorded_already",
            object=covered.name,
            message=f"{covered.tool} takes it for applied: it is recorded in {book.place.table}.",
            instead="If its changes are there, there is nothing left for a plan to do. If the row was written by "
            "mistake, let the tool take it back.",
        )
    elif halted is not None:
        yield Refusal(
            code="history_halted",
            object=str(book.place.table),
            message=f"{covered.tool} has stopped, since {halted}.",
            instead="Resolve that with the tool first.",
        )
    elif book.history.passed_over is not None:
        ours = {one.name for one in migrations if (one.tool, one.history) == (covered.tool, covered.history)}
        earlier = _earlier(covered, book)
        if any(e.name not in ours and not book.history.is_recorded(e, book.rows) for e in earlier):
            names = [e.name for e in earlier if e.name not in ours and not book.history.is_recorded(e, book.rows)]
            yield Refusal(
                code="hides_pending",
                object=covered.name,
                message=f"{', '.join(names)} comes before it and is not recorded; once {covered.name} is, that "
                f"{book.history.passed_over}.",
                instead="Apply it first, or let the plan that covers it contract first.",
            )


def _earlier(covered: CoveredMigration, book: Book) -> tuple[Entry, ...]:
    """What comes before it: in the folder, where that can be read; else the one that the plan names."""
    project = _project(covered)
    entries = entries_of(project) if project is not None else ()
    place = next((n for n, entry in enumerate(entries) if entry.name == covered.name), None)
    if place is not None:
        return entries[:place]
    # By its name alone Drizzle 0.x knows none; a history without a row has it not.
    if covered.after is None or (covered.tool == "drizzle" and book.rows):
        return ()
    return (Entry(name=covered.after, created_at=None),)


def _project(covered: CoveredMigration) -> Project | None:
    """The folder of the migration's file, where that is there."""
    from crossfade.migrations.read import read

    if covered.file is None or not _is_there(covered.file):
        return None
    return next((project for project in read([covered.file]) if project.tool.value == covered.tool), None)


def _is_there(file: str) -> bool:
    try:
        return Path(file).is_file()
    except (OSError, ValueError):
        return False


def _of_the_file(covered: CoveredMigration) -> Iterator[Refusal]:
    if covered.checksum is None or covered.file is None or not _is_there(covered.file):
        return
    summed = _sum_of(covered, Path(covered.file))
    if summed != covered.checksum:
        yield Refusal(
            code="migration_changed",
            object=covered.file,
            message=f"it is not the file that the plan covers as {covered.name}: "
            f"{'it cannot be read' if summed is None else 'its checksum is another'}.",
            instead="See what has changed, make the plan do the same, and correct `checksum`.",
        )


def _sum_of(covered: CoveredMigration, file: Path) -> str | None:
    """As the tool sums it up, else SHA-256; None where it cannot be read."""
    project = _project(covered)
    by_the_tool = (
        next((m.checksum for m in project.migrations if m.file == file), None) if project is not None else None
    )
    if by_the_tool is not None:
        return by_the_tool
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None
