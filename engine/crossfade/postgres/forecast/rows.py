"""Statements on rows: their tables in ROW EXCLUSIVE mode, the other ends of foreign keys in ROW SHARE or more.

A trigger or a function of the user's may do more; what a SELECT calls is looked at, what a trigger does is not. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.creating import add_relation
from crossfade.postgres.forecast.draft import Unforeseeable
from crossfade.postgres.forecast.foreign_keys import lock_referenced
from crossfade.postgres.forecast.trees import below, functions_of, kind
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from collections.abc import Collection

    from crossfade.postgres.catalog import Table
    from crossfade.postgres.forecast.draft import Draft

_ROW_EXCLUSIVE = LockMode.ROW_EXCLUSIVE
_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


def select(draft: Draft, node: Any) -> None:
    """SELECT, also with FOR UPDATE, INTO, or writing statements in WITH."""
    _refuse_calls(draft, node)
    _lock_rows_in(draft, node)
    if node.intoClause is not None:
        add_relation(draft, node.intoClause.rel, "table")


def insert(draft: Draft, node: Any) -> None:
    """INSERT: looks up what its foreign keys point at."""
    table = _target(draft, node.relation)
    if table is not None:
        draft.lock_all(draft.schema.family(table.name) if table.kind == "partitioned" else (table,), _ROW_EXCLUSIVE)
        _lock_looked_up(draft, table, None)
        _fill(draft, table)
    _lock_rows_in(draft, node)


def update(draft: Draft, node: Any) -> None:
    """UPDATE: the whole family is locked; foreign keys are looked up where their columns are set."""
    table = _target(draft, node.relation)
    if table is not None:
        members = draft.schema.family(table.name) if node.relation.inh else (table,)
        draft.lock_all(members, _ROW_EXCLUSIVE)
        columns = {target.name for target in node.targetList or ()}
        for member in members:
            _lock_looked_up(draft, member, columns)
            _lock_looking_here(draft, member, columns)
    _lock_rows_in(draft, node)


def delete(draft: Draft, node: Any) -> None:
    """DELETE: tables that reference it are looked through."""
    table = _target(draft, node.relation)
    if table is not None:
        members = draft.schema.family(table.name) if node.relation.inh else (table,)
        draft.lock_all(members, _ROW_EXCLUSIVE)
        for member in members:
            _lock_looking_here(draft, member, None)
    _lock_rows_in(draft, node)


def merge(draft: Draft, node: Any) -> None:
    """MERGE: whatever its branches may do."""
    table = _target(draft, node.relation)
    if table is not None:
        for member in draft.schema.family(table.name):
            draft.lock(member.name, _ROW_EXCLUSIVE)
            _lock_looked_up(draft, member, None)
            _lock_looking_here(draft, member, None)
            _fill(draft, member)
    _lock_rows_in(draft, node)


def copy(draft: Draft, node: Any) -> None:
    """COPY FROM writes; COPY TO reads."""
    if node.is_from and node.relation is not None:
        insert(draft, node)


def _target(draft: Draft, relation: Any) -> Table | None:
    table = draft.schema.find(relation.schemaname, relation.relname)
    if table is None and draft.schema.qualify(relation.schemaname, relation.relname).schema != "pg_catalog":
        raise Unforeseeable(f"there is no table {relation.relname} in the catalog")
    return table


def _fill(draft: Draft, table: Table) -> None:
    """A table that was created empty has rows from here on."""
    if draft.schema.is_empty(table):
        draft.schema = draft.schema.put(replace(table, rows_estimate=-1))


def _lock_looked_up(draft: Draft, table: Table, columns: Collection[str] | None) -> None:
    for key in table.constraints:
        if key.kind == "foreign" and key.enforced and (columns is None or set(columns) & set(key.columns)):
            lock_referenced(draft, key, LockMode.ROW_SHARE)


def _lock_looking_here(draft: Draft, table: Table, columns: Collection[str] | None) -> None:
    for holder, key in draft.schema.incoming(table.name):
        if key.enforced and (columns is None or set(columns) & set(key.referenced_columns)):
            acts = " ON DELETE " in key.definition or " ON UPDATE " in key.definition
            mode = _ROW_EXCLUSIVE if acts else LockMode.ROW_SHARE
            draft.lock_all(draft.schema.family(holder.name), mode)


def _lock_rows_in(draft: Draft, node: Any) -> None:
    """What stands inside: SELECT … FOR UPDATE, and writing statements in WITH."""
    handlers = {"InsertStmt": insert, "UpdateStmt": update, "DeleteStmt": delete, "MergeStmt": merge}
    for inner in below(node):
        if inner is not node and kind(inner) in _WRITES:
            handlers[kind(inner)](draft, inner)
        elif kind(inner) == "SelectStmt" and inner.lockingClause:
            for source in below(inner.fromClause):
                if kind(source) == "RangeVar":
                    table = draft.schema.find(source.schemaname, source.relname)
                    draft.lock_all(draft.schema.family(table.name) if table else (), LockMode.ROW_SHARE)


def _refuse_calls(draft: Draft, node: Any) -> None:
    known = {(name.schema, name.name) for name in draft.schema.volatile_functions}
    for called in functions_of(node):
        schemas = draft.schema.search_path if len(called) == 1 else called[-2:-1]
        if any((schema, called[-1]) in known for schema in schemas):
            raise Unforeseeable(f"it calls {'.'.join(called)}, which may do anything")
