"""What a tool's history is: a table with a row for each migration that it has applied, and the tool's rules about it.

A history is data and pure functions: rows that were read go in, statements come out. Nothing here is sent. What is
recorded is recorded once however often it is sent, so that a migration which somebody else has marked as applied in the
meantime hinders nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Lock, LockMode, Statement, render

Row = Mapping[str, Any]
Rows = Sequence[Row]
"""Of the table, with the history's columns, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A migration, with what its tool's history tells it by."""

    name: str
    file: str | None = None
    checksum: str | None = None
    created_at: int | None = None
    """Drizzle 0.x: `when` of the journal."""
    after: str | None = None
    """The name of the one before it; None for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What the tool would do now."""

    entries: tuple[Entry, ...] = ()
    """Those that it would run, in its order."""
    hidden: tuple[Entry, ...] = ()
    """Those that are not recorded and that it would never run."""
    halted: str | None = None
    """Why it would stop before the first, in words that follow "since": `20261124_x has failed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a history is."""

    database: str
    table: QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A tool's table and rules."""

    tool: Tool
    table: TableName
    """The one that the tool makes by itself; without a schema it is looked for on the search path."""
    columns: tuple[str, ...]
    """The columns that are read and written."""
    order: tuple[str, ...]
    """What the rows are sorted by."""
    is_recorded: Callable[[Entry, Rows], bool]
    """Whether the tool takes a migration for applied by a row of its own."""
    pending: Callable[[Sequence[Entry], Rows], Pending]
    """What of the project's migrations the tool would run."""
    record: Callable[[Entry, Place], tuple[Statement, ...]]
    """Writes what the tool would have written."""
    forget: Callable[[Entry, Place], tuple[Statement, ...]]
    """Takes that back."""
    done: Callable[[Entry, Place], str]
    """A query for one boolean: is it written?"""
    locks: Callable[[Place], tuple[int, ...]] = lambda _: ()
    """The keys of the advisory locks that the tool holds while it works."""
    later: Callable[[Entry, Place], sql.Composable] | None = None
    """True for a row of a migration behind this one, where the tool then passes over one that is taken back."""
    passed_over: str | None = None
    """What the tool does about one that is not recorded before one that is, in words that follow its name; None where
    it still runs it."""
    has_place: Callable[[Entry], bool] = lambda _: True
    """Whether what comes before a migration is of any matter to the tool."""
    sums: Callable[[Entry, Rows], frozenset[str]] = lambda *_: frozenset()
    """The checksums that the rows of a migration have; none where the tool keeps none."""
    lost: Callable[[Sequence[Entry], Rows], tuple[str, ...]] = lambda *_: ()
    """What is applied by the rows, and is none of the project's migrations; in the tool's own words for it."""
    stops_at: Callable[[str, Sequence[Entry]], bool] = lambda *_: False
    """Whether the tool goes no further for one of those, beside these migrations."""
    is_new: Callable[[Rows], bool] = lambda rows: not rows
    """Whether the tool takes the database for one without any migration."""


def insert(place: Place, values: Mapping[str, sql.Composable], *, unless: sql.Composable) -> Statement:
    """A row, unless there is one for which the condition holds."""
    text = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {values} WHERE NOT EXISTS (SELECT FROM {table} WHERE {unless})"
    )
    return _of(
        place,
        text.format(
            table=_table(place),
            columns=sql.SQL(", ").join(map(sql.Identifier, values)),
            values=sql.SQL(", ").join(values.values()),
            unless=unless,
        ),
    )


def time_of(place: Place, column: str) -> sql.Composable:
    """Now, for a time without a zone: in the zone of a session that sets none, as the tool's; ours have UTC.

    Never before the last one that is there, since tools may sort by it.
    """
    text = sql.SQL(
        "(SELECT GREATEST(pg_catalog.timezone(s.reset_val, pg_catalog.now()),"
        " (SELECT pg_catalog.max({column}) FROM {table})) FROM pg_catalog.pg_settings s WHERE s.name = 'TimeZone')"
    )
    return text.format(column=sql.Identifier(column), table=_table(place))


def delete(place: Place, where: sql.Composable) -> Statement:
    """The rows for which the condition holds."""
    return _of(place, sql.SQL("DELETE FROM {} WHERE {}").format(_table(place), where))


def equal(column: str, value: object) -> sql.Composable:
    """A condition."""
    return sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))


def both(*conditions: sql.Composable) -> sql.Composable:
    """All of the conditions."""
    return sql.SQL(" AND ").join(conditions)


def waiting_for(key: int) -> Statement:
    """Waits for the tool's own lock, which is given back with the transaction."""
    return Statement(text=render(sql.SQL("SELECT pg_catalog.pg_advisory_xact_lock({})").format(sql.Literal(key))))


def exists(place: Place, where: sql.Composable) -> str:
    """A query for one boolean: is there such a row?"""
    return render(sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {})").format(_table(place), where))


def not_in(entries: Iterable[Entry], rows: Rows, is_recorded: Callable[[Entry, Rows], bool]) -> tuple[Entry, ...]:
    """Those that have no row."""
    return tuple(entry for entry in entries if not is_recorded(entry, rows))


def number_of(name: str) -> int:
    """The number that a name begins with; -1 where it begins with none."""
    found = re.match(r"\d+", name)
    return int(found[0]) if found is not None else -1


def _of(place: Place, text: sql.Composable) -> Statement:
    return Statement(text=render(text), locks=(Lock(relation=str(place.table), mode=LockMode.ROW_EXCLUSIVE),))


def _table(place: Place) -> sql.Identifier:
    return sql.Identifier(place.table.schema, place.table.name)
