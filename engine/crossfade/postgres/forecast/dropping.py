"""What goes when something is dropped, and which other relations are locked for it: partners, views, partitions.

Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.postgres.forecast.foreign_keys import drop_incoming, drop_outgoing
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.postgres.catalog import Dependent, QualifiedName, Table
    from crossfade.postgres.forecast.draft import Draft

VIEWS = frozenset({"view", "materialized view"})
"""Kinds of relations that go as a whole where one of their columns would."""
_AX = LockMode.ACCESS_EXCLUSIVE


def drop_relation(draft: Draft, name: QualifiedName, *, cascade: bool) -> None:
    """DROP TABLE, VIEW or MATERIALIZED VIEW of one relation; partitions always go with it."""
    table = draft.schema.tables.get(name)
    if table is None:
        return
    if table.partition_parent is not None:
        lock_parent(draft, table)
    members = draft.schema.family(name) if cascade or table.kind == "partitioned" else (table,)
    draft.lock_all(members, _AX)
    for member in members:
        drop_outgoing(draft, member, [c for c in member.constraints if c.kind == "foreign"])
        if cascade:
            drop_incoming(draft, member)
            drop_views(draft, member.dependents)
    draft.schema = draft.schema.without(m.name for m in members)


def lock_parent(draft: Draft, partition: Table) -> None:
    """The parent, whose rows have one place less to go, and the partition that takes those of no other."""
    parent = draft.schema.tables.get(partition.partition_parent) if partition.partition_parent else None
    if parent is None:
        return
    draft.lock(parent.name, _AX)
    default = draft.schema.default_partition(parent)
    if default is not None:
        draft.lock(default.name, _AX)


def drop_views(draft: Draft, dependents: Iterable[Dependent]) -> None:
    """The views among these dependents go, and those on top of them (CASCADE)."""
    for dependent in dependents:
        view = draft.schema.named(dependent.name) if dependent.kind in VIEWS else None
        if view is not None:
            drop_relation(draft, view.name, cascade=True)


def drop_columns(draft: Draft, members: Iterable[Table], name: str, *, cascade: bool) -> None:
    """DROP COLUMN of these tables: with it go its indexes, constraints and, with CASCADE, what depends on it."""
    for table in members:
        column = table.column(name)
        if column is None:
            continue
        drop_outgoing(draft, table, [c for c in table.constraints if c.kind == "foreign" and name in c.columns])
        if cascade:
            drop_incoming(draft, table, (name,))
            drop_views(draft, table.dependents_on(name))
        here = draft.schema.tables[table.name]
        gone = {c.name for c in here.constraints_using(name)}
        draft.schema = draft.schema.put(
            replace(
                here,
                columns=tuple(c for c in here.columns if c.name != name),
                constraints=tuple(c for c in here.constraints if c.name not in gone),
                indexes=tuple(i for i in here.indexes if name not in i.references),
                dependents=tuple(d for d in here.dependents if name not in d.columns),
            )
        )
