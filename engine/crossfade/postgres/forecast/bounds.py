"""Partition bounds: whether a table's CHECKs prove that all its rows lie within one, or that none does. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.proof import (
    Comparable,
    Comparison,
    comparable,
    implies,
    is_below,
    proves_not_null,
)
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.forecast.type_names import SYSTEM

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column, Table

_ORDERED = frozenset({"N", "D"})
"""Categories of types with one order: numbers, dates and times. Texts have that of their collation."""
_ENDLESS = {"minvalue", "maxvalue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """FOR VALUES of a partition whose key is one column; only ranges and lists can be proved."""

    is_default: bool = False
    lower: Comparable | None = None
    """Of a range; None: no end on this side, or one that cannot be read."""
    upper: Comparable | None = None
    values: frozenset[Comparable] | None = None
    """Of a list without NULL."""
    readable: bool = True
    """All of it is understood."""


def read_bound(spec: Any) -> Bound:
    """A PartitionBoundSpec of the parse tree."""
    if spec.is_default:
        return Bound(is_default=True)
    if spec.strategy == "l":
        values = [comparable(v) for v in spec.listdatums or ()]
        return Bound(values=frozenset(v for v in values if v is not None), readable=None not in values)
    if spec.strategy != "r" or len(spec.lowerdatums) != 1:
        return Bound(readable=False)
    lower, upper = spec.lowerdatums[0], spec.upperdatums[0]
    ends = tuple(None if _is_endless(end) else comparable(end) for end in (lower, upper))
    unread = [end for end, value in zip((lower, upper), ends, strict=True) if value is None and not _is_endless(end)]
    return Bound(lower=ends[0], upper=ends[1], readable=not unread)


def lies_within(table: Table, key: str, bound: Bound) -> bool:
    """Whether the CHECKs prove that every row of the table belongs in the bound."""
    column = table.column(key)
    inside = _for_column(bound, column) if column is not None else None
    if column is None or inside is None or not (table.never_null(key) or proves_not_null(table, key)):
        return False
    values, lower, upper = inside.values, inside.lower, inside.upper
    if values is not None:
        return implies(table, lambda c: c.column == key and c.operator == "=" and c.value in values)
    low = lower is None or implies(table, lambda c: c.column == key and _is_at_least(c, lower))
    return low and (upper is None or implies(table, lambda c: c.column == key and _is_less_than(c, upper)))


def lies_outside(table: Table, key: str, bound: Bound) -> bool:
    """Whether the CHECKs prove that no row of the table belongs in the bound."""
    column = table.column(key)
    inside = _for_column(bound, column) if column is not None else None
    return inside is not None and implies(table, lambda c: c.column == key and _is_outside(c, inside))


def _is_outside(comparison: Comparison, bound: Bound) -> bool:
    if bound.values is not None:
        return comparison.operator == "=" and all(_differ(comparison.value, value) for value in bound.values)
    return _is_less_than(comparison, bound.lower) or _is_at_least(comparison, bound.upper)


def _differ(first: Comparable, second: Comparable) -> bool:
    if isinstance(first, str) and isinstance(second, str):
        return first != second
    return is_below(first, second, or_equal=False) or is_below(second, first, or_equal=False)


def _for_column(bound: Bound, column: Column) -> Bound | None:
    """The bound in the column's terms; None where nothing can be proved of it.

    A number may be written as a text: `FROM ('10')`. Texts have an order of their own, and a user's type may take for
    equal what is written in two ways.
    """
    ordered = column.type_category in _ORDERED
    if not bound.readable or bound.is_default or column.base_type.schema != SYSTEM:
        return None
    if bound.values is None and not ordered:
        return None
    if column.type_category != "N":
        return bound
    values = None if bound.values is None else frozenset(v for v in map(_number, bound.values) if v is not None)
    return replace(bound, lower=_number(bound.lower), upper=_number(bound.upper), values=values)


def _number(value: Comparable | None) -> Comparable | None:
    try:
        return Decimal(value) if isinstance(value, str) else value
    except ArithmeticError:
        return value


def _is_at_least(comparison: Comparison, end: Comparable | None) -> bool:
    upward = comparison.operator in {">", ">=", "="}
    return end is not None and upward and is_below(end, comparison.value, or_equal=True)


def _is_less_than(comparison: Comparison, end: Comparable | None) -> bool:
    downward = comparison.operator in {"<", "<=", "="}
    return end is not None and downward and is_below(comparison.value, end, or_equal=comparison.operator == "<")


def _is_endless(node: Any) -> bool:
    return kind(node) == "ColumnRef" and names(node.fields)[-1] in _ENDLESS
