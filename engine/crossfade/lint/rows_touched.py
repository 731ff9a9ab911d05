"""Whether a statement on rows reaches every row of a table that others see, as far as its text tells. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import below, kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Table

_VERBS = {"UpdateStmt": "writes", "DeleteStmt": "deletes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A table, all of whose rows a statement reads or writes."""

    relation: Any
    table: Table
    verb: str
    """`writes`, `deletes` or `reads`."""


def whole_table(seen: SeenStatement) -> Whole | None:
    """The table that an UPDATE or DELETE writes whole, or an INSERT … SELECT reads whole."""
    node = seen.tree
    match kind(node):
        case "UpdateStmt" | "DeleteStmt":
            sources = node.fromClause if kind(node) == "UpdateStmt" else node.usingClause
            table = seen.existing(node.relation)
            if table is not None and not sources and reaches_most(node.whereClause):
                return Whole(relation=node.relation, table=table, verb=_VERBS[kind(node)])
        case "InsertStmt" if node.selectStmt is not None:
            return _read(seen, node.selectStmt)
        case "CreateTableAsStmt" if _fills_table(node):
            return _read(seen, node.query)
    return None


def _fills_table(node: Any) -> bool:
    """CREATE TABLE … AS SELECT; a materialized view cannot be filled in another way."""
    return bool(node.objtype.name == "OBJECT_TABLE" and kind(node.query) == "SelectStmt" and not node.into.skipData)


def _read(seen: SeenStatement, select: Any) -> Whole | None:
    if select.limitCount is not None or not reaches_most(select.whereClause):
        return None
    for source in select.fromClause or ():
        table = seen.existing(source) if kind(source) == "RangeVar" else None
        if table is not None:
            return Whole(relation=source, table=table, verb="reads")
    return None


def reaches_most(where: Any) -> bool:
    """There is no condition, or only one that is met by rows without a value, or by all that are not of one value."""
    match kind(where):
        case "NoneType":
            return True
        case "NullTest":
            return kind(where.arg) == "ColumnRef"
        case "A_Const":
            return kind(where.val) == "Boolean" and bool(where.val.boolval)
        case "A_Expr" if where.kind.name == "AEXPR_DISTINCT":
            return True
        case "A_Expr":
            return names(where.name)[-1:] in {("<>",), ("!=",)} and not _has_query(where)
        case "BoolExpr" if where.boolop.name == "AND_EXPR":
            return all(reaches_most(arm) for arm in where.args)
        case "BoolExpr" if where.boolop.name == "OR_EXPR":
            return any(reaches_most(arm) for arm in where.args)
    return False


def _has_query(node: Any) -> bool:
    return any(kind(inner) == "SubLink" for inner in below(node))
