"""Views over one table and nothing else, through which PostgreSQL lets apps write: which column shows which. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from crossfade.postgres.forecast import Schema
from crossfade.postgres.forecast.column_names import column_name
from crossfade.postgres.forecast.trees import NotOneStatement, below, kind, names, one_statement
from crossfade.postgres.names import QualifiedName

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
_SETS_TEXT = """
    aclexplode generate_series generate_subscripts json_array_elements json_array_elements_text json_each json_each_text
    json_object_keys json_populate_recordset json_to_recordset jsonb_array_elements jsonb_array_elements_text jsonb_each
    jsonb_each_text jsonb_object_keys jsonb_path_query jsonb_path_query_tz jsonb_populate_recordset jsonb_to_recordset
    regexp_matches regexp_split_to_table string_to_table unnest
"""
_SETS = frozenset(_SETS_TEXT.split())
"""PostgreSQL's functions that give several rows for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """What a view shows of its only table."""

    table: QualifiedName
    columns: tuple[tuple[str, str | None], ...]
    """The view's name of a column and the table's; None for an expression."""
    writable: bool = True
    """Its list has nothing in it that keeps PostgreSQL from writing through it."""


def shown_by(definition: str, schema: Schema) -> Shows | None:
    """What the query of a view shows; None where it is over more than one table, or is more than that table's rows."""
    try:
        return shown_by_tree(one_statement(definition), schema)
    except NotOneStatement:
        return None


def shown_by_tree(query: Any, schema: Schema, aliases: Sequence[str] = ()) -> Shows | None:
    """The same of pglast's node; `aliases` are the names of the first columns, where the view gives some."""
    if kind(query) != "SelectStmt" or any(getattr(query, clause) for clause in _MORE_THAN_A_SELECT):
        return None
    sources: tuple[Any, ...] = query.fromClause or ()
    source = sources[0] if len(sources) == 1 else None
    if source is None or kind(source) != "RangeVar" or (source.alias is not None and source.alias.colnames):
        return None
    table = schema.qualify(source.schemaname, source.relname)
    columns = [shown for target in query.targetList or () for shown in _shown(target, schema, table)]
    for place, alias in enumerate(aliases[: len(columns)]):
        columns[place] = (alias, columns[place][1])
    return Shows(table=table, columns=tuple(columns), writable=not _counts_rows(query.targetList))


def _shown(target: Any, schema: Schema, table: QualifiedName) -> Iterator[tuple[str, str | None]]:
    value = target.val
    if kind(value) != "ColumnRef":
        yield target.name or column_name(value), None
    elif kind(value.fields[-1]) == "A_Star":
        of = schema.tables.get(table)
        columns = sorted(of.columns, key=lambda column: column.number) if of is not None else ()
        yield from ((column.name, column.name) for column in columns)
    else:
        column = names(value.fields)[-1]
        yield target.name or column, column


def _counts_rows(targets: Any) -> bool:
    """A list with a window function in it, or one that gives several rows."""
    nodes = tuple(below(targets))
    inner = {id(n) for node in nodes if kind(node) == "SubLink" for n in below(node.subselect)}
    calls = (n for n in nodes if kind(n) == "FuncCall" and id(n) not in inner)
    return any(call.over is not None or names(call.funcname)[-1] in _SETS for call in calls)
