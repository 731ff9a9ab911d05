"""`flyway_schema_history`: a row for each script, in the order in which they were run. A version is judged by its last
row, since an undo is a row too; a repeatable script by the checksum of its last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.migrations.flyway_names import PLACES, ScriptName, numbers_of, script_name
from crossfade.migrations.histories.history import History, Pending, both, delete, equal, exists, insert
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.histories.history import Entry, Place, Row, Rows
    from crossfade.postgres.statement import Statement

_UNDOES = ("UNDO_", "DELETE")
_BASES = frozenset({"BASELINE", "SQL_BASELINE", "JDBC_BASELINE"})
"""The first is what the command writes, the others what B files do."""
_FLYWAY = int.from_bytes(b"Flyway", "big")
_INT = 2**32


@dataclass(frozen=True, slots=True)
class _Last:
    """The last row of each script that has some."""

    rows: Mapping[tuple[int, ...] | str, Row]
    """By the numbers of its version, or by its description."""
    baseline: tuple[int, ...]
    """What came before it is taken to be in it."""

    @classmethod
    def of(cls, rows: Iterable[Row]) -> _Last:
        """One pass over the rows."""
        last: dict[tuple[int, ...] | str, Row] = {}
        baseline: tuple[int, ...] = ()
        for row in rows:
            numbers = numbers_of(row["version"])
            if numbers is not None or row["version"] is None:
                last[numbers or row["description"]] = row
            if numbers is not None and row["type"] in _BASES:
                baseline = max(baseline, numbers)
        return cls(last, baseline)

    def row(self, entry: Entry) -> Row | None:
        """The last one of a migration."""
        name = _name(entry)
        return self.rows.get(name.numbers or name.description)

    def has(self, entry: Entry) -> bool:
        """Whether Flyway takes a migration for applied."""
        row, numbers = self.row(entry), _name(entry).numbers
        if () < numbers <= self.baseline:
            return True
        if row is None or not _is_applied(row):
            return False
        return bool(numbers) or str(row["checksum"]) == entry.checksum


def _name(entry: Entry) -> ScriptName:
    return script_name(entry.name) or ScriptName("R", None, entry.name)


def _is_applied(row: Row) -> bool:
    """Neither failed nor taken back."""
    return bool(row["success"]) and not row["type"].startswith(_UNDOES)


def _is_recorded(entry: Entry, rows: Rows) -> bool:
    return _Last.of(rows).has(entry)


def _is_in_force(row: Row) -> bool:
    """Of SQL, and neither failed nor taken back."""
    return bool(row["success"]) and row["type"] == "SQL"


def _sums(entry: Entry, rows: Rows) -> frozenset[str]:
    """A repeatable one may change."""
    row = _Last.of(rows).row(entry) if _name(entry).numbers else None
    if row is None or not _is_in_force(row) or row["checksum"] is None:
        return frozenset()
    return frozenset({str(row["checksum"])})


def _lost(entries: Sequence[Entry], rows: Rows) -> tuple[str, ...]:
    """A baseline's file may have changed; it may not be gone, even if a file of another kind has its version."""
    last = _Last.of(rows)
    ours = {id(row) for entry in entries if (row := last.row(entry)) is not None and _is_base(row) == _is_b(entry)}
    scripts = _Last.of(row for row in rows if _is_of_a_script(row)).rows.values()
    there = (row for row in scripts if _is_in_force(row) or (_is_base(row) and row["success"]))
    return tuple(row["script"] for row in there if id(row) not in ours)


def _is_b(entry: Entry) -> bool:
    return _name(entry).kind == "B"


def _is_base(row: Row) -> bool:
    """Of a B file."""
    return bool(row["type"] == "SQL_BASELINE")


def _is_of_a_script(row: Row) -> bool:
    """Others are of the command `baseline`, and about the schema itself."""
    return row["type"] in {"SQL", "SQL_BASELINE", "DELETE"} or row["type"].startswith("UNDO_")


def _stops_at(script: str, entries: Sequence[Entry]) -> bool:
    """A version above that of every file is taken for one of a newer release."""
    numbers = numbers_of(getattr(script_name(PurePath(script).stem), "version", None))
    return numbers is None or numbers <= max((_name(entry).numbers for entry in entries), default=())


def _pending(entries: Sequence[Entry], rows: Rows) -> Pending:
    failed, last = [row["script"] for row in rows if not row["success"]], _Last.of(rows)
    pending = tuple(entry for entry in entries if not last.has(entry))
    return Pending(entries=pending, halted=f"{failed[0]} has failed" if failed else _gap(pending, last))


def _gap(pending: Sequence[Entry], last: _Last) -> str | None:
    """A version below the highest that is in force is taken for forgotten."""
    highest = max((key for key, row in last.rows.items() if isinstance(key, tuple) and _is_applied(row)), default=())
    missing = [entry.name for entry in pending if () < _name(entry).numbers < highest]
    if not missing:
        return None
    version = ".".join(map(str, highest))
    return f"{missing[0]} is not applied and comes before {version}, which is (-outOfOrder=true lets it go on)"


def _script(entry: Entry) -> str:
    """Below the location, which is the folder called `migration` by default."""
    parts = PurePath(entry.file).parts if entry.file is not None else (f"{entry.name}.sql",)
    places = [n for n, part in enumerate(parts) if part in PLACES]
    return "/".join(parts[places[-1] + 1 :] if places else parts[-1:])


def _row(entry: Entry) -> sql.Composable:
    name = _name(entry)
    if name.version is None:
        condition = both(sql.SQL("version IS NULL"), equal("description", name.description))
        return both(condition, equal("checksum", int(entry.checksum or 0)))
    return equal("version", name.version)


def _record(entry: Entry, place: Place) -> tuple[Statement, ...]:
    name = _name(entry)
    values = {
        "installed_rank": sql.SQL("(SELECT coalesce(pg_catalog.max(installed_rank), 0) + 1 FROM {})").format(
            sql.Identifier(place.table.schema, place.table.name)
        ),
        "version": sql.Literal(name.version),
        "description": sql.Literal(name.description),
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
    if _name(entry).version is None:
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
    has_place=lambda entry: bool(_name(entry).numbers),
    passed_over="stops Flyway, unless it may run out of order",
    sums=_sums,
    lost=_lost,
    stops_at=_stops_at,
    is_new=lambda rows: all(row["version"] is None for row in rows),
)
