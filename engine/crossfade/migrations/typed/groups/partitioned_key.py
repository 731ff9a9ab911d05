"""A primary key over partitions: its columns become NOT NULL first, each in a plan of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed.constraints import primary_entry
from crossfade.migrations.typed.entry import entry
from crossfade.migrations.typed.groups.group import Match, Reading
from crossfade.postgres.forecast.trees import names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest


def key_over_partitions(command: Command, _: Rest) -> Match | None:
    """ADD PRIMARY KEY over columns that may be NULL, which add_primary_key takes of a plain table alone."""
    table, node = command.table, command.action.def_
    if node.contype.name != "CONSTR_PRIMARY" or table is None or table.kind != "partitioned":
        return None
    key = names(node.keys)
    nullable = [column.name for column in table.columns if column.name in key and not column.not_null]
    first = [entry("set_not_null", table=command.table_text, column=name) for name in nullable]
    entries = (*first, primary_entry(command, node, key))
    return Match(others=(), readings=(Reading(entries=entries, in_turn=True),)) if first else None
