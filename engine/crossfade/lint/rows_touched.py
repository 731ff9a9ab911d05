"""Whether a statement on rows reaches every row of a table that others see, as far as its text tells. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import below, constant, kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Table

_WRITES = frozenset({"UpdateStmt", "DeleteStmt"})
_VERBS = {"UpdateStmt": "writes", "DeleteStmt": "deletes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A table, all of whose rows a statement reads or writes."""

    relation: Any
    table: Table
    verb: str
    """`writes`, `deletes` or `reads`."""


def whole_table(seen: SeenStatement) -> Whole | None:
    """The table that an UPDATE, DELETE or MERGE writes whole, or an INSERT … SELECT reads whole."""
    node = seen.tree
    for inner in below(getattr(node, "withClause", None)):
        if kind(inner) in _WRITES and (written := _written(seen, inner)) is not None:
            return written
    match kind(node):
        case "UpdateStmt" | "DeleteStmt":
            return _written(seen, node)
        case "MergeStmt":
            return _merged(seen, node)
        case "SelectStmt" if node.intoClause is not None:
            return _read(seen, node)
        case "InsertStmt" if node.selectStmt is not None:
            return _read(seen, node.selectStmt)
        case "CreateTableAsStmt" if _fills_table(node):
            return _read(seen, node.query)
    return None


def _written(seen: SeenStatement, node: Any) -> Whole | None:
    sources = node.fromClause if kind(node) == "UpdateStmt" else node.usingClause
    table = seen.existing(node.relation)
    if table is None or sources or not reaches_most(node.whereClause):
        return None
    return Whole(relation=node.relation, table=table, verb=_VERBS[kind(node)])


def _merged(seen: SeenStatement, node: Any) -> Whole | None:
    """MERGE of a whole table that others see: as many rows are written as it has."""
    table, source = seen.existing(node.relation), node.sourceRelation
    writes = any(
        w.commandType.name in {"CMD_UPDATE", "CMD_DELETE"} and w.condition is None for w in node.mergeWhenClauses
    )
    select = source.subquery if kind(source) == "RangeSubselect" else None
    is_whole = seen.existing(source) is not None if kind(source) == "RangeVar" else _read_all(seen, select)
    return Whole(relation=node.relation, table=table, verb="writes") if table and writes and is_whole else None


def _read_all(seen: SeenStatement, select: Any) -> bool:
    return kind(select) == "SelectStmt" and _read(seen, select) is not None


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
        case "A_Expr" if names(where.name) == ("=",) and constant(where.lexpr) is not None:
            return constant(where.lexpr) == constant(where.rexpr)
        case "A_Expr":
            return names(where.name)[-1:] in {("<>",), ("!=",)} and not _has_query(where)
        case "BoolExpr" if where.boolop.name == "AND_EXPR":
            return all(reaches_most(arm) for arm in where.args)
        case "BoolExpr" if where.boolop.name == "OR_EXPR":
            return any(reaches_most(arm) for arm in where.args)
    return False


def is_met_by_all(where: Any) -> bool:
    """There is no condition, or one without a column that is always true: `true`, `1 = 1`."""
    has_columns = any(kind(inner) == "ColumnRef" for inner in below(where))
    return not has_columns and reaches_most(where)


def _has_query(node: Any) -> bool:
    return any(kind(inner) == "SubLink" for inner in below(node))
