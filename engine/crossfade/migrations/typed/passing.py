"""Whether a command may run before another one that stands before it.

    may_pass(command, over)     neither has to do with what the other makes, drops or alters

What one command changes is compared with every name in the other one; a column only where its table is named too.
Where it is not known what a command changes, no other passes it; a function passes none, since nobody looks into its
body. Commands on columns, constraints and indexes of one table pass each other unless they name the same ones. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.command import dropped
from crossfade.postgres.forecast.trees import below, kind, names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command

_MADE = {
    "ViewStmt": "view",
    "CreateSeqStmt": "sequence",
    "CreateEnumStmt": "typeName",
    "CreateDomainStmt": "domainname",
    "CreateSchemaStmt": "schemaname",
    "CreateFunctionStmt": "funcname",
    "AlterEnumStmt": "typeName",
}
"""Statements that make or alter one thing, and the slot that has its name."""
_OF_RELATION = frozenset({"CreateStmt", "IndexStmt", "CreateTrigStmt", "CreatePolicyStmt"})
"""Statements that make or alter what is named in them, of one relation."""
_OF_ROWS = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt"})
_NUMBERED = 26
"""Bytes of a table's name that are in each name that PostgreSQL chooses after it, however long the rest is."""


def may_pass(command: Command, over: Command) -> bool:
    """Whether it does the same, and leaves the same, when it runs before the other one."""
    if command.does == "CreateFunctionStmt":
        return False
    in_parts = _is_of_parts(command) and (over.is_alter_table or over.does == "IndexStmt")
    changed, theirs = _changed(command, in_parts), _changed(over, in_parts)
    if changed is None or theirs is None:
        return False
    if _chooses_name(command) and (_may_be_chosen(command, theirs) or _is_on_table_of(command, over)):
        return False
    if theirs & _named(command, in_parts) or changed & _named(over, in_parts):
        return False
    return not (_is_of_column(command, over) or _is_of_column(over, command))


def _is_of_parts(command: Command) -> bool:
    """Whether it looks at no more of tables than the columns, constraints and keys that it names."""
    node = command.node
    if command.does == "CreateStmt":
        is_like = any(kind(part) == "TableLikeClause" for part in node.tableElts or ())
        return not (is_like or node.inhRelations or node.ofTypename)
    return command.does in {"AddColumn", "AddConstraint", "IndexStmt"}


def _is_on_table_of(command: Command, other: Command) -> bool:
    return other.relation is not None and command.table_name == other.table_name


def _named(command: Command, in_parts: bool) -> set[str]:
    """What it names besides the columns that it defines; of one on parts of tables without the table that it is on."""
    node = command.node
    return {
        text
        for slot in node
        if not (in_parts and slot == "relation")
        for text in _texts(getattr(node, slot), besides="colname")
    }


def _texts(node: Any, besides: str = "") -> Iterator[str]:
    """Every text: names, types, and what stands in quotes, such as the sequence of nextval('…')."""
    for part in below(node):
        for slot in part:
            value = getattr(part, slot)
            if isinstance(value, str) and slot != besides:
                yield value
                yield value.rsplit(".", 1)[-1].strip('"')


def _changed(command: Command, in_parts: bool) -> set[str] | None:
    """The names of what it makes, drops or alters; of a table as a whole too, unless its parts are looked at."""
    node, what = command.node, kind(command.node)
    if _is_cascading(command):
        return None
    if command.is_alter_table:
        whole = set() if in_parts and not _is_of_key(command) else {node.relation.relname}
        return whole | set(_constraints(command))
    if what in _OF_RELATION:
        own = (getattr(node, slot, None) for slot in ("idxname", "trigname", "policy_name"))
        whole = set() if in_parts and what == "IndexStmt" and not node.unique else {command.relation.relname}
        return whole | {name for name in own if name is not None}
    if what in _OF_ROWS:
        return {part.relname for part in below(node) if kind(part) == "RangeVar"}
    if what == "CommentStmt":
        return set(_texts(node.object))
    if what == "RenameStmt" and node.relation is not None:
        return {name for name in (node.relation.relname, node.subname, node.newname) if name is not None}
    if what == "DropStmt":
        return set(_gone(command))
    value = getattr(node, _MADE.get(what, ""), None)
    if value is None or (what == "CreateSchemaStmt" and node.schemaElts):
        return None
    return {value.relname if kind(value) == "RangeVar" else value if isinstance(value, str) else names(value)[-1]}


def _is_cascading(command: Command) -> bool:
    of = command.action if command.is_alter_table else command.node
    return bool(getattr(of, "behavior", None) is not None and of.behavior.name == "DROP_CASCADE")


def _is_of_key(command: Command) -> bool:
    """Whether it may make or drop what a foreign key of another table points at."""
    if command.does == "DropConstraint":
        return True
    if command.does != "AddConstraint":
        return command.does not in {"AddColumn", "DropColumn", "ColumnDefault", "SetNotNull", "DropNotNull"}
    return command.action.def_.contype.name not in {"CONSTR_CHECK", "CONSTR_FOREIGN", "CONSTR_NOTNULL"}


def _column(command: Command) -> str | None:
    """The column that a subcommand is about."""
    if not command.is_alter_table or command.does.endswith("Constraint"):
        return None
    name: str | None = command.action.name or getattr(command.action.def_, "colname", None)
    return name


def _is_of_column(command: Command, altering: Command) -> bool:
    """Whether it names the column that the other one makes, drops or alters, and its table."""
    column = _column(altering)
    return column is not None and {column, altering.relation.relname} <= set(_texts(command.node))


def _constraints(command: Command) -> Iterator[str]:
    """The constraints that a subcommand is about."""
    action = command.action
    if command.does.endswith("Constraint") and action.name is not None:
        yield action.name
    for part in (action.def_, *(getattr(action.def_, "constraints", None) or ())):
        if kind(part) == "Constraint" and part.conname is not None:
            yield part.conname


def _gone(command: Command) -> Iterator[str]:
    """What is dropped, the indexes and constraints of a table with it, and the table of an index."""
    (gone,) = command.node.objects
    parts = names(gone if isinstance(gone, tuple) else getattr(gone, "names", None) or getattr(gone, "objname", gone))
    yield from parts
    table = command.before.tables.get(name) if (name := dropped(command, "table")) is not None else None
    if table is not None:
        yield from (constraint.name for constraint in table.constraints)
        yield from (index.name.name for index in table.indexes)
    index = dropped(command, "index")
    found = command.before.find_index(index.schema, index.name) if index is not None else None
    if found is not None:
        yield found[0].name.name


def _chooses_name(command: Command) -> bool:
    """Whether PostgreSQL chooses the name of a constraint, an index or a sequence that it makes."""
    if command.does == "IndexStmt":
        return command.node.idxname is None
    if command.does not in {"CreateStmt", "AddColumn", "AddConstraint"}:
        return False
    unnamed = (n for n in below(command.node) if kind(n) == "Constraint" and n.conname is None)
    chosen = {"CONSTR_CHECK", "CONSTR_FOREIGN", "CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_EXCLUSION"}
    is_serial = (names(n.typeName.names)[-1].endswith("serial") for n in below(command.node) if kind(n) == "ColumnDef")
    return any(n.contype.name in {*chosen, "CONSTR_IDENTITY"} for n in unnamed) or any(is_serial)


def _may_be_chosen(command: Command, others: set[str]) -> bool:
    """Whether one of these names may be what PostgreSQL chooses for the command, were it free, or taken."""
    stem = command.relation.relname[:_NUMBERED]
    return any(name != command.relation.relname and name.startswith(stem) for name in others)
