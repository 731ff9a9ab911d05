"""A key that gets another type: its constraint is taken away and put back, and so are the keys that reference it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.migrations.typed.columns import change_type
from crossfade.migrations.typed.constraints import find
from crossfade.migrations.typed.entry import entry, type_text
from crossfade.migrations.typed.groups.group import Match, Reading, certain, later, on_column, on_table
from crossfade.migrations.typed.groups.renamed_constraint import put_back, renamed
from crossfade.postgres.forecast.trees import names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest


def retyped_key(command: Command, rest: Rest) -> Match | None:
    """ALTER COLUMN … TYPE of a primary key's column, with all that is dropped and added again around it."""
    drop = next((d for d in on_table(rest, command, "DropConstraint") if _is_key(d, command.action.name)), None)
    known = find(drop, drop.action.name) if drop is not None else None
    if drop is None or known is None:
        return _with_references(command, rest)
    back = next((a for a in on_table(later(rest, drop), command, "AddConstraint") if _is_primary(a)), None)
    if back is None or names(back.action.def_.keys) != known.columns:
        return None
    entries = list(change_type(command, follow=True))
    name = back.action.def_.conname
    if name is not None and name != drop.action.name:
        entries.append(entry("rename_constraint", table=command.table_text, from_=drop.action.name, to=name))
    followers = tuple(_followers(command, rest))
    entries += (change for gone, again, _ in followers for change in renamed(gone, again))
    others = (drop, back, *(c for each in followers for c in each))
    is_renamed = len(entries) > 1
    lengths = (1, len(entries) - 1) if is_renamed else ()
    # A constraint gets no other name while a column of it is in work.
    reading = Reading(entries=tuple(entries), in_turn=is_renamed, lengths=lengths)
    return Match(others=others, readings=(reading,))


def _with_references(command: Command, rest: Rest) -> Match | None:
    """The key and the columns that reference it, each by an ALTER of its own."""
    incoming, own = command.before.incoming(command.table_name), (command.action.name,)
    keys = [(holder, key) for holder, key in incoming if key.referenced_columns == own]
    if not keys:
        return None
    wanted, found = type_text(command.action.def_.typeName), []
    for holder, key in keys:
        for other in rest:
            is_column = other.does == "AlterColumnType" and other.table_name == holder.name
            if is_column and other.action.name == key.columns[0] and type_text(other.action.def_.typeName) == wanted:
                found.append(other)
    return certain(found, *change_type(command, follow=True)) if found else None


def _is_key(drop: Command, column: str) -> bool:
    known = find(drop, drop.action.name)
    return known is not None and known.kind == "primary" and column in known.columns


def _is_primary(adding: Command) -> bool:
    return bool(adding.action.def_.contype.name == "CONSTR_PRIMARY")


def _followers(key: Command, rest: Rest) -> Iterator[tuple[Command, Command, Command]]:
    """Foreign keys that are dropped and added again, and their columns that get the type too."""
    wanted = type_text(key.action.def_.typeName)
    for drop in rest:
        known = find(drop, drop.action.name) if drop.does == "DropConstraint" else None
        if known is None or known.kind != "foreign" or known.referenced != key.table_name:
            continue
        back = put_back(drop, rest)
        column = on_column(rest, drop, "AlterColumnType", known.columns[0])
        if back is not None and column is not None and type_text(column.action.def_.typeName) == wanted:
            yield drop, back, column
