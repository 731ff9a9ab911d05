"""Whether a command may run before another one that stands before it.

    may_pass(command, over)     neither has to do with what the other makes, drops or alters
    may_go_ahead(command, of)   the same, for a function and beside a foreign key too
    may_hang_on(gone, command)  what is dropped has to go before the other one

What one command changes is compared with every name in the other one; a column only where its table is named too.
Where it is not known what a command changes, no other passes it; a function passes none, whose body may name anything.
Commands on columns, constraints and indexes of one table pass each other unless they name the same ones, and so do an
UPDATE and a new column that it does not name. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed.command import dropped
from crossfade.migrations.typed.touched import OF_ROWS, names_its_columns
from crossfade.postgres.forecast.trees import below, kind
from crossfade.postgres.forecast.type_names import is_serial

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from crossfade.migrations.typed.command import Command

_NUMBERED = 26
"""Bytes of a table's name that are in each name that PostgreSQL chooses after it, however long the rest is."""
_NOTHING_TO_FUNCTIONS = OF_ROWS | {"EnableRowSecurity", "ForceRowSecurity", "CreatePolicyStmt", "DropStmt"}
"""What PostgreSQL does not look at when it reads a function's body."""
_NOTHING_TO_FOREIGN_KEYS = frozenset({"AddColumn", "ColumnDefault", "DropNotNull", "IndexStmt", "SetNotNull"})
"""What may run before a foreign key is dropped as well as behind."""


def may_pass(command: Command, over: Command) -> bool:
    """Whether it does the same, and leaves the same, when it runs before the other one."""
    if command.does == "CreateFunctionStmt":
        return False
    if _is_beside(command, over) or _is_beside(over, command):
        return True
    own, other = command.touched, over.touched
    in_parts = own.is_of_parts and (over.is_alter_table or over.does == "IndexStmt")
    ours, theirs = (own.parts, other.parts) if in_parts else (own.whole, other.whole)
    if ours.changed is None or theirs.changed is None:
        return False
    if not theirs.changed.isdisjoint(ours.named) or not ours.changed.isdisjoint(theirs.named):
        return False
    if own.chooses_name and (_may_be_chosen(command, theirs.changed) or _is_on_table_of(command, over)):
        return False
    return not (_is_of_column(command, over) or _is_of_column(over, command))


def may_go_ahead(command: Command, of: Command) -> bool:
    """Whether it may run before the other one; a function, if its text names nothing that the other one makes."""
    if command.does in _NOTHING_TO_FOREIGN_KEYS and of.touched.points_at:
        return not command.touched.chooses_name
    if command.does != "CreateFunctionStmt":
        return may_pass(command, of)
    own, other = command.touched, of.touched
    if own.whole.changed is None or not own.whole.changed.isdisjoint(other.texts):
        return False
    if of.does in _NOTHING_TO_FUNCTIONS:
        # A trigger that the write fires may call the function that was there.
        return not (of.does in OF_ROWS and command.node.replace)
    words = own.texts | own.body
    if other.column is not None:
        return not {other.column, of.relation.relname} <= words
    return other.whole.changed is not None and other.whole.changed.isdisjoint(words)


def may_hang_on(gone: Command, command: Command) -> bool:
    """Whether a view that is dropped may read what the other command takes away."""
    if gone.does != "DropStmt" or gone.node.removeType.name not in {"OBJECT_VIEW", "OBJECT_MATVIEW"}:
        return False
    return command.does == "DropColumn" or dropped(command, "table") is not None


def _is_beside(update: Command, adding: Command) -> bool:
    """Whether one is an UPDATE, and the other adds a column of its table that it does not see, by values or none."""
    if update.does != "UpdateStmt" or adding.does != "AddColumn" or not _is_on_table_of(update, adding):
        return False
    fires = update.table is not None and bool(update.table.triggers)
    is_seen = fires or adding.touched.column in update.touched.texts or not names_its_columns(update.node)
    is_of_order = is_serial(adding.action.def_.typeName) or any(
        kind(n) == "FuncCall" or (kind(n) == "Constraint" and n.contype.name == "CONSTR_IDENTITY")
        for n in below(adding.node)
    )
    return not is_seen and not is_of_order


def _is_on_table_of(command: Command, other: Command) -> bool:
    return other.relation is not None and command.table_name == other.table_name


def _is_of_column(command: Command, altering: Command) -> bool:
    """Whether it names the column that the other one makes, drops or alters, and its table."""
    column = altering.touched.column
    return column is not None and {column, altering.relation.relname} <= command.touched.texts


def _may_be_chosen(command: Command, others: AbstractSet[str]) -> bool:
    """Whether one of these names may be what PostgreSQL chooses for the command, were it free, or taken."""
    stem = command.relation.relname[:_NUMBERED]
    return any(name != command.relation.relname and name.startswith(stem) for name in others)
