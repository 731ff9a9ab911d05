"""An enum that is made anew to take a value out of it or give one another name, as Prisma, TypeORM and Drizzle do it.

Prisma makes the new type beside the old one and gives it the name; TypeORM gives the old one another name first;
Drizzle turns the columns into text, drops the type and makes it again. Each writes every row while everybody waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from crossfade.migrations.typed import columns
from crossfade.migrations.typed.entry import Entry, entry
from crossfade.migrations.typed.groups.group import Match, Reading, later, on_column
from crossfade.migrations.typed.types import renamed_value
from crossfade.postgres.forecast.trees import expression, names, text_constant
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest
    from crossfade.postgres.catalog import Column

Labels = tuple[str, ...]


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
    return _rebuilt(command, old_name, [*parts, *_defaults(rest, moved)])


def old_aside(command: Command, rest: Rest) -> Match | None:
    """The old type by another name, CREATE TYPE of its own, columns to the new one, DROP TYPE of the old."""
    own, behind = names(command.node.typeName)[-1], later(rest, command)
    before = [c for c in rest if c.number < command.number]
    aside = next((c for c in before if _renames_type(c) and names(c.node.object)[-1] == own), None)
    gone = _dropped_type(behind, aside.node.newname) if aside is not None else None
    moved = [c for c in behind if _changes_to(c, own)]
    if aside is None or gone is None or not moved:
        return None
    return _rebuilt(command, names(aside.node.object), [aside, gone, *moved, *_defaults(rest, moved)])


def made_again(command: Command, rest: Rest) -> Match | None:
    """The columns as text, DROP TYPE, CREATE TYPE of the same name, the columns back."""
    own = names(command.node.typeName)
    gone = _dropped_type([c for c in rest if c.number < command.number], own[-1])
    moved = [c for c in later(rest, command) if _changes_to(c, own[-1])]
    if gone is None or not moved:
        return None
    before = [c for c in rest if c.number < gone.number]
    away = [on_column(before, back, "AlterColumnType", back.action.name) for back in moved]
    if any(c is None or names(c.action.def_.typeName.names)[-1] not in {"text", "varchar"} for c in away):
        return None
    first = [c for c in away if c is not None]
    return _rebuilt(command, names(gone.node.objects[0].names), [gone, *first, *moved, *_defaults(rest, moved)])


def _renames_type(command: Command) -> bool:
    return command.does == "RenameStmt" and command.node.renameType.name == "OBJECT_TYPE"


def _dropped_type(rest: Rest, name: str) -> Command | None:
    for command in rest:
        is_drop = command.does == "DropStmt" and command.node.removeType.name == "OBJECT_TYPE"
        if is_drop and names(command.node.objects[0].names)[-1] == name:
            return command
    return None


def _changes_to(command: Command, name: str) -> bool:
    if command.does != "AlterColumnType":
        return False
    wanted = command.action.def_.typeName
    return names(wanted.names)[-1] == name and not wanted.arrayBounds


def _defaults(rest: Rest, moved: Sequence[Command]) -> list[Command]:
    """What is done to the defaults of these columns meanwhile."""
    return [
        command
        for command in rest
        if command.does == "ColumnDefault"
        and any(c.table_name == command.table_name and c.action.name == command.action.name for c in moved)
    ]


def _rebuilt(command: Command, old_name: Labels, parts: list[Command]) -> Match | None:
    first = min([command, *parts], key=lambda c: c.number)
    known = first.enums.find(old_name, first.before)
    if known is None:
        return None
    type_ = ".".join(map(quoted, old_name))
    before, after = first.enums.labels[known], tuple(value.sval for value in command.node.vals or ())
    defaults = [c for c in parts if c.does == "ColumnDefault"]
    readings = tuple(_readings(type_, before, after, defaults))
    return Match(others=tuple(parts), readings=readings) if readings else None


def _readings(type_: str, before: Labels, after: Labels, defaults: list[Command]) -> Iterator[Reading]:
    gone, new = [v for v in before if v not in after], [v for v in after if v not in before]
    if len(gone) == len(new) and gone:
        pairs = dict(zip(gone, new, strict=True))
        if tuple(pairs.get(v, v) for v in before) == after:
            said = ", ".join(f"{old} gets the name {name}" for old, name in pairs.items())
            entries = tuple(renamed_value(type_, a, b) for a, b in pairs.items())
            late = tuple(_other_defaults(defaults, pairs, before))
            yield Reading(entries=(*entries, *late), meaning=said, in_turn=bool(late))
    staying = [v for v in before if v in after]
    if [v for v in after if v in before] != staying or (gone and not staying):
        return
    instead = _instead(defaults, staying)
    entries = (*_removed(type_, gone, instead), *_added(type_, after, new))
    said = " and ".join(part for part in (_gone(gone, instead), _come(new)) if part)
    late = tuple(_other_defaults(defaults, dict.fromkeys(gone, instead), before))
    yield Reading(entries=(*entries, *late), meaning=said, is_guess=bool(gone), in_turn=bool(late or (gone and new)))


def _instead(defaults: list[Command], staying: Sequence[str]) -> str | None:
    """What rows with a value that goes get: the default of the columns, if it stays, else the first value."""
    last = _default_label(defaults)
    return last if last in staying else next(iter(staying), None)


def _default_label(defaults: list[Command]) -> str | None:
    return next((label for c in reversed(defaults) if (label := text_constant(c.action.def_)) is not None), None)


def _removed(type_: str, gone: list[str], instead: str | None) -> Iterator[Entry]:
    if gone:
        yield entry("remove_enum_values", type=type_, map=dict.fromkeys(gone, instead))


def _added(type_: str, after: Labels, new: list[str]) -> Iterator[Entry]:
    for value in new:
        place = after.index(value)
        last = all(v in new for v in after[place:])
        neighbour = {} if last else {"before": next(v for v in after[place:] if v not in new)}
        yield entry("add_enum_value", type=type_, value=value, **neighbour)


def _other_defaults(defaults: list[Command], becomes: Mapping[str, str | None], before: Labels) -> Iterator[Entry]:
    """The defaults that columns have in the end, where they would not have them by what becomes of the labels."""
    first = {(c.table_name, c.action.name): c for c in reversed(defaults)}
    last = {(c.table_name, c.action.name): c for c in defaults}
    for column, command in last.items():
        label, old = text_constant(command.action.def_), columns.column_of(first[column])
        was = _label_of(old)
        if old is None:
            is_left = label in before
        else:
            is_left = label == becomes.get(was, was) if was is not None else command.action.def_ is None
        if not is_left:
            yield from columns.column_default(command)


def _label_of(column: Column | None) -> str | None:
    """The label that is its default."""
    text = column.default.expression if column is not None and column.default is not None else ""
    return text_constant(expression(text)) if text else None


def _gone(gone: list[str], instead: str | None) -> str:
    return f"{', '.join(gone)} {'goes' if len(gone) == 1 else 'go'}, and rows with it get {instead}" if gone else ""


def _come(new: list[str]) -> str:
    return f"{', '.join(new)} {'is' if len(new) == 1 else 'are'} new" if new else ""
