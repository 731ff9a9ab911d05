"""Whether a statement on rows reaches every row of a table that others see, as far as its text tells. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import below, constant, is_on, kind, names, relations_of

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
    node = run_by(seen.tree)
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


def run_by(node: Any) -> Any:
    """What runs where the statement does: EXPLAIN runs what it explains with ANALYZE, and nothing without it."""
    if kind(node) != "ExplainStmt":
        return node
    return node.query if is_on(node.options, "analyze") else None


def _written(seen: SeenStatement, node: Any) -> Whole | None:
    sources = node.fromClause if kind(node) == "UpdateStmt" else node.usingClause
    table = seen.existing(node.relation)
    if table is None or sources or not reaches_most(node.whereClause):
        return None
    return Whole(relation=node.relation, table=table, verb=_VERBS[kind(node)])


def _merged(seen: SeenStatement, node: Any) -> Whole | None:
    """MERGE of a whole table that others see: as many rows are written as it has, or read to add some."""
    table, source = seen.existing(node.relation), node.sourceRelation
    writes = any(
        w.commandType.name in {"CMD_UPDATE", "CMD_DELETE"} and w.condition is None for w in node.mergeWhenClauses
    )
    select = source.subquery if kind(source) == "RangeSubselect" else None
    adds = any(w.commandType.name == "CMD_INSERT" and w.condition is None for w in node.mergeWhenClauses)
    read = _read(seen, select) if kind(select) == "SelectStmt" else _read_from(seen, source)
    if read is not None and table is not None and writes:
        return Whole(relation=node.relation, table=table, verb="writes")
    return read if adds else None


def _fills_table(node: Any) -> bool:
    """CREATE TABLE … AS SELECT; a materialized view cannot be filled in another way."""
    return bool(node.objtype.name == "OBJECT_TABLE" and kind(node.query) == "SelectStmt" and not node.into.skipData)


def _read(seen: SeenStatement, select: Any) -> Whole | None:
    if select.limitCount is not None or not reaches_most(select.whereClause):
        return None
    return next((read for source in select.fromClause or () if (read := _read_from(seen, source)) is not None), None)


def _read_from(seen: SeenStatement, source: Any) -> Whole | None:
    table = _existing(seen, source) if kind(source) == "RangeVar" else None
    return Whole(relation=source, table=table, verb="reads") if table is not None else None


def _existing(seen: SeenStatement, source: Any) -> Table | None:
    """The table that a FROM names, if others can see it; a CTE of its name is another thing."""
    return seen.existing(source) if any(source is named for named in relations_of(seen.tree)) else None


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
