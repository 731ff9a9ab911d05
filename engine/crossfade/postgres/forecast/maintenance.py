"""Statements that keep tables in order: REINDEX, CLUSTER, VACUUM, ANALYZE, REFRESH, TRUNCATE, LOCK. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.attached import known_table
from crossfade.postgres.forecast.trees import is_on
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.postgres.catalog import QualifiedName, Table
    from crossfade.postgres.forecast.draft import Draft

_SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
_AX = LockMode.ACCESS_EXCLUSIVE
_ONE_OBJECT = frozenset({"REINDEX_OBJECT_INDEX", "REINDEX_OBJECT_TABLE"})
_FIRST_WITH_CHILDREN = 180000
_WITH_ROWS = frozenset({"table", "materialized view"})


def reindex(draft: Draft, node: Any) -> None:
    """REINDEX: writes wait; CONCURRENTLY they do not."""
    concurrent = is_on(node.params, "concurrently")
    members = tuple(_reindexed(draft, node))
    one = node.kind.name in _ONE_OBJECT and not any(t.kind == "partitioned" for t in members)
    draft.transactional = one and not concurrent
    for table in members:
        draft.lock(table.name, _SUE if concurrent else LockMode.SHARE)
        if table.indexes:
            draft.scan(table.name)


def cluster(draft: Draft, node: Any) -> None:
    """CLUSTER; without a table it takes every one that was clustered before."""
    if node.relation is not None:
        table = known_table(draft, node.relation)
        tables: Iterable[Table] = draft.schema.family(table.name) if table.kind == "partitioned" else (table,)
        draft.transactional = table.kind != "partitioned"
    else:
        tables = [t for t in draft.schema.tables.values() if any(i.clustered for i in t.indexes)]
        draft.transactional = False
    for table in tables:
        draft.lock(table.name, _AX)
        draft.rewrite(table.name)


def vacuum(draft: Draft, node: Any) -> None:
    """VACUUM and ANALYZE; FULL writes the tables anew."""
    full = node.is_vacuumcmd and is_on(node.options, "full")
    draft.transactional = not node.is_vacuumcmd
    for table in _vacuumed(draft, node):
        draft.lock(table.name, _AX if full else _SUE)
        if full:
            draft.rewrite(table.name)


def refresh(draft: Draft, node: Any) -> None:
    """REFRESH MATERIALIZED VIEW: readers wait, but not for CONCURRENTLY, which compares old and new."""
    view = known_table(draft, node.relation)
    draft.lock(view.name, LockMode.EXCLUSIVE if node.concurrent else _AX)
    if node.concurrent:
        draft.scan(view.name)
    elif node.skipData:
        draft.empty(view.name)
    else:
        draft.rewrite(view.name)


def truncate(draft: Draft, node: Any) -> None:
    """TRUNCATE: with CASCADE also every table that references one of them."""
    waiting: list[Table] = []
    for relation in node.relations:
        table = known_table(draft, relation)
        waiting += draft.schema.family(table.name) if relation.inh else (table,)
    seen: set[QualifiedName] = set()
    while waiting:
        table = waiting.pop(0)
        if table.name in seen:
            continue
        seen.add(table.name)
        draft.lock(table.name, _AX)
        draft.empty(table.name)
        if node.behavior.name == "DROP_CASCADE":
            waiting += [m for holder, _ in draft.schema.incoming(table.name) for m in draft.schema.family(holder.name)]


def lock_table(draft: Draft, node: Any) -> None:
    """LOCK TABLE: of a view also the tables below it."""
    mode = LockMode(node.mode)
    for relation in node.relations:
        table = known_table(draft, relation)
        draft.lock_all(draft.schema.family(table.name) if relation.inh else (table,), mode)
        if table.kind == "view":
            _lock_below(draft, table, mode)


def _lock_below(draft: Draft, view: Table, mode: LockMode) -> None:
    for table in draft.schema.tables.values():
        if any(d.kind == "view" and d.name == str(view.name) for d in table.dependents):
            draft.lock_all(draft.schema.family(table.name), mode)
            if table.kind == "view":
                _lock_below(draft, table, mode)


def _reindexed(draft: Draft, node: Any) -> Iterable[Table]:
    match node.kind.name:
        case "REINDEX_OBJECT_TABLE":
            return draft.schema.family(known_table(draft, node.relation).name)
        case "REINDEX_OBJECT_INDEX":
            found = draft.schema.find_index(node.relation.schemaname, node.relation.relname)
            return (found[0],) if found else ()
        case "REINDEX_OBJECT_SCHEMA":
            return (t for n, t in draft.schema.tables.items() if n.schema == node.name and t.kind in _WITH_ROWS)
        case "REINDEX_OBJECT_DATABASE":
            return (t for t in draft.schema.tables.values() if t.kind in _WITH_ROWS)
        case _:
            return ()


def _vacuumed(draft: Draft, node: Any) -> Iterable[Table]:
    if not node.rels:
        return [t for t in draft.schema.tables.values() if t.kind in {*_WITH_ROWS, "partitioned"}]
    return [m for entry in node.rels for m in _analyzed_with(draft, entry.relation)]


def _analyzed_with(draft: Draft, relation: Any) -> Iterable[Table]:
    """From PostgreSQL 18 inheritance children go with their parent, as partitions always did."""
    table = known_table(draft, relation)
    spreads = table.kind == "partitioned" or draft.schema.server_version >= _FIRST_WITH_CHILDREN
    return draft.schema.family(table.name) if spreads and relation.inh else (table,)
