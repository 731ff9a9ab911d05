"""DROP of anything: tables lose what is dropped, and are locked for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import QualifiedName, Table
from crossfade.postgres.forecast.domains import columns_of_type, domains_over
from crossfade.postgres.forecast.draft import Unforeseeable
from crossfade.postgres.forecast.dropping import VIEWS, drop_columns, drop_relation
from crossfade.postgres.forecast.trees import NotOneStatement, below, constant, expression, kind, names
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft

_SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
_AX = LockMode.ACCESS_EXCLUSIVE


def drop(draft: Draft, node: Any) -> None:
    """DROP: what is no part of a table locks none."""
    act = _DROPS.get(node.removeType.name)
    if act is not None:
        for dropped in node.objects:
            act(draft, node, dropped)


def _cascades(node: Any) -> bool:
    return bool(node.behavior.name == "DROP_CASCADE")


def _drop_relation(draft: Draft, node: Any, dropped: Any) -> None:
    *schema, name = names(dropped)
    table = draft.schema.find(schema[-1] if schema else None, name)
    if table is not None:
        drop_relation(draft, table.name, cascade=_cascades(node))
    elif not node.missing_ok:
        raise Unforeseeable(f"there is no table {name} in the catalog")


def _drop_index(draft: Draft, node: Any, dropped: Any) -> None:
    if node.concurrent:
        draft.transactional = False
    *schema, name = names(dropped)
    found = draft.schema.find_index(schema[-1] if schema else None, name)
    if found is None:
        if not node.missing_ok:
            raise Unforeseeable(f"the index {name} is on none of the tables that were read")
        return
    table, index = found
    gone = {index.name}
    for member in draft.schema.family(table.name):
        gone |= {i.name for i in member.indexes if i.parent in gone}
        if member is table or table.kind == "partitioned":
            draft.lock(member.name, _SUE if node.concurrent else _AX)
            kept = tuple(i for i in member.indexes if i.name not in gone)
            draft.schema = draft.schema.put(replace(member, indexes=kept))


def _holder(draft: Draft, dropped: Any) -> tuple[Table | None, str]:
    *schema, relation, name = names(dropped)
    return draft.schema.find(schema[-1] if schema else None, relation), name


def _is_there(table: Table, known: bool, missing_ok: bool) -> bool:
    """Whether the object is on the table; of a table that was not read IF EXISTS tells nothing."""
    return known or not missing_ok or not table.oid


def _drop_trigger(draft: Draft, node: Any, dropped: Any) -> None:
    table, name = _holder(draft, dropped)
    if table is None or not _is_there(table, any(t.name == name for t in table.triggers), node.missing_ok):
        return
    for member in draft.schema.family(table.name) if table.kind == "partitioned" else (table,):
        if member is table or any(t.name == name for t in member.triggers):
            draft.lock(member.name, _AX)
            kept = tuple(t for t in member.triggers if t.name != name)
            draft.schema = draft.schema.put(replace(member, triggers=kept))


def _drop_rule(draft: Draft, node: Any, dropped: Any) -> None:
    table, name = _holder(draft, dropped)
    if table is not None and _is_there(table, any(r.name == name for r in table.rules), node.missing_ok):
        draft.lock(table.name, _AX)
        draft.schema = draft.schema.put(replace(table, rules=tuple(r for r in table.rules if r.name != name)))


def _drop_policy(draft: Draft, node: Any, dropped: Any) -> None:
    table, name = _holder(draft, dropped)
    if table is not None and _is_there(table, name in table.policies, node.missing_ok):
        draft.lock(table.name, _AX)
        draft.schema = draft.schema.put(replace(table, policies=tuple(p for p in table.policies if p != name)))


def _drop_statistics(draft: Draft, _node: Any, dropped: Any) -> None:
    *schema, name = names(dropped)
    for table in tuple(draft.schema.tables.values()):
        found = [s for s in table.extended_statistics if s.name.name == name and schema[-1:] in ([], [s.name.schema])]
        if found:
            draft.lock(table.name, _SUE)
            kept = tuple(s for s in table.extended_statistics if s not in found)
            draft.schema = draft.schema.put(replace(table, extended_statistics=kept))


def _drop_type(draft: Draft, node: Any, dropped: Any) -> None:
    parts = names(dropped.names)
    for schema in parts[-2:-1] or draft.schema.search_path:
        name = QualifiedName(schema, parts[-1])
        gone = domains_over(draft, name) if _cascades(node) else frozenset({name})
        draft.schema = replace(draft.schema, domains=tuple(d for d in draft.schema.domains if d.name not in gone))
        if _cascades(node):
            for each in gone:
                _drop_users(draft, each)


def _drop_users(draft: Draft, name: QualifiedName) -> None:
    """Columns of a type and tables made of it go with it."""
    for table, column in tuple(columns_of_type(draft, name)):
        # A view that shows the column of a table has gone with it.
        here = draft.schema.tables.get(table.name)
        if here is not None and here.kind in VIEWS:
            drop_relation(draft, here.name, cascade=True)
        elif here is not None:
            draft.lock(here.name, _AX)
            drop_columns(draft, (here,), column, cascade=True)
    for table in tuple(draft.schema.tables.values()):
        if table.typed_of == str(name):
            drop_relation(draft, table.name, cascade=True)


def _drop_function(draft: Draft, node: Any, dropped: Any) -> None:
    parts = names(dropped.objname)
    if not _cascades(node):
        return
    for table in tuple(draft.schema.tables.values()):
        using = [t for t in table.triggers if t.function.name == parts[-1]]
        if using:
            draft.lock(table.name, _AX)
            kept = tuple(t for t in table.triggers if t not in using)
            draft.schema = draft.schema.put(replace(table, triggers=kept))


def _drop_sequence(draft: Draft, node: Any, dropped: Any) -> None:
    if not _cascades(node):
        return
    *schema, name = names(dropped)
    sequence = draft.schema.qualify(schema[-1] if schema else None, name)
    for table in tuple(draft.schema.tables.values()):
        using = [c for c in table.columns if c.default and _draws_from(c.default.expression, sequence)]
        if using:
            draft.lock(table.name, _AX)
            columns = tuple(replace(c, default=None) if c in using else c for c in table.columns)
            draft.schema = draft.schema.put(replace(table, columns=columns))


def _draws_from(default: str, sequence: QualifiedName) -> bool:
    try:
        tree = expression(default) if default else None
    except NotOneStatement:
        return False
    return any(kind(node) == "A_Const" and constant(node) == str(sequence) for node in below(tree))


def _drop_schema(draft: Draft, node: Any, dropped: Any) -> None:
    if _cascades(node):
        for name in [n for n in draft.schema.tables if n.schema == dropped.sval]:
            drop_relation(draft, name, cascade=True)


_DROPS: Mapping[str, Callable[[Draft, Any, Any], None]] = {
    "OBJECT_TABLE": _drop_relation,
    "OBJECT_VIEW": _drop_relation,
    "OBJECT_MATVIEW": _drop_relation,
    "OBJECT_FOREIGN_TABLE": _drop_relation,
    "OBJECT_INDEX": _drop_index,
    "OBJECT_TRIGGER": _drop_trigger,
    "OBJECT_RULE": _drop_rule,
    "OBJECT_POLICY": _drop_policy,
    "OBJECT_STATISTIC_EXT": _drop_statistics,
    "OBJECT_TYPE": _drop_type,
    "OBJECT_DOMAIN": _drop_type,
    "OBJECT_FUNCTION": _drop_function,
    "OBJECT_SEQUENCE": _drop_sequence,
    "OBJECT_SCHEMA": _drop_schema,
}
