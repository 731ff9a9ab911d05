"""Where a statement uses a value of an enum: in a cast, and wherever a constant meets a column of the type. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.declared import declared
from crossfade.lint.enums import type_name
from crossfade.postgres.forecast.trees import below, columns_of, kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.names import QualifiedName

_ROWS = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


def uses(seen: SeenStatement, enum: QualifiedName, value: str) -> bool:
    """Whether the server has to make the value while it runs the statement."""
    node = seen.tree
    if kind(node) not in {*_ROWS, "AlterTableStmt", "CreateStmt", "IndexStmt", "ViewStmt", "CreateTableAsStmt"}:
        return False
    columns = _columns_of(seen, enum)
    pairs = (*_casts(seen, node, enum), *_compared(node, columns), *_assigned(node, columns), *_defaults(seen, columns))
    return any(_has(expression, value) for expression in pairs)


def _has(expression: Any, value: str) -> bool:
    return any(kind(n) == "A_Const" and kind(n.val) == "String" and n.val.sval == value for n in _constants(expression))


def _constants(expression: Any) -> Iterator[Any]:
    """The constants that an expression comes to; those inside of a cast are of the cast's type."""
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        match kind(node):
            case "A_Const":
                yield node
            case "tuple" | "list":
                waiting += node
            case "CoalesceExpr":
                waiting += node.args
            case "CaseExpr":
                waiting += [*(when.result for when in node.args), node.defresult]


def _columns_of(seen: SeenStatement, enum: QualifiedName) -> frozenset[str]:
    """Columns of the type in the tables that the statement names, or declares itself."""
    here = (
        seen.before.find(r.schemaname, r.relname) or seen.after.find(r.schemaname, r.relname)
        for r in seen.nodes
        if kind(r) == "RangeVar"
    )
    tables = [t for t in here if t is not None]
    known = {c.name for t in tables for c in t.columns if _is(seen, c.type_name, enum)}
    if any(not t.oid and t.name in seen.before.origins and all(c.type == "unknown" for c in t.columns) for t in tables):
        # No file makes the table, and a constant that is the new value is taken for one of the type.
        known |= _written(seen.tree)
    return frozenset(known | {d.name for d in declared(seen) if _is(seen, d.type.name, enum)})


def _written(node: Any) -> set[str]:
    """Every column that a statement names."""
    targets = {n.name for n in below(node) if kind(n) in {"ResTarget", "AlterTableCmd"} and n.name}
    return targets | set(columns_of(node))


def _is(seen: SeenStatement, name: QualifiedName, enum: QualifiedName) -> bool:
    parts = (name.schema, name.name) if name.schema else (name.name,)
    return type_name(seen.before, parts, (enum,)) == enum


def _casts(seen: SeenStatement, node: Any, enum: QualifiedName) -> Iterator[Any]:
    for cast in below(node):
        if kind(cast) == "TypeCast" and type_name(seen.before, names(cast.typeName.names), (enum,)) == enum:
            yield cast.arg


def _compared(node: Any, columns: frozenset[str]) -> Iterator[Any]:
    for expression in below(node):
        if kind(expression) == "A_Expr":
            sides = (expression.lexpr, expression.rexpr)
            for one, other in (sides, sides[::-1]):
                if kind(one) == "ColumnRef" and names(one.fields)[-1:] and names(one.fields)[-1] in columns:
                    yield other


def _assigned(node: Any, columns: frozenset[str]) -> Iterator[Any]:
    if kind(node) == "UpdateStmt":
        yield from (target.val for target in node.targetList if target.name in columns)
    elif kind(node) == "InsertStmt" and node.cols and node.selectStmt is not None:
        select = node.selectStmt
        rows = select.valuesLists or ([t.val for t in select.targetList or ()],)
        for row in rows:
            yield from (v for target, v in zip(node.cols, row, strict=False) if target.name in columns)


def _defaults(seen: SeenStatement, columns: frozenset[str]) -> Iterator[Any]:
    for column in declared(seen):
        default = column.clauses.get("CONSTR_DEFAULT")
        if column.name in columns and default is not None:
            yield default.raw_expr
    if kind(seen.tree) == "AlterTableStmt":
        for command in seen.tree.cmds:
            if command.subtype.name == "AT_ColumnDefault" and command.name in columns:
                yield command.def_
