"""Statements of crossfade's own that name the old side of a pair, told from an app's by their parse tree. Pure.

The comparison before contract, the gate `parity` and the trial write of `legacy_writes` read the old side whenever a
phase is asked for; counted as readers they would keep a gate from ever passing. An app's statement with the same tree
would be left out as well, so only the very trees that we send are ours: a temporary table with a name of ours, or a
count of rows of `ONLY` one table, between two places in it, for which the pair's own predicate is true.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import BoolExprType

from crossfade.postgres.names import QualifiedName
from crossfade.postgres.seen_text import read_statements

if TYPE_CHECKING:
    from crossfade.gates.watched_column import WatchedColumn

_CANARY = ("pg_temp", "crossfade_canary")
# These are read and never sent. A place in a table is written as the comparison or the gate does.
_COUNT = "SELECT pg_catalog.count(*) FROM ONLY some_table WHERE $1"
_PLACES = " AND ".join(f"ctid {operator} $1::pg_catalog.tid" for operator in (">", "<=", ">=", "<"))
_GIVEN_UP = "pg_catalog.format($1, some_column) = $2"
_CONSTANT, _COLUMN = "constant", "column"
_WHERE_IN_THE_TEXT = frozenset(("location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end"))


def is_own(statement: Any, column: WatchedColumn) -> bool:
    """Whether a statement that uses the table is one of ours."""
    try:
        return _is_canary(statement) or _is_comparison(statement, column)
    except RecursionError:
        return False  # a far deeper tree than any of ours


def _is_canary(statement: Any) -> bool:
    """Into or in the temporary table of the trial write."""
    if isinstance(statement, ast.CreateTableAsStmt) and statement.into is not None:
        return _is_at(statement.into.rel, _CANARY)
    return isinstance(statement, ast.UpdateStmt) and _is_at(statement.relation, _CANARY)


def _is_at(relation: Any, name: tuple[str, str]) -> bool:
    return (relation.schemaname, relation.relname) == name


def _is_comparison(statement: Any, column: WatchedColumn) -> bool:
    items = statement.fromClause if isinstance(statement, ast.SelectStmt) else None
    relation = items[0] if items is not None and len(items) == 1 else None
    if not isinstance(relation, ast.RangeVar) or relation.inh or relation.alias is not None:
        return False
    if QualifiedName(relation.schemaname or "", relation.relname or "") not in column.members:
        return False
    if _shape(statement, without="whereClause") != _shape(_read(_COUNT), without="whereClause"):
        return False
    places, pending = _conditions(_PLACES), _conditions(column.pending)
    found = [c for c in _ands(statement.whereClause) if not _is_given_up(c) and _shape(c) != _CONSTANT]
    shapes = [_shape(condition) for condition in found]
    return (
        sum(shape in places for shape in shapes) == 2
        and sum(shape in pending for shape in shapes) == 1
        and len(shapes) == 3
        and len(pending) == 1
    )


def _is_given_up(condition: Any) -> bool:
    """`NOT (…)` around the key of a row that a person has given up."""
    if not isinstance(condition, ast.BoolExpr) or condition.boolop != BoolExprType.NOT_EXPR:
        return False
    (keys,) = condition.args or (None,)
    return all(_shape(key, nameless=True) == _given_up() for key in _ands(keys))


@lru_cache(maxsize=1)
def _given_up() -> object:
    return _shape(_where(_GIVEN_UP), nameless=True)


@lru_cache(maxsize=64)
def _conditions(text: str) -> frozenset[object]:
    return frozenset(_shape(condition) for condition in _ands(_where(text)))


def _where(condition: str) -> Any:
    return _read(_COUNT.replace("$1", f"({condition})")).whereClause


def _read(text: str) -> Any:
    statements = read_statements(text)
    assert statements is not None, text
    return statements[0]


def _ands(condition: Any) -> tuple[Any, ...]:
    """The conditions that all have to be true."""
    if isinstance(condition, ast.BoolExpr) and condition.boolop == BoolExprType.AND_EXPR:
        return tuple(condition.args or ())
    return (condition,)


def _shape(node: Any, *, without: str | None = None, nameless: bool = False) -> object:
    """A tree as plain values without constants, the relation and places in the text; `nameless` without columns too."""
    if isinstance(node, tuple):
        return tuple(_shape(part, nameless=nameless) for part in node)
    if isinstance(node, ast.A_Const | ast.ParamRef):
        return _CONSTANT
    if isinstance(node, ast.RangeVar):
        return "relation"
    if nameless and isinstance(node, ast.ColumnRef):
        return _COLUMN
    if not isinstance(node, ast.Node):
        return node
    parts = (part for part in node if part not in _WHERE_IN_THE_TEXT and part != without)
    return (type(node).__name__, *((part, _shape(getattr(node, part), nameless=nameless)) for part in parts))
