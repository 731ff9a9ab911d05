"""`drizzle.__drizzle_migrations` of Drizzle 1.x: besides the hash, the folder's name, by which a migration is known,
and the time that the name begins with.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.migrations.histories.history import History, Pending, delete, equal, exists, insert, not_in
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.histories.history import Entry, Place, Rows
    from crossfade.postgres.statement import Statement

_DIGITS = 14


def _is_recorded(entry: Entry, rows: Rows) -> bool:
    return any(row["name"] == entry.name for row in rows)


def _pending(entries: Sequence[Entry], rows: Rows) -> Pending:
    return Pending(entries=not_in(entries, rows, _is_recorded))


def _sums(entry: Entry, rows: Rows) -> frozenset[str]:
    return frozenset(row["hash"] for row in rows if row["name"] == entry.name)


def _lost(entries: Sequence[Entry], rows: Rows) -> tuple[str, ...]:
    names = {entry.name for entry in entries}
    return tuple(row["name"] for row in rows if row["name"] is not None and row["name"] not in names)


def _milliseconds(name: str) -> int:
    """As JavaScript's `Date.UTC`, which takes a thirteenth month for the first of the next year."""
    digits = name[:_DIGITS]
    year, month = int(digits[:4]), int(digits[4:6]) - 1
    first = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    day, hour, minute, second = (int(digits[n : n + 2]) for n in (6, 8, 10, 12))
    return (int(first.timestamp()) + (((day - 1) * 24 + hour) * 60 + minute) * 60 + second) * 1000


def _row(entry: Entry) -> sql.Composable:
    return equal("name", entry.name)


def _record(entry: Entry, place: Place) -> tuple[Statement, ...]:
    values = {
        "hash": sql.Literal(entry.checksum),
        "created_at": sql.Literal(_milliseconds(entry.name)),
        "name": sql.Literal(entry.name),
    }
    return (insert(place, values, unless=_row(entry)),)


HISTORY = History(
    tool=Tool.DRIZZLE_1,
    table=TableName("drizzle", "__drizzle_migrations"),
    columns=("hash", "created_at", "name"),
    order=("created_at",),
    is_recorded=_is_recorded,
    pending=_pending,
    record=_record,
    forget=lambda entry, place: (delete(place, _row(entry)),),
    done=lambda entry, place: exists(place, _row(entry)),
    sums=_sums,
    lost=_lost,
)
