"""The columns of views, read from their queries as far as those name them. Pure."""

from __future__ import annotations

from typing import Any

from crossfade.postgres.forecast.trees import kind, names

UNNAMED = None
"""A column whose name the query alone does not tell."""


def columns_of_view(node: Any) -> tuple[str | None, ...] | None:
    """The columns that a CREATE VIEW makes, in order; None where a star stands for some of them."""
    query = node.query
    while kind(query) == "SelectStmt" and query.larg is not None:
        query = query.larg
    if kind(query) != "SelectStmt" or not query.targetList:
        return None
    if any(_is_star(target.val) for target in query.targetList):
        return None
    own = [_name(target) for target in query.targetList]
    aliases = list(names(node.aliases))
    return tuple(aliases + own[len(aliases) :])


def _is_star(value: Any) -> bool:
    return kind(value) == "ColumnRef" and kind(value.fields[-1]) == "A_Star"


def _name(target: Any) -> str | None:
    if target.name is not None:
        return str(target.name)
    match kind(target.val):
        case "ColumnRef":
            return names(target.val.fields)[-1]
        case "FuncCall":
            return names(target.val.funcname)[-1]
        case _:
            return UNNAMED
