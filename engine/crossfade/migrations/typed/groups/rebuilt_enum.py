"""An enum that is made anew to take a value out of it or give one another name, as Prisma, TypeORM and Drizzle do it.

Prisma makes the new type beside the old one and gives it the name; TypeORM gives the old one another name first;
Drizzle turns the columns into text, drops the type and makes it again. Each writes every row while everybody waits.
What the statements do to the NOT NULL of these columns meanwhile comes behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from crossfade.migrations.typed.groups.enum_values import RebuiltEnum, readings
from crossfade.migrations.typed.groups.group import Match, later, on_column
from crossfade.migrations.typed.passing import may_go_ahead
from crossfade.postgres.forecast.trees import names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.enum_values import Labels
    from crossfade.migrations.typed.groups.group import Rest

_BEFORE_IT = frozenset({"DeleteStmt", "DropConstraint", "DropNotNull", "SetNotNull", "UpdateStmt"})
_NULLS = frozenset({"DropNotNull", "SetNotNull"})
_OF_A_COLUMN = frozenset({"AlterColumnType", "ColumnDefault", *_NULLS})
_TEXTS = frozenset({"text", "varchar"})


def made_beside(command: Command, rest: Rest) -> Match | None:
    """CREATE TYPE new, columns to it, and the old type's name for it."""
    rest, own = later(rest, command), names(command.node.typeName)
    given = next((c for c in rest if _renames_type(c) and names(c.node.object)[-1] == own[-1]), None)
    if given is None:
        return None
    final = given.node.newname
    aside = next((c for c in rest if _renames_type(c) and names(c.node.object)[-1] == final), None)
    gone = _dropped_type(rest, aside.node.newname if aside is not None else final)
    moved = [c for c in rest if _changes_to(c, own[-1])]
    if gone is None or not moved:
        return None
    old_name = names(aside.node.object) if aside is not None else (*own[:-1], final)
    parts = [c for c in (given, aside, gone) if c is not None] + moved
    return _rebuilt(command, old_name, [*parts, *_defaults(rest, moved)], moved, rest)


def old_aside(command: Command, rest: Rest) -> Match | None:
    """The old type by another name, CREATE TYPE of its own, columns to the new one, DROP TYPE of the old."""
    own, behind = names(command.node.typeName)[-1], later(rest, command)
    before = [c for c in rest if c.number < command.number]
    aside = next((c for c in before if _renames_type(c) and names(c.node.object)[-1] == own), None)
    gone = _dropped_type(behind, aside.node.newname) if aside is not None else None
    moved = [c for c in behind if _changes_to(c, own)]
    if aside is None or gone is None or not moved:
        return None
    return _rebuilt(command, names(aside.node.object), [aside, gone, *moved, *_defaults(rest, moved)], moved, rest)


def made_again(command: Command, rest: Rest) -> Match | None:
    """The columns as text, DROP TYPE, CREATE TYPE of the same name, the columns back."""
    own = names(command.node.typeName)
    gone = _dropped_type([c for c in rest if c.number < command.number], own[-1])
    moved = [c for c in later(rest, command) if _changes_to(c, own[-1])]
    if gone is None or not moved:
        return None
    before = [c for c in rest if c.number < gone.number]
    away = [on_column(before, back, "AlterColumnType", back.action.name) for back in moved]
    if any(c is None or names(c.action.def_.typeName.names)[-1] not in _TEXTS for c in away):
        return None
    first = [c for c in away if c is not None]
    own_parts = [gone, *first, *moved, *_defaults(rest, moved)]
    return _rebuilt(command, names(gone.node.objects[0].names), own_parts, moved, rest)


def _renames_type(command: Command) -> bool:
    return command.does == "RenameStmt" and command.node.renameType.name == "OBJECT_TYPE"


def _dropped_type(rest: Rest, name: str) -> Command | None:
    for command in rest:
        is_drop = command.does == "DropStmt" and command.node.removeType.name == "OBJECT_TYPE"
        if is_drop and names(command.node.objects[0].names)[-1] == name:
            return command
    return None


def _changes_to(command: Command, name: str) -> bool:
    return command.does == "AlterColumnType" and names(command.action.def_.typeName.names)[-1] == name


def _defaults(rest: Rest, moved: Sequence[Command]) -> Iterator[Command]:
    """What is done to the defaults of these columns meanwhile."""
    return (c for c in rest if c.does == "ColumnDefault" and _is_of(c, moved))


def _between(rest: Rest, parts: Sequence[Command]) -> list[Command]:
    numbers = [c.number for c in parts]
    return [c for c in rest if min(numbers) < c.number < max(numbers) and c not in parts]


def _stands_before(command: Command, parts: Sequence[Command], new: str) -> bool:
    """Whether it may run before all of them: rows, NOT NULL and constraints of a table that still has the old enum."""
    ahead = [part for part in parts if part.number < command.number]
    if command.does in _BEFORE_IT and new not in command.touched.texts:
        return not any(p.does == "AlterColumnType" and p.table_name == command.table_name for p in ahead)
    return all(_is_of_another_column(command, part) or may_go_ahead(command, part) for part in ahead)


def _is_of_another_column(command: Command, part: Command) -> bool:
    """As where several enums are made anew at once: neither names the other one's column of the same table."""
    if not {command.does, part.does} <= _OF_A_COLUMN or command.table_name != part.table_name:
        return False
    return command.action.name not in part.touched.texts and part.action.name not in command.touched.texts


def _is_of(command: Command, moved: Sequence[Command]) -> bool:
    return any((c.table_name, c.action.name) == (command.table_name, command.action.name) for c in moved)


def _rebuilt(
    command: Command, old_name: Labels, parts: list[Command], moved: Sequence[Command], rest: Rest
) -> Match | None:
    every = [command, *parts]
    first = min(every, key=lambda c: c.number)
    known = first.enums.find(old_name, first.before)
    if known is None:
        return None
    between = _between(rest, every)
    nulls = [c for c in between if c.does in _NULLS and _is_of(c, [m for m in moved if m.number < c.number])]
    own = names(command.node.typeName)[-1]
    is_late = all(_stands_before(c, [*every, *nulls], own) for c in between if c not in nulls)
    enum = RebuiltEnum(
        name=old_name,
        enums=first.enums,
        before=first.enums.labels[known],
        after=tuple(value.sval for value in command.node.vals or ()),
        columns=tuple(moved),
        defaults=tuple(c for c in parts if c.does == "ColumnDefault"),
        nulls=tuple(nulls),
    )
    found = tuple(readings(enum))
    return Match(others=(*parts, *nulls), readings=found, is_late=is_late) if found else None
