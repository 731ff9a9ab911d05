"""Which function reads which command; one command as entries. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from crossfade.migrations.typed import columns, constraints, identity, indexes, rows, tables, types
from crossfade.migrations.typed.entry import Entry, NotTyped
from crossfade.postgres.forecast.trees import functions_of, kind, names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command

Reader = Callable[["Command"], Iterator[Entry]]

_SUBCOMMANDS: Mapping[str, Reader] = {
    **columns.SUBCOMMANDS,
    **identity.SUBCOMMANDS,
    **constraints.SUBCOMMANDS,
    **tables.SUBCOMMANDS,
}
_STATEMENTS: Mapping[str, Reader] = {
    "IndexStmt": indexes.create_index,
    "ReindexStmt": indexes.reindex,
    "CreateStmt": tables.create_table,
    "CreateEnumStmt": types.create_enum,
    "AlterEnumStmt": types.alter_enum,
    "CreateDomainStmt": types.create_domain,
    "AlterDomainStmt": types.alter_domain,
    "UpdateStmt": rows.update_rows,
    "DeleteStmt": rows.delete_rows,
    "InsertStmt": rows.copy_rows,
}
_OF_OBJECTS: Mapping[tuple[str, str], Reader] = {
    ("DropStmt", "OBJECT_TABLE"): tables.drop_table,
    ("DropStmt", "OBJECT_INDEX"): indexes.drop_index,
    ("RenameStmt", "OBJECT_TABLE"): tables.rename_table,
    ("RenameStmt", "OBJECT_INDEX"): indexes.rename_index,
    ("RenameStmt", "OBJECT_COLUMN"): columns.rename_column,
    ("RenameStmt", "OBJECT_TABCONSTRAINT"): constraints.rename_constraint,
    ("CommentStmt", "OBJECT_TABLE"): tables.comment,
    ("CommentStmt", "OBJECT_COLUMN"): tables.comment,
    ("AlterObjectSchemaStmt", "OBJECT_TABLE"): tables.move_table,
}
_OBJECT = {
    "DropStmt": "removeType",
    "RenameStmt": "renameType",
    "CommentStmt": "objtype",
    "AlterObjectSchemaStmt": "objectType",
}
_SILENT = frozenset({"ConstraintsSetStmt", "TransactionStmt", "VariableSetStmt", "VariableShowStmt", "DiscardStmt"})
_SETTINGS = frozenset({"set_config", "current_setting", "pg_advisory_lock", "pg_advisory_unlock"})


def is_silent(command: Command) -> bool:
    """Whether the statement only says how others run, and changes nothing."""
    node = command.node
    if kind(node) == "SelectStmt":
        return node.intoClause is None and all(name[-1] in _SETTINGS for name in functions_of(node))
    return kind(node) in _SILENT


def one(command: Command) -> tuple[Entry, ...] | None:
    """The entries that do what the command does; None where only SQL does it."""
    try:
        return needed(command)
    except NotTyped:
        return None


def needed(command: Command) -> tuple[Entry, ...]:
    """The same where SQL would not do. Raises NotTyped."""
    reader = _reader(command)
    if reader is None:
        raise NotTyped(command.does)
    return tuple(reader(command))


def _is_of_view(command: Command) -> bool:
    """Whether it is about a view or one of its columns, which only SQL changes."""
    table = command.table
    if command.does == "CommentStmt" and command.node.objtype.name == "OBJECT_COLUMN":
        *above, name = names(command.node.object)[:-1]
        table = command.before.find(above[-1] if above else None, name)
    return table is not None and table.kind in {"view", "materialized view"}


def _reader(command: Command) -> Reader | None:
    what = kind(command.node)
    if _is_of_view(command):
        return None
    if command.is_alter_table:
        return _SUBCOMMANDS.get(command.does) if command.relation.inh else None
    if what in _OBJECT:
        return _OF_OBJECTS.get((what, getattr(command.node, _OBJECT[what]).name))
    return _STATEMENTS.get(what)
