"""What a statement names and the model does not know: taken to be there, with rows, since nothing says otherwise.

A folder seldom begins with an empty database. A table that no earlier file makes is one that was there before; a column
of it has a type that is not known, so that whatever is done to it counts as dear. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import Column, QualifiedName, Table
from crossfade.postgres.forecast.trees import below, kind, names

if TYPE_CHECKING:
    from crossfade.postgres.forecast import Schema

_UNKNOWN = QualifiedName("pg_catalog", "unknown")
_OF_TABLES = frozenset({"OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_FOREIGN_TABLE", "OBJECT_RULE"})
_MAY_BE_MISSING = frozenset({"AlterTableStmt", "RenameStmt", "AlterObjectSchemaStmt"})
_OF_COLUMNS = frozenset({"AT_AlterColumnType", "AT_SetNotNull", "AT_DropNotNull", "AT_ColumnDefault", "AT_DropColumn"})


def with_assumed(schema: Schema, node: Any) -> Schema:
    """The model with every table and column that the statement needs to be there.

    Where a database is the begin of it, IF EXISTS means what is not in it.
    """
    if schema.is_complete and kind(node) in _MAY_BE_MISSING and node.missing_ok:
        return schema
    for relation in _relations(node):
        name = schema.qualify(relation.schemaname, relation.relname)
        if name not in schema.tables and name not in schema.other_relations:
            is_view = kind(node) == "RefreshMatViewStmt"
            made = Table(name=name, kind="materialized view" if is_view else "table")
            schema = replace(schema.put(made), origins={**schema.origins, name: name})
    for relation, column in _columns(node):
        table = schema.find(relation.schemaname, relation.relname)
        if table is not None and table.column(column) is None:
            added = Column(
                name=column, number=table.last_number + 1, type="unknown", type_name=_UNKNOWN, base_type=_UNKNOWN
            )
            schema = schema.put(replace(table, columns=(*table.columns, added)))
    return schema


def _relations(node: Any) -> Iterator[Any]:
    """The tables that a statement works on; not those that it makes, nor what only looks like one."""
    from pglast.ast import RangeVar

    match kind(node):
        case "AlterTableStmt" if node.objtype.name == "OBJECT_TABLE":
            yield node.relation
            yield from _referenced(node.cmds)
            yield from (c.def_.name for c in node.cmds if kind(c.def_) == "PartitionCmd")
        case "RenameStmt" | "AlterObjectSchemaStmt" if _object_kind(node) in _OF_TABLES:
            yield from () if node.relation is None else (node.relation,)
        case "IndexStmt" | "CreateTrigStmt" | "RuleStmt" | "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "VacuumStmt":
            yield from (r for r in below(node) if kind(r) == "RangeVar" and r.relname not in _ctes(node))
        case "CreatePolicyStmt" | "AlterPolicyStmt":
            yield node.table
        case "TruncateStmt" | "LockStmt":
            yield from node.relations
        case "CreateStmt":
            yield from (r for r in node.inhRelations or ())
            yield from _referenced(node.tableElts)
        case "RefreshMatViewStmt":
            yield node.relation
        case "ClusterStmt" | "CopyStmt" if node.relation is not None:
            yield node.relation
        case "ReindexStmt" if node.kind.name == "REINDEX_OBJECT_TABLE":
            yield node.relation
        case "DropStmt" if node.removeType.name == "OBJECT_TABLE" and not node.missing_ok:
            for parts in map(names, node.objects):
                yield RangeVar(schemaname=parts[-2] if len(parts) > 1 else None, relname=parts[-1])


def _object_kind(node: Any) -> str:
    return str((node.renameType if kind(node) == "RenameStmt" else node.objectType).name)


def _referenced(parts: Any) -> Iterator[Any]:
    yield from (c.pktable for c in below(parts or ()) if kind(c) == "Constraint" and c.pktable is not None)


def _ctes(node: Any) -> frozenset[str]:
    return frozenset(c.ctename for c in below(node) if kind(c) == "CommonTableExpr")


def _columns(node: Any) -> Iterator[tuple[Any, str]]:
    match kind(node):
        case "AlterTableStmt" if node.objtype.name == "OBJECT_TABLE":
            for command in node.cmds:
                if command.subtype.name in _OF_COLUMNS and not command.missing_ok:
                    yield node.relation, command.name
        case "RenameStmt" if node.renameType.name == "OBJECT_COLUMN" and node.relation is not None:
            yield node.relation, node.subname
