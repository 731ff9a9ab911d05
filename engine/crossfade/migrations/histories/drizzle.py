"""`drizzle.__drizzle_migrations` of Drizzle 0.x: hash and `when`. Only the latest `when` counts: an entry of the
journal that is older than it is passed over without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.migrations.histories.history import History, Pending, both, delete, equal, exists, insert
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.histories.history import Entry, Place, Rows
    from crossfade.postgres.statement import Statement


def _is_recorded(entry: Entry, rows: Rows) -> bool:
    return any(row["created_at"] == entry.created_at for row in rows)


def _pending(entries: Sequence[Entry], rows: Rows) -> Pending:
    latest = max((row["created_at"] for row in rows if row["created_at"] is not None), default=None)
    newer = tuple(e for e in entries if latest is None or (e.created_at is not None and e.created_at > latest))
    passed_over = tuple(e for e in entries if e not in newer and not _is_recorded(e, rows))
    return Pending(entries=newer, hidden=passed_over)


def _sums(entry: Entry, rows: Rows) -> frozenset[str]:
    return frozenset(row["hash"] for row in rows if row["created_at"] == entry.created_at)


def _lost(entries: Sequence[Entry], rows: Rows) -> tuple[str, ...]:
    times, hashes = {entry.created_at for entry in entries}, {entry.checksum for entry in entries}
    lost = (row["created_at"] for row in rows if row["created_at"] not in times and row["hash"] not in hashes)
    return tuple(f"created_at {time}" for time in lost)


def _row(entry: Entry) -> sql.Composable:
    return both(equal("created_at", entry.created_at), equal("hash", entry.checksum))


def _record(entry: Entry, place: Place) -> tuple[Statement, ...]:
    values = {"hash": sql.Literal(entry.checksum), "created_at": sql.Literal(entry.created_at)}
    return (insert(place, values, unless=_row(entry)),)


HISTORY = History(
    tool=Tool.DRIZZLE,
    table=TableName("drizzle", "__drizzle_migrations"),
    columns=("hash", "created_at"),
    order=("created_at",),
    is_recorded=_is_recorded,
    pending=_pending,
    record=_record,
    forget=lambda entry, place: (delete(place, _row(entry)),),
    done=lambda entry, place: exists(place, _row(entry)),
    later=lambda entry, _: sql.SQL("created_at > {}").format(sql.Literal(entry.created_at)),
    passed_over="would never be run, since Drizzle 0.x looks at the latest time only",
    sums=_sums,
    lost=_lost,
)
