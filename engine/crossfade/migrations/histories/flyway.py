"""`flyway_schema_history`: a row for each script, in the order in which they were run. A version is judged by its last
row, since an undo is a row too; a repeatable script by the checksum of its last one.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.migrations.histories.history import History, Pending, both, delete, equal, exists, insert, not_in
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.histories.history import Entry, Place, Row, Rows
    from crossfade.postgres.statement import Statement

_NAME = re.compile(r"V(?P<version>\d+(?:[._]\d+)*)__(?P<what>.*)|R__(?P<again>.+)", re.DOTALL)
_PLACES = frozenset({"migration", "migrations"})
_UNDOES = ("UNDO_", "DELETE")
_FLYWAY = int.from_bytes(b"Flyway", "big")
_INT = 2**32


def _version(entry: Entry) -> str | None:
    found = _NAME.fullmatch(entry.name)
    return found["version"].replace("_", ".") if found is not None and found["version"] else None


def _numbers(version: str) -> tuple[int, ...]:
    """`1.0` and `1` are the same version."""
    numbers = [int(part) for part in re.split("[._]", version)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _description(entry: Entry) -> str:
    found = _NAME.fullmatch(entry.name)
    return (found["what"] or found["again"] or "").replace("_", " ") if found is not None else entry.name


def _is_version(row: Row, numbers: tuple[int, ...]) -> bool:
    version = row["version"]
    return version is not None and re.fullmatch(r"[\d._]+", version) is not None and _numbers(version) == numbers


def _is_recorded(entry: Entry, rows: Rows) -> bool:
    version = _version(entry)
    if version is None:
        last = [r for r in rows if r["version"] is None and r["description"] == _description(entry)][-1:]
        return bool(last) and last[0]["success"] and str(last[0]["checksum"]) == entry.checksum
    numbers = _numbers(version)
    # What came before a baseline is taken to be in it.
    if any(r["type"] == "BASELINE" and r["version"] and numbers <= _numbers(r["version"]) for r in rows):
        return True
    last = [r for r in rows if _is_version(r, numbers)][-1:]
    return bool(last) and last[0]["success"] and not last[0]["type"].startswith(_UNDOES)


def _last(entry: Entry, rows: Rows) -> Row | None:
    """The row that counts of those that a script of ours has."""
    version = _version(entry)
    if version is None:
        found = [r for r in rows if r["version"] is None and r["description"] == _description(entry)]
    else:
        found = [r for r in rows if _is_version(r, _numbers(version))]
    return found[-1] if found and _is_in_force(found[-1]) else None


def _is_in_force(row: Row) -> bool:
    """Of SQL, and neither failed nor taken back."""
    return bool(row["success"]) and row["type"] == "SQL"


def _sums(entry: Entry, rows: Rows) -> frozenset[str]:
    """A repeatable one may change."""
    row = _last(entry, rows) if _version(entry) is not None else None
    return frozenset() if row is None or row["checksum"] is None else frozenset({str(row["checksum"])})


def _lost(entries: Sequence[Entry], rows: Rows) -> tuple[str, ...]:
    ours = {id(row) for entry in entries if (row := _last(entry, rows)) is not None}
    last = {r["description"] if r["version"] is None else _numbers(r["version"]): r for r in rows if _is_ours(r)}
    return tuple(row["script"] for row in last.values() if _is_in_force(row) and id(row) not in ours)


def _is_ours(row: Row) -> bool:
    """Of a script; others are about baselines and the schema itself."""
    known = row["type"] in {"SQL", "DELETE"} or row["type"].startswith("UNDO_")
    return known and (row["version"] is None or re.fullmatch(r"\d+([._]\d+)*", row["version"]) is not None)


def _pending(entries: Sequence[Entry], rows: Rows) -> Pending:
    failed = [row["script"] for row in rows if not row["success"]]
    return Pending(entries=not_in(entries, rows, _is_recorded), halted=f"{failed[0]} has failed" if failed else None)


def _script(entry: Entry) -> str:
    """Below the location, which is the folder called `migration` by default."""
    parts = PurePath(entry.file).parts if entry.file is not None else (f"{entry.name}.sql",)
    places = [n for n, part in enumerate(parts) if part in _PLACES]
    return "/".join(parts[places[-1] + 1 :] if places else parts[-1:])


def _row(entry: Entry) -> sql.Composable:
    version = _version(entry)
    if version is None:
        condition = both(sql.SQL("version IS NULL"), equal("description", _description(entry)))
        return both(condition, equal("checksum", int(entry.checksum or 0)))
    return equal("version", version)


def _record(entry: Entry, place: Place) -> tuple[Statement, ...]:
    version = _version(entry)
    values = {
        "installed_rank": sql.SQL("(SELECT coalesce(pg_catalog.max(installed_rank), 0) + 1 FROM {})").format(
            sql.Identifier(place.table.schema, place.table.name)
        ),
        "version": sql.Literal(version),
        "description": sql.Literal(_description(entry)),
        "type": sql.Literal("SQL"),
        "script": sql.Literal(_script(entry)),
        "checksum": sql.Literal(int(entry.checksum or 0)),
        "installed_by": sql.SQL("current_user"),
        "execution_time": sql.Literal(0),
        "success": sql.SQL("true"),
    }
    return (insert(place, values, unless=both(_row(entry), _IN_FORCE)),)


_IN_FORCE = sql.SQL("success AND type NOT LIKE 'UNDO%' AND type <> 'DELETE'")


def _later(entry: Entry, place: Place) -> sql.Composable:
    mine = sql.SQL("SELECT pg_catalog.max(installed_rank) FROM {} WHERE {}").format(
        sql.Identifier(place.table.schema, place.table.name), _row(entry)
    )
    if _version(entry) is None:
        return sql.SQL("false")
    return both(sql.SQL("installed_rank > ({})").format(mine), sql.SQL("version IS NOT NULL"), _IN_FORCE)


def _lock(place: Place) -> int:
    """`Flyway` as a number, and Java's hash of the table's name in quotes."""
    quoted = '"{}"."{}"'.format(*(part.replace('"', '""') for part in (place.table.schema, place.table.name)))
    units = quoted.encode("utf-16-be")
    hashed = 0
    for n in range(0, len(units), 2):
        hashed = (31 * hashed + int.from_bytes(units[n : n + 2], "big")) % _INT
    return _FLYWAY + (hashed - _INT if hashed >= _INT // 2 else hashed)


HISTORY = History(
    tool=Tool.FLYWAY,
    table=TableName(None, "flyway_schema_history"),
    columns=(
        "installed_rank",
        "version",
        "description",
        "type",
        "script",
        "checksum",
        "installed_by",
        "execution_time",
        "success",
    ),
    order=("installed_rank",),
    is_recorded=_is_recorded,
    pending=_pending,
    record=_record,
    forget=lambda entry, place: (delete(place, both(_row(entry), _IN_FORCE)),),
    done=lambda entry, place: exists(place, both(_row(entry), _IN_FORCE)),
    locks=lambda place: (_lock(place),),
    later=_later,
    passed_over="stops Flyway, unless it may run out of order",
    sums=_sums,
    lost=_lost,
)
