"""What cannot be in one plan with an enum that loses values: another enum takes its place in all its tables. Pure.

Before it the tables have to be in order, and what has left columns of the enum has to be through; behind it nothing
else names the enum, or goes on with a table that has a column of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.migrations.typed import as_change
from crossfade.plan.names import TableName
from crossfade.postgres.forecast.type_names import parse_type

if TYPE_CHECKING:
    from crossfade.migrations.imported.beside import Mark
    from crossfade.migrations.typed import Typed

_WHERE_TABLES_ARE = ("table", "from", "partition")


def held(change: Typed) -> Iterator[Mark]:
    """By such a change; nothing by any other."""
    for enum in _losing(change):
        tables = tuple(_with_columns_of(enum, change))
        yield ("enum", "", enum)
        yield from (("anew", table, "") for table in tables)
        # SQL is sent as it stands, whatever phase it is for.
        yield from ((phase, "", name) for name in (enum, *tables) for phase in ("old", "new"))


def wanted(change: Typed) -> Iterator[Mark]:
    """By any change of such a table, or that names a type."""
    for entry in change.readings[0].entries:
        ((_, fields),) = entry.items()
        names = (fields[key] for key in _WHERE_TABLES_ARE if isinstance(fields.get(key), str))
        yield from (("anew", TableName.parse(name).name, "") for name in names)
        yield from (("enum", "", parse_type(type_.sql).name.name) for type_ in as_change(entry).types)
    for enum in _losing(change):
        yield ("type", "", enum)
        yield from (("late", table, "") for table in _with_columns_of(enum, change))


def _losing(change: Typed) -> Iterator[str]:
    for entry in change.readings[0].entries:
        if "remove_enum_values" in entry:
            yield parse_type(entry["remove_enum_values"]["type"]).name.name


def _with_columns_of(enum: str, change: Typed) -> Iterator[str]:
    for table in change.before.tables.values():
        if any(c.type != "unknown" and parse_type(c.type).name.name == enum for c in table.columns):
            yield table.name.name
