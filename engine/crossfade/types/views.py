"""Views over one table and nothing else, through which PostgreSQL lets apps write: which column shows which. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossfade.postgres.catalog import Column, Table
from crossfade.postgres.forecast import Schema
from crossfade.postgres.forecast.trees import NotOneStatement, below, kind, names, one_statement
from crossfade.postgres.names import QualifiedName

_STAR = None
_MORE_THAN_A_SELECT = (
    "distinctClause",
    "groupClause",
    "havingClause",
    "windowClause",
    "valuesLists",
    "withClause",
    "limitCount",
    "limitOffset",
    "larg",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """What a view shows of its only table."""

    table: QualifiedName
    columns: tuple[tuple[str | None, str | None], ...]
    """The view's name of a column (None for all of the table's, by their own names), and the table's; None for an
    expression."""


def shown_by(definition: str) -> Shows | None:
    """What the query of a view shows; None where it is over more than one table, or is more than that table's rows."""
    try:
        return shown_by_tree(one_statement(definition))
    except NotOneStatement:
        return None


def shown_by_tree(query: Any, aliases: Sequence[str] = ()) -> Shows | None:
    """The same of pglast's node; `aliases` are the names of the first columns, where the view gives some."""
    if kind(query) != "SelectStmt" or any(getattr(query, clause) for clause in _MORE_THAN_A_SELECT):
        return None
    sources: tuple[Any, ...] = query.fromClause or ()
    source = sources[0] if len(sources) == 1 else None
    if source is None or kind(source) != "RangeVar" or source.schemaname is None:
        return None
    columns = [_shown(target) for target in query.targetList or ()]
    for place, alias in enumerate(aliases[: len(columns)]):
        columns[place] = (alias, columns[place][1])
    return Shows(table=QualifiedName(source.schemaname, source.relname), columns=tuple(columns))


def outputs(query: Any, schema: Schema, aliases: Sequence[str] = ()) -> Iterator[tuple[str, Column | None]]:
    """The columns of a query by name, each with the column that it is; None for an expression."""
    if kind(query) != "SelectStmt":
        return
    while query.larg is not None:
        query = query.larg
    tables = dict(_tables(query.fromClause, schema))
    found = [output for target in query.targetList or () for output in _outputs(target, tables)]
    for place, (name, column) in enumerate(found):
        yield (aliases[place] if place < len(aliases) else name), column


def _tables(sources: Any, schema: Schema) -> Iterator[tuple[str, Table]]:
    """The tables of a FROM clause by the names that the query has for them."""
    for source in below(sources):
        if kind(source) == "RangeVar":
            table = schema.find(source.schemaname, source.relname)
            if table is not None:
                yield source.alias.aliasname if source.alias is not None else source.relname, table


def _outputs(target: Any, tables: Mapping[str, Table]) -> Iterator[tuple[str, Column | None]]:
    value = target.val
    if kind(value) != "ColumnRef":
        yield target.name or _function(value) or "?column?", None
        return
    parts = names(value.fields)
    if kind(value.fields[-1]) == "A_Star":
        meant = [tables[parts[-1]]] if parts and parts[-1] in tables else [] if parts else [*tables.values()]
        yield from ((column.name, column) for table in meant for column in table.columns)
        return
    meant = [tables[parts[-2]]] if len(parts) > 1 and parts[-2] in tables else [*tables.values()]
    columns = [column for table in meant if (column := table.column(parts[-1])) is not None]
    yield target.name or parts[-1], columns[0] if len(columns) == 1 else None


def _function(value: Any) -> str | None:
    """A call without a name of its own has the function's."""
    return names(value.funcname)[-1] if kind(value) == "FuncCall" else None


def _shown(target: Any) -> tuple[str | None, str | None]:
    value = target.val
    if kind(value) != "ColumnRef":
        return target.name or "?column?", None
    if kind(value.fields[-1]) == "A_Star":
        return _STAR, None
    column = names(value.fields)[-1]
    return target.name or column, column
