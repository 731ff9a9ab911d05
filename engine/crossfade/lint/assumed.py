"""What a statement names and the model does not know: taken to be there, with rows, since nothing says otherwise.

A folder seldom begins with an empty database. A table that no earlier file makes is one that was there before; a column
of it has a type that is not known, so that whatever is done to it counts as dear. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import Column, QualifiedName, Table
from crossfade.postgres.forecast.trees import below, is_on, kind, names, relations_of

if TYPE_CHECKING:
    from crossfade.postgres.forecast import Schema

_UNKNOWN = QualifiedName("pg_catalog", "unknown")
_OF_TABLES = frozenset({"OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_FOREIGN_TABLE", "OBJECT_RULE"})
_MAY_BE_MISSING = frozenset({"AlterTableStmt", "RenameStmt", "AlterObjectSchemaStmt", "DropStmt"})
_ON_ALL_THEY_NAME = frozenset(
    {
        "CreateTrigStmt",
        "DeleteStmt",
        "IndexStmt",
        "InsertStmt",
        "MergeStmt",
        "RuleStmt",
        "UpdateStmt",
        "VacuumStmt",
    }
)
_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_OF_COLUMNS = frozenset(
    {
        "AT_AlterColumnType",
        "AT_ColumnDefault",
        "AT_DropColumn",
        "AT_DropNotNull",
        "AT_SetExpression",
        "AT_SetNotNull",
    }
)
_FIRST_VIRTUAL = 180000


def with_assumed(schema: Schema, node: Any, made: Callable[[], Container[str]] = frozenset) -> Schema:
    """The model with every table and column that the statement needs to be there, or drops where they are.

    Where a database is the begin of it, IF EXISTS means what is not in it. DROP TABLE IF EXISTS of what is in `made`,
    the tables that files make, says nothing either: the table is gone, or not there yet.
    """
    if kind(node) == "ExplainStmt" and is_on(node.options, "analyze"):
        return with_assumed(schema, node.query, made)
    if schema.is_complete and kind(node) in _MAY_BE_MISSING and node.missing_ok:
        return schema
    for relation in _relations(node, made):
        name = schema.qualify(relation.schemaname, relation.relname)
        if name not in schema.tables and name not in schema.other_relations:
            is_view = kind(node) == "RefreshMatViewStmt"
            assumed = Table(name=name, kind="materialized view" if is_view else "table")
            schema = replace(schema.put(assumed), origins={**schema.origins, name: name})
    for relation, column, if_exists in _columns(node):
        table = schema.find(relation.schemaname, relation.relname)
        if table is not None and table.column(column) is None and not (if_exists and _has_known_columns(table)):
            schema = schema.put(replace(table, columns=(*table.columns, _assumed(schema, table, column, node))))
    return schema


def _assumed(schema: Schema, table: Table, column: str, node: Any) -> Column:
    """A column of a type that is not known; before there were virtual ones, what has an expression is stored."""
    computed = any(c.subtype.name == "AT_SetExpression" and c.name == column for c in getattr(node, "cmds", ()))
    return Column(
        name=column,
        number=table.last_number + 1,
        type="unknown",
        type_name=_UNKNOWN,
        base_type=_UNKNOWN,
        generated="stored" if computed and schema.server_version < _FIRST_VIRTUAL else None,
    )


def _has_known_columns(table: Table) -> bool:
    """It was made by a file or is in the database: the first column of another one is at best a name."""
    return bool(table.columns) and table.columns[0].type != "unknown"


def _relations(node: Any, made: Callable[[], Container[str]]) -> Iterator[Any]:
    """The tables that a statement works on; not those that it makes, nor what only looks like one."""
    match kind(node):
        case "AlterTableStmt" if node.objtype.name == "OBJECT_TABLE":
            yield node.relation
            yield from _referenced(node.cmds)
            yield from (c.def_.name for c in node.cmds if kind(c.def_) == "PartitionCmd")
        case "RenameStmt" | "AlterObjectSchemaStmt" if _object_kind(node) in _OF_TABLES:
            yield from () if node.relation is None else (node.relation,)
        case works if works in _ON_ALL_THEY_NAME:
            yield from relations_of(node)
        case "CreateTableAsStmt" | "SelectStmt":
            yield from _read_into(node)
        case "CreatePolicyStmt" | "AlterPolicyStmt":
            yield node.table
        case "TruncateStmt" | "LockStmt":
            yield from node.relations
        case "CreateStmt":
            yield from (r for r in node.inhRelations or ())
            yield from _referenced(node.tableElts)
        case "RefreshMatViewStmt" | "ClusterStmt" | "CopyStmt" if node.relation is not None:
            yield node.relation
        case "ReindexStmt" if node.kind.name == "REINDEX_OBJECT_TABLE":
            yield node.relation
        case "DropStmt" if node.removeType.name == "OBJECT_TABLE":
            yield from _dropped(node, made)


def _dropped(node: Any, made: Callable[[], Container[str]]) -> Iterator[Any]:
    from pglast.ast import RangeVar

    for parts in map(names, node.objects):
        if not (node.missing_ok and parts[-1] in made()):
            yield RangeVar(schemaname=parts[-2] if len(parts) > 1 else None, relname=parts[-1])


def _read_into(node: Any) -> Iterator[Any]:
    """What a new table is made from by CREATE TABLE AS or SELECT INTO, and what WITH writes."""
    yield from (n.relation for n in below(getattr(node, "withClause", None)) if kind(n) in _WRITES)
    if kind(node) == "CreateTableAsStmt":
        yield from relations_of(node.query)
    elif node.intoClause is not None:
        yield from (r for r in relations_of(node) if r is not node.intoClause.rel)


def _object_kind(node: Any) -> str:
    return str((node.renameType if kind(node) == "RenameStmt" else node.objectType).name)


def _referenced(parts: Any) -> Iterator[Any]:
    """What the foreign keys refer to that columns, constraints and subcommands declare."""
    for part in parts or ():
        declared = part.def_ if kind(part) == "AlterTableCmd" else part
        own = (declared,) if kind(declared) == "Constraint" else getattr(declared, "constraints", None) or ()
        yield from (constraint.pktable for constraint in own if constraint.pktable is not None)


def _columns(node: Any) -> Iterator[tuple[Any, str, bool]]:
    """The table, the column, and whether that may be missing."""
    match kind(node):
        case "AlterTableStmt" if node.objtype.name == "OBJECT_TABLE":
            for command in node.cmds:
                if command.subtype.name in _OF_COLUMNS:
                    yield node.relation, command.name, bool(command.missing_ok)
        case "RenameStmt" if node.renameType.name == "OBJECT_COLUMN" and node.relation is not None:
            yield node.relation, node.subname, False
