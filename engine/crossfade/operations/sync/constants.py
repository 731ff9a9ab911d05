"""Is a default the same value for every writer, at any time, whoever asks? Then a value can be compared with it.

`current_user` is another one for the function that compares than for the session that writes, `now()` another one in
the next transaction, and what a function gives nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column, Default

_PARTS = frozenset({"SelectStmt", "ResTarget", "A_Const", "TypeCast", "TypeName", "A_ArrayExpr", "CollateClause"})
"""Kinds of nodes, besides the values in them, that a constant is made of."""
_VALUES = frozenset({"String", "Integer", "Float", "Boolean", "BitString"})


def is_constant(expression: str) -> bool:
    """Whether an expression, as PostgreSQL deparses it, is made of literals, casts and arrays of them only."""
    from pglast import parse_sql
    from pglast.visitors import Visitor

    class Kinds(Visitor):
        """The kinds of all nodes of a tree."""

        def __init__(self) -> None:
            self.found: set[str] = set()

        def visit(self, _ancestors: Any, node: Any) -> None:
            self.found.add(type(node).__name__)

    kinds = Kinds()
    statement: Any = parse_sql(f"SELECT {expression}")[0].stmt
    kinds(statement)
    return kinds.found <= _PARTS | _VALUES


def constant_default(column: Column) -> Default | None:
    """The column's default, if a value can be compared with it."""
    default = column.default
    return default if default is not None and is_constant(default.expression) else None


def generates(column: Column) -> bool:
    """Whether a row that leaves the column out gets a value that nothing can be compared with."""
    other = column.default is not None and constant_default(column) is None
    return other or column.identity is not None
