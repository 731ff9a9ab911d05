"""golang-migrate's `schema_migrations`: one row with the last number, so that everything up to it counts as applied."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from psycopg import sql

from crossfade.migrations.histories.history import History, Pending, delete, equal, exists, insert, number_of
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.histories.history import Entry, Place, Rows
    from crossfade.postgres.statement import Statement

_SALT = 1486364155
_ANY = sql.SQL("true")


def _is_recorded(entry: Entry, rows: Rows) -> bool:
    return any(number_of(entry.name) <= row["version"] for row in rows)


def _pending(entries: Sequence[Entry], rows: Rows) -> Pending:
    dirty = [row["version"] for row in rows if row["dirty"]]
    return Pending(
        entries=tuple(e for e in entries if not _is_recorded(e, rows)),
        halted=f"{dirty[0]} has failed: the database is dirty" if dirty else None,
    )


def _lost(entries: Sequence[Entry], rows: Rows) -> tuple[str, ...]:
    """Only the last one is known."""
    numbers = {number_of(entry.name) for entry in entries}
    return tuple(f"version {n}" for row in rows if (n := row["version"]) >= 0 and n not in numbers)


def _values(name: str) -> dict[str, sql.Composable]:
    return {"version": sql.Literal(number_of(name)), "dirty": sql.SQL("false")}


def _record(entry: Entry, place: Place) -> tuple[Statement, ...]:
    older = sql.SQL("version < {}").format(sql.Literal(number_of(entry.name)))
    return (delete(place, older), insert(place, _values(entry.name), unless=_ANY))


def _forget(entry: Entry, place: Place) -> tuple[Statement, ...]:
    gone = delete(place, equal("version", number_of(entry.name)))
    return (gone,) if entry.after is None else (gone, insert(place, _values(entry.after), unless=_ANY))


def _done(entry: Entry, place: Place) -> str:
    return exists(place, sql.SQL("version >= {}").format(sql.Literal(number_of(entry.name))))


def _locks(place: Place) -> tuple[int, ...]:
    """By the name of the database; given an address of it, as on the command line, by that with a slash before it."""
    names = (f"/{place.database}", place.database)
    texts = (f"{place.table.schema}\0{place.table.name}\0{name}" for name in names)
    return tuple(crc32(text.encode()) * _SALT % 2**32 for text in texts)


HISTORY = History(
    tool=Tool.GOLANG_MIGRATE,
    table=TableName(None, "schema_migrations"),
    columns=("version", "dirty"),
    order=("version",),
    is_recorded=_is_recorded,
    pending=_pending,
    record=_record,
    forget=_forget,
    done=_done,
    locks=_locks,
    later=lambda entry, _: sql.SQL("version > {}").format(sql.Literal(number_of(entry.name))),
    passed_over="would never be run, since golang-migrate remembers the last number only",
    lost=_lost,
    stops_at=lambda *_: True,
)
