"""What is dropped while its like is added: a rename, or not. Only whoever wrote the migration knows."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from crossfade.migrations.typed import columns
from crossfade.migrations.typed.conversion import same_type
from crossfade.migrations.typed.entry import type_text, unless
from crossfade.migrations.typed.groups.filling import fill_of
from crossfade.migrations.typed.groups.group import Match, Reading, later, on_column, on_table
from crossfade.migrations.typed.groups.replaced import is_plain, reading, renamed, retyped
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest


def moved_value(command: Command, rest: Rest) -> Match | None:
    """ADD COLUMN b, UPDATE SET b = a, DROP COLUMN a: a rename in so many words."""
    name, rest = command.action.def_.colname, later(rest, command)
    for update in on_table(rest, command, "UpdateStmt"):
        fill = fill_of(update, name)
        drops = on_table(later(rest, update), command, "DropColumn")
        gone = next((d for d in drops if quoted(d.action.name) == fill), None)
        old = columns.column_of(gone) if gone is not None else None
        if gone is not None and old is not None and same_type(old, command.action.def_.typeName):
            required = on_column(rest, command, "SetNotNull", name)
            parts = [c for c in (update, gone, required) if c is not None]
            _refuse_constraint(command)
            entries = tuple(renamed(gone, command, required=required is not None))
            return Match(others=tuple(parts), readings=(reading(entries),))
    return None


def dropped_and_added(command: Command, rest: Rest) -> Match | None:
    """DROP COLUMN and ADD COLUMN of one table: of the same name another type, else maybe a rename."""
    if command.action.behavior.name == "DROP_CASCADE":
        return None
    name, adds = command.action.name, list(on_table(rest, command, "AddColumn"))
    same = next((a for a in adds if a.action.def_.colname == name and a.number > command.number), None)
    if same is not None:
        return _another_type(command, same)
    likely = sorted((a for a in adds if _may_be(command, a, rest)), key=lambda a: -_alike(name, a))
    return None if not likely else _maybe_renamed(command, likely[0])


def _alike(name: str, added: Command) -> float:
    return SequenceMatcher(None, name.lower(), added.action.def_.colname.lower()).ratio()


def _may_be(gone: Command, added: Command, rest: Rest) -> bool:
    """Whether a column could be the other one under a new name: it has its type, and no value of its own kind."""
    definition, column = added.action.def_, columns.column_of(gone)
    kinds = {c.contype.name for c in definition.constraints or ()}
    is_filled = any(fill_of(u, definition.colname) is not None for u in on_table(rest, added, "UpdateStmt"))
    if is_filled or kinds & {"CONSTR_GENERATED", "CONSTR_IDENTITY", "CONSTR_PRIMARY", "CONSTR_FOREIGN"}:
        return False
    return column is None or same_type(column, definition.typeName) is not False


def _maybe_renamed(gone: Command, added: Command) -> Match:
    old, new, table = gone.action.name, added.action.def_.colname, gone.relation.relname
    _refuse_constraint(added)
    same = reading(
        tuple(renamed(gone, added)),
        f"column {quoted(old)} of {quoted(table)} gets the name {quoted(new)}, and keeps its values",
    )
    apart = Reading(
        entries=(*columns.add_column(added), *columns.drop_column(gone)),
        meaning=f"the values of {quoted(old)} are not needed any more, and {quoted(new)} is another column",
    )
    is_alike = _is_alike(gone, added)
    return Match(others=(added,), readings=(same, apart) if is_alike else (apart, same))


def _refuse_constraint(added: Command) -> None:
    parts = columns.parts_of(added.action.def_)
    unless((bool({"CONSTR_CHECK", "CONSTR_UNIQUE"} & parts.keys()), "a constraint of the new column"))


def _is_alike(gone: Command, added: Command) -> bool:
    """Whether the two are as alike in NOT NULL and DEFAULT as a rename would leave them, as far as it is known."""
    old, parts = columns.column_of(gone), columns.parts_of(added.action.def_)
    if old is None or old.type == "unknown":
        return True
    return (old.not_null, old.default is None) == ("CONSTR_NOTNULL" in parts, columns.default_text(parts) is None)


def _another_type(gone: Command, added: Command) -> Match | None:
    """The same name: the type is changed, or the values are thrown away."""
    definition, old = added.action.def_, columns.column_of(gone)
    if old is None or old.type == "unknown" or same_type(old, definition.typeName):
        return None
    name = gone.action.name
    anew = Reading(
        entries=(*columns.drop_column(gone), *columns.add_column(added)),
        meaning=f"the values of {quoted(name)} are thrown away, and the column begins anew",
        in_turn=True,
    )
    if not is_plain(columns.parts_of(definition)):
        return Match(others=(added,), readings=(anew,))
    meaning = f"the values of {quoted(name)} become {type_text(definition.typeName)}"
    kept = reading(tuple(retyped(gone, added, None)), meaning)
    return Match(others=(added,), readings=(kept, anew))
