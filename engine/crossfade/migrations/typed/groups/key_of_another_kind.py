"""A primary key of numbers that becomes one of uuid, or the other way: the values of neither are told by the other's.

Until contract an old version would have to find each row that a new one writes, by a number that it does not have. So
no plan does it, and import says what does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.migrations.typed.columns import column_of
from crossfade.migrations.typed.constraints import find
from crossfade.migrations.typed.entry import type_text
from crossfade.migrations.typed.groups.group import Match, NoPlan, on_table
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.forecast.type_names import parse_type, read_type
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest
    from crossfade.postgres.catalog import QualifiedName

_NUMBERS = frozenset({"int2", "int4", "int8", "numeric"})


def key_of_another_kind(command: Command, rest: Rest) -> Match | None:
    """ALTER COLUMN TYPE of a key's column, or DROP and ADD, with all that is done to it and to what references it."""
    column, name = column_of(command), command.action.name
    new = command if command.does == "AlterColumnType" else _added(command, rest)
    if column is None or new is None or not _is_key(command, name, rest):
        return None
    wanted, old = new.action.def_.typeName, parse_type(column.type).built_in
    kinds = {old, read_type(wanted).built_in}
    if "uuid" not in kinds or kinds.isdisjoint(_NUMBERS):
        return None
    table, key = command.table_text, quoted(name)
    return Match(
        others=tuple(dict.fromkeys(c for c in _about(command, name, rest) if c is not command)),
        no_plan=NoPlan(
            message=f"no plan makes the key {table}.{key} a {type_text(wanted)}: {column.type} has no cast to it and "
            "back, so that an old version and a new one could not name the same row",
            instead="Write migrations that make a second key, and import these: a column beside it, such as "
            f"{quoted(name + '_new')} {type_text(wanted)} with a DEFAULT, filled and UNIQUE; beside each column that "
            "references the old key one that references the new, filled by a join, and written by every version from "
            "then on; once no version reads the old ones, DROP of the old key, ADD PRIMARY KEY over the new column, "
            "and DROP COLUMN of the old ones.",
        ),
    )


def _added(drop: Command, rest: Rest) -> Command | None:
    return next((a for a in on_table(rest, drop, "AddColumn") if a.action.def_.colname == drop.action.name), None)


def _is_key(command: Command, column: str, rest: Rest) -> bool:
    """Whether it is one, or was before the migration dropped the constraint."""
    there = command.table.constraints if command.table is not None else ()
    dropped = (find(drop, drop.action.name) for drop in on_table(rest, command, "DropConstraint"))
    keys = (c for c in (*there, *dropped) if c is not None and c.kind == "primary")
    return any(column in c.columns for c in keys)


def _about(key: Command, column: str, rest: Rest) -> Iterator[Command]:
    """What is done to the column, its key and its sequence, and to foreign keys at it and their columns."""
    columns = {(key.table_name, column), *_followers(key, rest)}
    sequence = f"{key.table_name.name}_{column}_seq"
    for command in rest:
        if command.is_alter_table:
            is_of_column = (command.table_name, command.touched.column) in columns
            is_about = is_of_column or _is_of_key(command, key, column)
        else:
            is_drop = command.does == "DropStmt" and command.node.removeType.name == "OBJECT_SEQUENCE"
            is_about = is_drop and names(command.node.objects[0])[-1] == sequence
        if is_about:
            yield command


def _followers(key: Command, rest: Rest) -> Iterator[tuple[QualifiedName, str]]:
    """The columns of foreign keys at it that are there, or were before the migration dropped them."""
    for holder, foreign in key.before.incoming(key.table_name):
        yield from ((holder.name, column) for column in foreign.columns)
    for drop in rest:
        known = find(drop, drop.action.name) if drop.does == "DropConstraint" else None
        if known is not None and known.referenced == key.table_name:
            yield from ((drop.table_name, column) for column in known.columns)


def _is_of_key(command: Command, key: Command, column: str) -> bool:
    """Whether it drops or adds the primary key, or a foreign key at it."""
    table = key.table_name
    if command.does == "DropConstraint":
        known = find(command, command.action.name)
        is_own = known is not None and known.kind == "primary" and command.table_name == table
        return is_own or (known is not None and known.referenced == table)
    node = command.action.def_
    if command.does != "AddConstraint" or kind(node) != "Constraint":
        return False
    if node.contype.name == "CONSTR_FOREIGN":
        return command.before.qualify(node.pktable.schemaname, node.pktable.relname) == table
    return command.table_name == table and column in names(node.keys)
