"""ALTER TABLE on partitions and inheritance: who is locked besides, and whose rows are looked through. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.bounds import Bound, lies_outside, lies_within, read_bound
from crossfade.postgres.forecast.foreign_keys import check_rows, lock_referenced
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.postgres.catalog import Constraint, Index, Table
    from crossfade.postgres.forecast.draft import Draft
    from crossfade.postgres.forecast.target import Target

_SRX = LockMode.SHARE_ROW_EXCLUSIVE
_AX = LockMode.ACCESS_EXCLUSIVE


def attach_partition(draft: Draft, target: Target, command: Any) -> None:
    """ATTACH PARTITION: its rows are read unless a CHECK keeps them within the bound, the default partition's too."""
    parent = target.table(draft)
    partition = draft.schema.find(command.def_.name.schemaname, command.def_.name.relname)
    if partition is None:
        return
    bound = read_bound(command.def_.bound)
    members = draft.schema.family(partition.name)
    draft.lock_all(members, _AX)
    for member in members:
        if not _proved(lies_within, parent, member, bound) or _lacks_index(parent, member):
            draft.scan(member.name)
        for key in parent.constraints:
            if key.kind == "foreign":
                _take_over_key(draft, member, key)
    take_from_default(draft, parent, bound)
    share_keys(draft, parent)
    join_parent(draft, parent, partition, bound)


def take_from_default(draft: Draft, parent: Table, bound: Bound) -> None:
    """The default partition is locked, and read unless a CHECK says that it has no row for the new partition."""
    default = draft.schema.default_partition(parent)
    if default is None:
        return
    for member in draft.schema.family(default.name):
        draft.lock(member.name, _AX)
        if not _proved(lies_outside, parent, member, bound):
            draft.scan(member.name)


def share_keys(draft: Draft, parent: Table) -> None:
    """Foreign keys of the parent, and those that point at it, become the new partition's too."""
    for key in parent.constraints:
        if key.kind == "foreign":
            lock_referenced(draft, key, _SRX)
    for holder, _ in draft.schema.incoming(parent.name):
        draft.lock_all(draft.schema.family(holder.name), _SRX)


def join_parent(draft: Draft, parent: Table, partition: Table, bound: Bound) -> None:
    """The model with the partition in its place."""
    text = "DEFAULT" if bound.is_default else "FOR VALUES"
    here = draft.schema.tables[partition.name]
    draft.schema = draft.schema.put(replace(here, partition_parent=parent.name, partition_bound=text))
    draft.schema = draft.schema.put(replace(parent, partitions=(*parent.partitions, partition.name)))


def detach_partition(draft: Draft, target: Target, command: Any) -> None:
    """DETACH PARTITION; CONCURRENTLY and FINALIZE take the parent in a weaker mode."""
    parent = target.table(draft)
    partition = draft.schema.find(command.def_.name.schemaname, command.def_.name.relname)
    if partition is None:
        return
    draft.lock(partition.name, _AX)
    for holder, _ in draft.schema.incoming(partition.name):
        draft.lock_all((*draft.schema.family(holder.name), *draft.schema.family(partition.name)), _AX)
    for key in partition.constraints:
        if key.kind == "foreign":
            lock_referenced(draft, key, _SRX)
    default = draft.schema.default_partition(parent)
    if default is not None and default.name != partition.name:
        draft.lock(default.name, _AX)
    if command.def_.concurrent:
        draft.transactional = False
    kept = tuple(n for n in parent.partitions if n != partition.name)
    draft.schema = draft.schema.put(replace(parent, partitions=kept))
    draft.schema = draft.schema.put(
        replace(
            partition,
            partition_parent=None,
            partition_bound=None,
            constraints=tuple(replace(c, inherited=False) for c in partition.constraints),
            indexes=tuple(replace(i, parent=None) for i in partition.indexes),
        )
    )


def inherit(draft: Draft, target: Target, command: Any) -> None:
    """INHERIT: the parent is kept from changing its columns meanwhile."""
    parent = draft.schema.find(command.def_.schemaname, command.def_.relname)
    if parent is None:
        return
    draft.lock(parent.name, LockMode.SHARE_UPDATE_EXCLUSIVE)
    child = target.table(draft)
    draft.schema = draft.schema.put(replace(child, inherits=(*child.inherits, parent.name)))
    draft.schema = draft.schema.put(replace(parent, children=(*parent.children, child.name)))


def disinherit(draft: Draft, target: Target, command: Any) -> None:
    """NO INHERIT: the parent only stops counting the child in."""
    parent = draft.schema.find(command.def_.schemaname, command.def_.relname)
    if parent is None:
        return
    child = target.table(draft)
    draft.schema = draft.schema.put(replace(child, inherits=tuple(n for n in child.inherits if n != parent.name)))
    draft.schema = draft.schema.put(replace(parent, children=tuple(n for n in parent.children if n != child.name)))


def _proved(proof: Callable[[Table, str, Bound], bool], parent: Table, member: Table, bound: Bound) -> bool:
    """Only where the key is one column as it stands, which `partition_key` tells from an expression over it."""
    if len(parent.partition_key_columns) != 1:
        return False
    (key,) = parent.partition_key_columns
    plain = parent.partition_key in {f"RANGE ({quoted(key)})", f"LIST ({quoted(key)})"}
    return plain and proof(member, key, bound)


def _lacks_index(parent: Table, partition: Table) -> bool:
    """An index of the parent has no counterpart on the partition yet, so one is built."""
    return not all(any(_is_counterpart(index, own) for own in partition.indexes) for index in parent.indexes)


def _is_counterpart(index: Index, own: Index) -> bool:
    if index.partial or index.has_expressions or own.parent is not None or not own.valid:
        return False
    alike = (index.columns, index.key_count, index.method) == (own.columns, own.key_count, own.method)
    plain = not own.partial and not own.has_expressions
    return alike and plain and own.unique >= index.unique and (index.constraint is None or own.constraint is not None)


def _take_over_key(draft: Draft, partition: Table, key: Constraint) -> None:
    """A foreign key of the parent: the partition's own one like it becomes its copy, else one is made and checked."""
    wanted = ("foreign", key.columns, key.referenced)
    own = next((c for c in partition.constraints if (c.kind, c.columns, c.referenced) == wanted and c.validated), None)
    if own is None:
        check_rows(draft, (partition,), key.referenced)
    else:
        lock_referenced(draft, own, _AX)
    copy = replace(own or key, inherited=True)
    here = draft.schema.tables[partition.name]
    kept = tuple(c for c in here.constraints if c is not own)
    draft.schema = draft.schema.put(replace(here, constraints=(*kept, copy)))
