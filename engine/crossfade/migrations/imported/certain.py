"""Doubts that are settled, or seen in another light, by what the tool knows.

A field of schema.prisma whose column has another name, and which is itself still called as the column was, is the same
field: its `@map` was changed, and the column that is dropped gets the name of the one that is added. The same goes for
a model with `@@map`.

drizzle-kit asks whether a column is renamed, and writes RENAME then. Where it wrote DROP and ADD, somebody has said
that the two are not the same, or has pressed Enter: it is the likelier reading, and still a doubt. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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

    def settled(self, change: Typed) -> Typed:
        """The change with the one reading that is meant, where that is known; else with the likelier one first."""
        if change.is_certain:
            return change
        schema = self.prisma
        if schema is not None:
            meant = next((r for r in change.readings if r.entries and self._is_meant(r.entries[0], schema)), None)
            return change if meant is None else replace(change, readings=(replace(meant, is_guess=False),))
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


def _is_rename(reading: Reading) -> bool:
    return any(kind in {"rename_column", "rename_table"} for entry in reading.entries for kind in entry)


NOTHING_KNOWN = Known()
