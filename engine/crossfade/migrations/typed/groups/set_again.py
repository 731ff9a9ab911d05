"""A default that is dropped and then set: what is set last counts, and no INSERT comes between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed.columns import column_default
from crossfade.migrations.typed.groups.group import Match, Reading, later, on_column
from crossfade.postgres.forecast.trees import below, kind

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest

_OF_ROWS_THERE = frozenset({"DeleteStmt", "UpdateStmt"})


def default_set_again(command: Command, rest: Rest) -> Match | None:
    """DROP DEFAULT, SET DEFAULT, the type being the same."""
    column, behind = command.action.name, later(rest, command)
    setting = on_column(behind, command, "ColumnDefault", column)
    retyped = on_column(behind, command, "AlterColumnType", column)
    if command.action.def_ is not None or setting is None or setting.action.def_ is None:
        return None
    if retyped is not None and retyped.number < setting.number:
        return None
    is_late = not any(_may_take(c) for c in behind if c.number < setting.number)
    return Match(others=(setting,), readings=(Reading(entries=tuple(column_default(setting))),), is_late=is_late)


def _may_take(command: Command) -> bool:
    """Whether it may give a row the column's default."""
    is_of_rows_there = command.is_alter_table or command.does in _OF_ROWS_THERE
    return not is_of_rows_there or any(kind(node) == "SetToDefault" for node in below(command.node))
