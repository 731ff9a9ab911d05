"""Changes of rows: UPDATE and DELETE of one table, INSERT of what another one has, as entries of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import Entry, entry, expression_text, unless
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.forecast.volatility import is_volatile

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command


def update_rows(command: Command) -> Iterator[Entry]:
    """UPDATE of a table by its own columns."""
    _same_each_time(command)
    yield entry("update_rows", table=command.table_text, set=command.assigned, where=condition(command.node))


def assigned(node: Any) -> dict[str, str]:
    """What an UPDATE gives each column, as an expression over the row."""
    _alone(node, node.fromClause)
    unless(
        (any(kind(t.val) == "MultiAssignRef" or t.indirection for t in node.targetList), "several columns at once"),
    )
    return {target.name: expression_text(target.val, *_own_names(node)) for target in node.targetList}


def condition(node: Any) -> str | None:
    """The WHERE of an UPDATE or DELETE."""
    return None if node.whereClause is None else expression_text(node.whereClause, *_own_names(node))


def delete_rows(command: Command) -> Iterator[Entry]:
    """DELETE of a table's rows by its own columns."""
    _same_each_time(command)
    _alone(command.node, command.node.usingClause)
    yield entry("delete_rows", table=command.table_text, where=condition(command.node) or "true")


def _same_each_time(command: Command) -> None:
    schema = command.before
    is_other = is_volatile(command.node, schema.volatile_functions, schema.search_path)
    unless((is_other, "a value that is another one where a batch is done again"))


def _alone(node: Any, others: Any) -> None:
    unless(
        (bool(others), "rows of other tables"),
        (node.withClause is not None, "WITH"),
        (_returns(node), "RETURNING"),
        (not node.relation.inh, "ONLY"),
    )


def _returns(node: Any) -> bool:
    """Whether it has a RETURNING, which is a node of its own from PostgreSQL 18 on."""
    return bool(node.returningList if hasattr(node, "returningList") else node.returningClause)


def _own_names(node: Any) -> tuple[str, ...]:
    alias = node.relation.alias
    return (alias.aliasname,) if alias is not None else (node.relation.relname,)


def copy_rows(command: Command) -> Iterator[Entry]:
    """INSERT … SELECT of one table's rows into another."""
    _same_each_time(command)
    node = command.node
    select = node.selectStmt
    unless(
        (kind(select) != "SelectStmt" or bool(select.valuesLists) or not node.cols, "rows that stand in the text"),
        (node.withClause is not None or _returns(node), "WITH or RETURNING"),
        (node.override.name != "OVERRIDING_NOT_SET", "OVERRIDING"),
    )
    beyond = ("withClause", "groupClause", "havingClause", "windowClause", "distinctClause", "sortClause", "limitCount")
    sources: Sequence[Any] = select.fromClause or ()
    unless(
        (any(getattr(select, slot) for slot in beyond) or select.larg is not None, "a SELECT of more than rows"),
        (len(sources) != 1 or kind(sources[0]) != "RangeVar", "a SELECT of several tables"),
        (len(select.targetList) != len(node.cols), "another number of columns"),
    )
    source = sources[0]
    own = (source.alias.aliasname if source.alias is not None else source.relname,)
    values = (expression_text(target.val, *own) for target in select.targetList)
    yield entry(
        "copy_rows",
        from_=command.text_of(source),
        into=command.table_text,
        columns=dict(zip((column.name for column in node.cols), values, strict=True)),
        where=None if select.whereClause is None else expression_text(select.whereClause, *own),
        on_conflict=_on_conflict(node.onConflictClause),
    )


def _on_conflict(clause: Any) -> str | None:
    if clause is None:
        return None
    unless((clause.action.name != "ONCONFLICT_NOTHING" or clause.infer is not None, "ON CONFLICT of its own kind"))
    return "skip"
