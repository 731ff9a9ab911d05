"""Columns of views, read from their queries as far as those name them, and what indexes of views are good for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import kind, names

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Table


def columns_of_view(query: Any, aliases: Any) -> tuple[str | None, ...] | None:
    """The columns that a view has by its query and the names that it gives itself, in order.

    None where a star stands for some of them; None for one whose name the query alone does not tell.
    """
    while kind(query) == "SelectStmt" and query.larg is not None:
        query = query.larg
    if kind(query) != "SelectStmt" or not query.targetList:
        return None
    if any(_is_star(target.val) for target in query.targetList):
        return None
    own = [_name(target) for target in query.targetList]
    given = names(aliases)
    return (*given, *own[len(given) :])


def tells_rows_apart(view: Table) -> bool:
    """Whether it has an index by which REFRESH … CONCURRENTLY finds each row."""
    return any(i.unique and not i.partial and not i.has_expressions for i in view.indexes)


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
            return None
