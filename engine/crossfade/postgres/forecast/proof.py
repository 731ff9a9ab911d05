"""What the valid CHECKs of a table prove, so that PostgreSQL does not read its rows to see for itself.

Its prover takes a CHECK apart at AND, OR and NOT and compares a column with constants; so much is done here, and no
more: where this says no, a scan is foretold that may not come. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import NotOneStatement, constant, expression, kind, names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crossfade.postgres.catalog import Table

_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}
_TEXTS = frozenset({"text", "varchar"})
"""A cast to one of these leaves a text as it is."""
Comparable = Decimal | str | datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`column operator value`."""

    column: str
    operator: str
    """One of < <= = >= >."""
    value: Comparable


def checks(table: Table) -> Iterator[Any]:
    """The trees of the table's CHECKs that hold for every row."""
    for constraint in table.constraints:
        if constraint.kind == "check" and constraint.validated and constraint.enforced:
            tree = check_tree(constraint.definition)
            if tree is not None:
                yield tree


def check_tree(definition: str) -> Any:
    """The expression of a CHECK, from `CHECK ((a > 0))` or the bare expression; None where it cannot be read."""
    body = definition.strip()
    if body[:5].upper() == "CHECK":
        body = body[5:]
    for suffix in (" NOT VALID", " NO INHERIT", " NOT ENFORCED"):
        body = body.removesuffix(suffix)
    try:
        return expression(body)
    except NotOneStatement:
        return None


def proves_not_null(table: Table, column: str) -> bool:
    """Whether a CHECK says in so many words that the column is not NULL."""
    return any(_holds(tree, lambda leaf: _says_not_null(leaf, column)) for tree in checks(table))


def implies(table: Table, test: Callable[[Comparison], bool]) -> bool:
    """Whether a CHECK leaves no row whose columns are not NULL, but those of which the test is true.

    The test is asked of each comparison with a constant; of `IN (…)` once for every member.
    """

    def says(leaf: Any) -> bool:
        found = _comparisons(leaf)
        return bool(found) and all(test(one) for one in found)

    return any(_holds(tree, says) for tree in checks(table))


def _holds(node: Any, says: Callable[[Any], bool]) -> bool:
    """Of an AND one arm has to say it, of an OR every one."""
    from pglast.enums import BoolExprType

    if kind(node) != "BoolExpr" or node.boolop == BoolExprType.NOT_EXPR:
        return says(node)
    every = all if node.boolop == BoolExprType.OR_EXPR else any
    return every(_holds(arm, says) for arm in node.args)


def _says_not_null(leaf: Any, column: str) -> bool:
    from pglast.enums import NullTestType

    negated = kind(leaf) == "BoolExpr"
    test = leaf.args[0] if negated else leaf
    wanted = NullTestType.IS_NULL if negated else NullTestType.IS_NOT_NULL
    return kind(test) == "NullTest" and test.nulltesttype == wanted and _column(test.arg) == column


def comparable(node: Any) -> Comparable | None:
    """A constant as something that has an order: a number, a point in time, else a text that can only be equal."""
    value = constant(node)
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value


def is_below(first: Comparable, second: Comparable, *, or_equal: bool) -> bool:
    """Whether it is certain that the first is less (or equal); texts have no order without their collation."""
    if first == second:
        return or_equal
    if isinstance(first, Decimal) and isinstance(second, Decimal):
        return first < second
    if isinstance(first, datetime) and isinstance(second, datetime):
        # One of them without a zone: what it means depends on the session.
        return (first.tzinfo is None) == (second.tzinfo is None) and first < second
    return False


def _comparisons(leaf: Any) -> tuple[Comparison, ...]:
    """One comparison, or the `=` of every member of a list; none where it is something else."""
    single = _comparison(leaf)
    return (single,) if single is not None else _listed(leaf)


def _comparison(node: Any) -> Comparison | None:
    from pglast.enums import A_Expr_Kind

    if kind(node) != "A_Expr" or node.kind != A_Expr_Kind.AEXPR_OP or node.lexpr is None:
        return None
    if names(node.name)[-1] not in _MIRRORED:
        return None
    symbol = names(node.name)[-1]
    column, value = _column(node.lexpr), comparable(node.rexpr)
    if column is None:
        column, value, symbol = _column(node.rexpr), comparable(node.lexpr), _MIRRORED[symbol]
    if column is None or value is None:
        return None
    return Comparison(column=column, operator=symbol, value=value)


def _listed(node: Any) -> tuple[Comparison, ...]:
    from pglast.enums import A_Expr_Kind

    column = _column(node.lexpr) if kind(node) == "A_Expr" and names(node.name)[-1:] == ("=",) else None
    if column is None:
        return ()
    if node.kind == A_Expr_Kind.AEXPR_IN:
        members = node.rexpr
    elif node.kind == A_Expr_Kind.AEXPR_OP_ANY:
        array = node.rexpr.arg if kind(node.rexpr) == "TypeCast" else node.rexpr
        members = (array.elements or ()) if kind(array) == "A_ArrayExpr" else ()
    else:
        return ()
    values = [comparable(member) for member in members]
    known = [value for value in values if value is not None]
    return tuple(Comparison(column=column, operator="=", value=v) for v in known) if len(known) == len(values) else ()


def _column(node: Any) -> str | None:
    while kind(node) == "TypeCast" and names(node.typeName.names)[-1] in _TEXTS:
        node = node.arg
    return names(node.fields)[-1] if kind(node) == "ColumnRef" and names(node.fields) else None
