"""Another type by hand: a column that is computed from another one, which then goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed.columns import parts_of
from crossfade.migrations.typed.entry import unless
from crossfade.migrations.typed.groups.filling import fill_of
from crossfade.migrations.typed.groups.group import Match, later, on_column, on_table
from crossfade.migrations.typed.groups.replaced import is_plain, reading, retyped
from crossfade.postgres.forecast.trees import columns_of, expression

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest


def type_by_hand(command: Command, rest: Rest) -> Match | None:
    """ADD COLUMN b, UPDATE SET b = what becomes of a, DROP COLUMN a, RENAME COLUMN b TO a."""
    name, rest = command.action.def_.colname, later(rest, command)
    update, read = _filling(command, rest)
    renamed = next((r for r in on_table(rest, command, "RenameStmt") if _renames(r, name)), None)
    gone = on_column(rest, command, "DropColumn", renamed.node.newname) if renamed is not None else None
    if update is None or renamed is None or gone is None or read != (gone.action.name,):
        return None
    unless((not is_plain(parts_of(command.action.def_)), "a constraint of the new column"))
    required = on_column(rest, command, "SetNotNull", name)
    entries = tuple(retyped(gone, command, fill_of(update, name), required=required is not None))
    parts = tuple(c for c in (update, required, gone, renamed) if c is not None)
    return Match(others=parts, readings=(reading(entries),))


def _renames(command: Command, name: str) -> bool:
    return bool(command.node.renameType.name == "OBJECT_COLUMN" and command.node.subname == name)


def _filling(adding: Command, rest: Rest) -> tuple[Command | None, tuple[str, ...]]:
    """The UPDATE that gives an added column its values, and the columns that they are made of."""
    name = adding.action.def_.colname
    for update in on_table(later(rest, adding), adding, "UpdateStmt"):
        fill = fill_of(update, name)
        if fill is not None:
            return update, columns_of(expression(fill))
    return None, ()
