"""Indexes that become constraints, and indexes that take the place of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed.command import dropped
from crossfade.migrations.typed.constraints import primary_entry, unique_entry
from crossfade.migrations.typed.entry import entry, unless
from crossfade.migrations.typed.groups.group import certain, later, on_table
from crossfade.migrations.typed.indexes import index_name, shape
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.forecast.trees import names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Match, Rest


def index_of_constraint(command: Command, rest: Rest) -> Match | None:
    """CREATE UNIQUE INDEX, ADD CONSTRAINT … USING INDEX."""
    if not command.node.unique:
        return None
    for adding in on_table(later(rest, command), command, "AddConstraint"):
        node = adding.action.def_
        if node.indexname is not None and node.indexname == index_name(command):
            built = shape(command)
            unless(
                (any(not isinstance(key, str) for key in built["columns"]), "keys of its own kind"),
                (
                    bool(built["where"] or built["include"] or built["with"] or built["tablespace"]),
                    "an index of its own",
                ),
            )
            name = node.conname or node.indexname
            if node.contype.name == "CONSTR_PRIMARY":
                return certain([adding], primary_entry(adding, node, built["columns"], name=name))
            together = built["nulls_not_distinct"]
            return certain([adding], unique_entry(adding, node, built["columns"], name=name, alike=together))
    return None


def replaced_index(command: Command, rest: Rest) -> Match | None:
    """DROP INDEX and CREATE INDEX of the same name; or CREATE INDEX, DROP INDEX of the old one, RENAME to its name."""
    own, renamed = QualifiedName(command.table_name.schema, index_name(command)), None
    for other in rest:
        old = dropped(other, "index")
        if old is None:
            continue
        if old == own:
            return _replaced(command, other, [other])
        renamed = renamed or _rename_of(rest, own, command)
        if renamed is not None and old.name == renamed.node.newname and other.number < renamed.number:
            return _replaced(command, other, [other, renamed])
    return None


def _rename_of(rest: Rest, own: QualifiedName, command: Command) -> Command | None:
    for other in later(rest, command):
        if other.does == "RenameStmt" and other.node.renameType.name == "OBJECT_INDEX" and other.table_name == own:
            return other
    return None


def _replaced(command: Command, drop: Command, others: list[Command]) -> Match | None:
    *above, name = names(drop.node.objects[0])
    if command.before.find_index(above[-1] if above else None, name) is None and drop.number > command.number:
        return None
    return certain(others, entry("replace_index", name=drop.text_of_name(drop.node.objects[0]), **shape(command)))
