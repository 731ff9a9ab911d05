"""What a statement does, gathered while its tree is read, and the forecast that comes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crossfade.postgres.statement import Lock, LockMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.postgres.catalog import QualifiedName, Table, TableKind
    from crossfade.postgres.forecast.schema import Schema

MOST_COLUMNS = 1600
"""Of a table or view; those of a table that were dropped count."""
_WITH_ROWS = frozenset({"table", "materialized view"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What one statement will do to relations that exist before the first one of its program."""

    locks: tuple[Lock, ...] = ()
    """The strongest per table, view or materialized view, above ACCESS SHARE."""
    rewrites: tuple[str, ...] = ()
    """Relations whose rows are written anew, named as in `locks`."""
    scans: tuple[str, ...] = ()
    """Relations that are read whole under a lock above ACCESS SHARE."""
    transactional: bool = True
    """It may run inside a transaction block."""
    too_wide: tuple[Table, ...] = ()
    """Tables to which it gives more columns than PostgreSQL allows, as they would be."""
    held: tuple[Table, ...] = ()
    """Tables that PostgreSQL will not let it alter, since a column somewhere holds their row type."""
    unknown: str | None = None
    """Why nothing can be said, in words; `locks` are empty then."""


class Unforeseeable(Exception):
    """Nothing can be said of the statement; the message says why."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """The model as it changes, and what was found so far, by the relations' original names."""

    schema: Schema
    transactional: bool = True
    _locks: dict[QualifiedName, LockMode] = field(default_factory=dict)
    _rewrites: dict[QualifiedName, None] = field(default_factory=dict)
    _scans: dict[QualifiedName, None] = field(default_factory=dict)
    _too_wide: dict[QualifiedName, Table] = field(default_factory=dict)
    _held: dict[QualifiedName, Table] = field(default_factory=dict)

    def lock(self, name: QualifiedName, mode: LockMode) -> None:
        """The statement holds the relation in this mode, or a stronger one that was found before."""
        origin = self.schema.origins.get(name)
        if origin is not None and mode > LockMode.ACCESS_SHARE:
            self._locks[origin] = max(mode, self._locks.get(origin, mode))

    def lock_all(self, tables: Iterable[Table], mode: LockMode) -> None:
        """The same for several."""
        for table in tables:
            self.lock(table.name, mode)

    def scan(self, name: QualifiedName) -> None:
        """It reads every row; of a relation without rows of its own there is nothing to read."""
        table, origin = self.schema.tables.get(name), self.schema.origins.get(name)
        if origin is not None and table is not None and table.kind in _WITH_ROWS:
            self._scans[origin] = None

    def rewrite(self, name: QualifiedName) -> None:
        """It reads every row and writes it anew."""
        self.scan(name)
        self.empty(name)

    def empty(self, name: QualifiedName) -> None:
        """It gives the relation new, empty storage."""
        table, origin = self.schema.tables.get(name), self.schema.origins.get(name)
        if origin is not None and table is not None and table.kind in _WITH_ROWS:
            self._rewrites[origin] = None

    def widen(self, table: Table) -> None:
        """The table has one more column, as it is given here."""
        if table.last_number > MOST_COLUMNS:
            self._too_wide[table.name] = table
        self.schema = self.schema.put(table)

    def alter_rows(self, table: Table, *kinds: TableKind) -> None:
        """It makes its rows other rows, which one of these kinds cannot have while a column holds the row's type."""
        if table.row_type_columns and table.kind in kinds:
            self._held[table.name] = table

    def forecast(self) -> Forecast:
        """What was found."""
        return Forecast(
            locks=tuple(Lock(relation=str(name), mode=mode) for name, mode in self._locks.items()),
            rewrites=tuple(str(name) for name in self._rewrites),
            scans=tuple(str(name) for name in self._scans),
            transactional=self.transactional,
            too_wide=tuple(self._too_wide.values()),
            held=tuple(self._held.values()),
        )
