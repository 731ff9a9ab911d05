"""Changes of indexes: CREATE, DROP, RENAME and REINDEX, as entries of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import (
    Entry,
    entry,
    expression_text,
    names_text,
    unless,
)
from crossfade.migrations.typed.parameters import parameters
from crossfade.postgres.forecast.trees import names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command

_ORDERS = {"SORTBY_DESC": "desc"}
_NULLS = {"SORTBY_NULLS_FIRST": "first", "SORTBY_NULLS_LAST": "last"}


def create_index(command: Command) -> Iterator[Entry]:
    """CREATE INDEX, with CONCURRENTLY or without."""
    node = command.node
    exists = node.idxname and command.before.find_index(command.table_name.schema, node.idxname) is not None
    if node.if_not_exists and exists:
        return
    yield entry("create_index", table=command.table_text, name=index_name(command), **shape(command))


def shape(command: Command) -> dict[str, Any]:
    """What the index of a CREATE INDEX is over, as `create_index` and `replace_index` have it."""
    node = command.node
    is_of_rows = command.table is None or command.table.kind != "materialized view"
    unless((not node.relation.inh, "ONLY"), (not is_of_rows, "an index of a materialized view"))
    table = node.relation.relname
    return {
        "columns": tuple(_key(element, table) for element in node.indexParams),
        "method": node.accessMethod,
        "where": None if node.whereClause is None else expression_text(node.whereClause, table),
        "include": tuple(element.name for element in node.indexIncludingParams or ()),
        "unique": bool(node.unique),
        "nulls_not_distinct": bool(node.nulls_not_distinct),
        "with": parameters(node.options),
        "tablespace": node.tableSpace,
    }


def index_name(command: Command) -> str:
    """Its name: its own, or the one that PostgreSQL chooses."""
    if command.node.idxname is not None:
        return str(command.node.idxname)
    table = command.after.find(command.relation.schemaname, command.relation.relname)
    unless((table is None, "a table that is not known"))
    assert table is not None
    return table.indexes[-1].name.name


def _key(element: Any, table: str) -> str | dict[str, Any]:
    unless((bool(element.opclassopts), "options of an operator class"))
    more: dict[str, Any] = {}
    if element.ordering.name in _ORDERS:
        more["order"] = _ORDERS[element.ordering.name]
    if element.nulls_ordering.name in _NULLS:
        more["nulls"] = _NULLS[element.nulls_ordering.name]
    if element.collation:
        more["collation"] = names_text(element.collation)
    if element.opclass:
        more["opclass"] = names_text(element.opclass)
    if element.name is None:
        return {"expression": expression_text(element.expr, table), **more}
    return {"column": element.name, **more} if more else str(element.name)


def drop_index(command: Command) -> Iterator[Entry]:
    """DROP INDEX, with CONCURRENTLY or without."""
    node = command.node
    *above, name = names(node.objects[0])
    known = command.before.find_index(above[-1] if above else None, name)
    unless(
        (node.behavior.name == "DROP_CASCADE", "what goes with it"),
        (node.missing_ok and known is None, "an index that may not be there"),
    )
    yield entry("drop_index", name=command.text_of_name(node.objects[0]))


def rename_index(command: Command) -> Iterator[Entry]:
    """ALTER INDEX … RENAME."""
    unless((bool(command.node.missing_ok), "an index that may not be there"))
    yield entry("rename_index", from_=command.table_text, to=command.node.newname)


def reindex(command: Command) -> Iterator[Entry]:
    """REINDEX INDEX and TABLE."""
    what = command.node.kind.name.removeprefix("REINDEX_OBJECT_").lower()
    others = [option.defname for option in command.node.params or () if option.defname != "concurrently"]
    unless((what not in {"index", "table"}, "REINDEX of a schema or database"), (bool(others), "options of REINDEX"))
    yield entry("reindex", **{what: command.table_text})
