"""What a command names, and what it makes, drops or alters: names, compared to find which commands may change places.

Of a command on parts of a table, its columns, constraints and indexes, both are told in two ways: with the table as a
whole, and without. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
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
OF_ROWS = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt"})
_NOT_OF_KEYS = frozenset({"AddColumn", "DropColumn", "ColumnDefault", "SetNotNull", "DropNotNull"})
_WORD = re.compile(r"[\w$]+")


@dataclass(frozen=True, slots=True)
class Names:
    """What a command has to do with."""

    named: frozenset[str]
    """What it names besides the columns that it defines."""
    changed: frozenset[str] | None
    """What it makes, drops or alters; None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """The names in a command."""

    texts: frozenset[str]
    """All of them: names, types, and what stands in quotes, such as the sequence of nextval('…')."""
    body: frozenset[str]
    """The words in the body of a function that it makes, as names are written with and without quotes."""
    whole: Names
    parts: Names
    """Without the table whose parts it works on."""
    points_at: frozenset[str]
    """The table that a foreign key points at which it drops."""
    column: str | None
    """The column that a subcommand is about."""
    chooses_name: bool
    """PostgreSQL chooses the name of a constraint, an index or a sequence that it makes."""
    is_of_parts: bool
    """It looks at no more of tables than the columns, constraints and keys that it names."""


def touched(command: Command) -> Touched:
    """Of one command."""
    node = command.node
    named = {slot: frozenset(_texts(getattr(node, slot), besides="colname")) for slot in node}
    apart = (texts for slot, texts in named.items() if slot != "relation")
    points_at = frozenset(_pointed_at(command))
    return Touched(
        texts=frozenset(_texts(node)),
        body=frozenset(_body_words(command)),
        whole=Names(points_at.union(*named.values()), _changed(command)),
        parts=Names(points_at.union(*apart), _changed_in_parts(command)),
        points_at=points_at,
        column=_column(command),
        chooses_name=_chooses_name(command),
        is_of_parts=_is_of_parts(command),
    )


def _pointed_at(command: Command) -> Iterator[str]:
    if command.does == "DropConstraint" and command.table is not None:
        keys = (c.referenced for c in command.table.constraints if c.name == command.action.name)
        yield from (table.name for table in keys if table is not None)


def _texts(node: Any, besides: str = "") -> Iterator[str]:
    for part in below(node):
        for slot in part:
            value = getattr(part, slot)
            if isinstance(value, str) and slot != besides:
                yield value
                yield value.rsplit(".", 1)[-1].strip('"')


def _body_words(command: Command) -> Iterator[str]:
    if command.does == "CreateFunctionStmt":
        for text in _texts(command.node.options):
            yield from _WORD.findall(text)
            yield from _WORD.findall(text.lower())


def _changed(command: Command) -> frozenset[str] | None:
    """Of a table always its name too."""
    node, what = command.node, kind(command.node)
    of = command.action if command.is_alter_table else node
    if getattr(of, "behavior", None) is not None and of.behavior.name == "DROP_CASCADE":
        return None
    if command.is_alter_table or what in _OF_RELATION:
        return frozenset({command.relation.relname, *_named_parts(command)})
    if what in OF_ROWS:
        return frozenset(part.relname for part in below(node) if kind(part) == "RangeVar")
    if what == "CommentStmt":
        return frozenset(_texts(node.object))
    if what == "RenameStmt" and node.relation is not None:
        return frozenset(name for name in (node.relation.relname, node.subname, node.newname) if name is not None)
    if what == "RenameStmt" and node.renameType.name == "OBJECT_TYPE":
        return frozenset((names(node.object)[-1], node.newname))
    if what == "DropStmt":
        return frozenset(_gone(command))
    value = getattr(node, _MADE.get(what, ""), None)
    if value is None or (what == "CreateSchemaStmt" and node.schemaElts):
        return None
    if isinstance(value, str):
        return frozenset({value})
    return frozenset({value.relname if kind(value) == "RangeVar" else names(value)[-1]})


def _changed_in_parts(command: Command) -> frozenset[str] | None:
    """Without the table, unless it may be a key of it that comes or goes."""
    changed = _changed(command)
    is_part = command.is_alter_table and not _is_of_key(command)
    if changed is not None and (is_part or (command.does == "IndexStmt" and not command.node.unique)):
        return frozenset(_named_parts(command))
    return changed


def _named_parts(command: Command) -> Iterator[str]:
    """The constraint, index, trigger or policy that it is about."""
    if command.is_alter_table:
        yield from _constraints(command)
    else:
        own = (getattr(command.node, slot, None) for slot in ("idxname", "trigname", "policy_name"))
        yield from (name for name in own if name is not None)


def _constraints(command: Command) -> Iterator[str]:
    """The constraints that a subcommand is about."""
    action = command.action
    if command.does.endswith("Constraint") and action.name is not None:
        yield action.name
    for part in (action.def_, *(getattr(action.def_, "constraints", None) or ())):
        if kind(part) == "Constraint" and part.conname is not None:
            yield part.conname


def _is_of_key(command: Command) -> bool:
    """Whether it may make or drop what a foreign key of another table points at."""
    if command.does == "AddConstraint":
        return command.action.def_.contype.name not in {"CONSTR_CHECK", "CONSTR_FOREIGN", "CONSTR_NOTNULL"}
    return command.does not in _NOT_OF_KEYS


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


def _column(command: Command) -> str | None:
    if not command.is_alter_table or command.does.endswith("Constraint"):
        return None
    name: str | None = command.action.name or getattr(command.action.def_, "colname", None)
    return name


def _chooses_name(command: Command) -> bool:
    if command.does == "IndexStmt":
        return command.node.idxname is None
    if command.does not in {"CreateStmt", "AddColumn", "AddConstraint"}:
        return False
    unnamed = (n for n in below(command.node) if kind(n) == "Constraint" and n.conname is None)
    chosen = {"CONSTR_CHECK", "CONSTR_FOREIGN", "CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_EXCLUSION"}
    is_serial = (names(n.typeName.names)[-1].endswith("serial") for n in below(command.node) if kind(n) == "ColumnDef")
    return any(n.contype.name in {*chosen, "CONSTR_IDENTITY"} for n in unnamed) or any(is_serial)


def _is_of_parts(command: Command) -> bool:
    node = command.node
    if command.does == "CreateStmt":
        is_like = any(kind(part) == "TableLikeClause" for part in node.tableElts or ())
        return not (is_like or node.inhRelations or node.ofTypename)
    if command.does == "ViewStmt":
        return names_its_columns(node.query)
    return command.does in {"AddColumn", "AddConstraint", "IndexStmt"}


def names_its_columns(query: Any) -> bool:
    """Whether a query has no `*`, no row as a whole, no NATURAL JOIN, and no GROUP BY, which may go by a key."""
    every = list(below(query))
    relations = {name for n in every if kind(n) == "RangeVar" for name in (n.relname, n.alias and n.alias.aliasname)}
    columns = [n.fields for n in every if kind(n) == "ColumnRef"]
    return not (
        any(kind(fields[-1]) == "A_Star" or names(fields)[-1] in relations for fields in columns)
        or any(kind(n) == "JoinExpr" and n.isNatural for n in every)
        or any(kind(n) == "SelectStmt" and n.groupClause for n in every)
    )
