"""`_prisma_migrations`: a row for every attempt. One that is neither finished nor rolled back has failed, and Prisma
stops at it; so a row is written finished or not at all. What is written is what `prisma migrate resolve --applied`
writes: no step is counted, and it began when it ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.migrations.histories.history import History, Pending, both, delete, equal, exists, insert, not_in
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.histories.history import Entry, Place, Row, Rows
    from crossfade.postgres.statement import Statement

_LOCK = 72707369
_APPLIED = sql.SQL("finished_at IS NOT NULL AND rolled_back_at IS NULL")
_NOW = sql.SQL("pg_catalog.now()")


def _is_applied(row: Row) -> bool:
    return row["finished_at"] is not None and row["rolled_back_at"] is None


def _is_recorded(entry: Entry, rows: Rows) -> bool:
    return any(row["migration_name"] == entry.name and _is_applied(row) for row in rows)


def _pending(entries: Sequence[Entry], rows: Rows) -> Pending:
    failed = [r["migration_name"] for r in rows if r["finished_at"] is None and r["rolled_back_at"] is None]
    return Pending(
        entries=not_in(entries, rows, _is_recorded),
        halted=f"{failed[0]} has begun and not ended (P3009)" if failed else None,
    )


def _sums(entry: Entry, rows: Rows) -> frozenset[str]:
    return frozenset(r["checksum"] for r in rows if r["migration_name"] == entry.name and _is_applied(r))


def _lost(entries: Sequence[Entry], rows: Rows) -> tuple[str, ...]:
    names = {entry.name for entry in entries}
    return tuple(dict.fromkeys(n for r in rows if _is_applied(r) and (n := r["migration_name"]) not in names))


def _row(entry: Entry) -> sql.Composable:
    return both(equal("migration_name", entry.name), _APPLIED)


def _record(entry: Entry, place: Place) -> tuple[Statement, ...]:
    values = {
        "id": sql.SQL("pg_catalog.gen_random_uuid()"),
        "checksum": sql.Literal(entry.checksum),
        "finished_at": _NOW,
        "migration_name": sql.Literal(entry.name),
        "logs": sql.SQL("NULL"),
        "rolled_back_at": sql.SQL("NULL"),
        "started_at": _NOW,
        "applied_steps_count": sql.Literal(0),
    }
    return (insert(place, values, unless=_row(entry)),)


HISTORY = History(
    tool=Tool.PRISMA,
    table=TableName(None, "_prisma_migrations"),
    columns=(
        "id",
        "checksum",
        "finished_at",
        "migration_name",
        "logs",
        "rolled_back_at",
        "started_at",
        "applied_steps_count",
    ),
    order=("started_at",),
    is_recorded=_is_recorded,
    pending=_pending,
    record=_record,
    forget=lambda entry, place: (delete(place, _row(entry)),),
    done=lambda entry, place: exists(place, _row(entry)),
    locks=lambda _: (_LOCK,),
    sums=_sums,
    lost=_lost,
)
