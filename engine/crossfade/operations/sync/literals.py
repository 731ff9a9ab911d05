"""A literal of the plan as the value of a function: read as what the column is, as where it is assigned to the column.

What a function gives is coerced as an assignment is, but a string or NULL by itself, which has no type yet, is text to
it. A cast gives it a type: that of the column without its modifiers, and what a domain comes down to at last, since a
cast would cut what is too long. What follows, to the function's type and then to the column, are assignments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.postgres.forecast.trees import expression, kind
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import QualifiedName


def typed(value: str, column_type: str, base: QualifiedName) -> str:
    """An expression, for the body of a function that gives values of a type; `base` is what that comes down to.

    The modifiers of an interval say how the literal is read (`'5'` as an `interval minute`), and cut in any case.
    """
    if not _has_no_type(value):
        return value
    interval = (base.schema, base.name) == ("pg_catalog", "interval")
    target = sql.SQL(column_type) if interval else sql.Identifier(base.schema, base.name)
    return render(sql.SQL("CAST({} AS {})").format(sql.SQL(value), target))


def _has_no_type(value: str) -> bool:
    """Whether it is a string or NULL; a collation does not change that."""
    node = expression(value)
    while kind(node) == "CollateClause":
        node = node.arg
    return kind(node) == "A_Const" and (node.isnull or kind(node.val) == "String")
