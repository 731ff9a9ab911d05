"""Doubts that are settled, or seen in another light, by what the tool knows.

A field of schema.prisma whose column has another name, and which is itself still called as the column was, is the same
field: its `@map` was changed, and the column that is dropped gets the name of the one that is added. The same goes for
a model with `@@map`.

drizzle-kit asks whether a column is renamed, and writes RENAME then. Where its snapshot says that one was renamed, and
the file drops and adds, somebody has written the file anew: it is a rename. Where it does not, somebody has said that
the two are not the same, or has pressed Enter: that is the likelier reading, and still a doubt. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from crossfade.migrations.drizzle_snapshots import Rename
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from crossfade.migrations.prisma_schema import PrismaSchema
    from crossfade.migrations.typed import Entry, Reading, Typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known besides the migrations."""

    prisma: PrismaSchema | None = None
    asks_about_renames: bool = False
    """The tool writes a rename as one, and has asked whoever generated the migration."""

    renames: Mapping[str, frozenset[Rename]] = field(default_factory=dict)
    """What the tool's snapshots call a rename, by the migration."""

    def settled(self, change: Typed, migration: str) -> Typed:
        """The change with the one reading that is meant, where that is known; else with the likelier one first."""
        if change.is_certain:
            return change
        schema, renamed = self.prisma, self.renames.get(migration, frozenset())
        if schema is not None:
            meant = next((r for r in change.readings if r.entries and self._is_meant(r.entries[0], schema)), None)
            return change if meant is None else _as(change, meant, "schema.prisma")
        meant = next((r for r in change.readings if any(_rename_of(e) in renamed for e in r.entries)), None)
        if meant is not None:
            return _as(change, meant, "the snapshot of the migration")
        if self.asks_about_renames:
            return replace(change, readings=tuple(sorted(change.readings, key=_is_rename)))
        return change

    @staticmethod
    def _is_meant(entry: Entry, schema: PrismaSchema) -> bool:
        ((kind, fields),) = entry.items()
        if kind == "rename_column":
            model = schema.of_table(TableName.parse(fields["table"]).name)
            field = model.of_column(fields["to"]) if model is not None else None
            return field is not None and field.name == fields["from"]
        if kind == "rename_table":
            model = schema.of_table(fields["to"])
            return model is not None and model.name == TableName.parse(fields["from"]).name
        return False


def _as(change: Typed, meant: Reading, teller: str) -> Typed:
    because = f"It is a rename, and not a new one in the place of an old one: {teller} says so."
    return replace(change, readings=(replace(meant, is_guess=False),), because=because)


def _rename_of(entry: Entry) -> Rename | None:
    ((kind, fields),) = entry.items()
    if kind == "rename_column":
        table = TableName.parse(fields["table"])
        return Rename("columns", (table.schema or "public", table.name, fields["from"]), fields["to"])
    if kind == "rename_table":
        table = TableName.parse(fields["from"])
        return Rename("tables", (table.schema or "public", table.name), fields["to"])
    return None


def _is_rename(reading: Reading) -> bool:
    return any(kind in {"rename_column", "rename_table"} for entry in reading.entries for kind in entry)


NOTHING_KNOWN = Known()
