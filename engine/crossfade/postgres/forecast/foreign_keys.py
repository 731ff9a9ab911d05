"""Foreign keys: the table at the other end of one is locked too, with all its partitions.

Measured on 15 and 18. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.postgres.catalog import Constraint, QualifiedName, Table
    from crossfade.postgres.forecast.draft import Draft


def lock_referenced(draft: Draft, key: Constraint, mode: LockMode) -> None:
    """Lock the table that the key points at, and its partitions."""
    if key.referenced is not None:
        draft.lock_all(draft.schema.family(key.referenced), mode)


def check_rows(draft: Draft, holders: Iterable[Table], referenced: QualifiedName | None) -> None:
    """Every row of the holders is looked up in the referenced table; where there is none, nothing is read there."""
    looking = tuple(holders)
    if all(draft.schema.is_empty(table) for table in looking):
        return
    for table in (*looking, *(draft.schema.family(referenced) if referenced else ())):
        draft.scan(table.name)


def take_up(draft: Draft, members: Iterable[Table], added: Constraint) -> dict[QualifiedName, Constraint]:
    """What partitions have of a foreign key that their parent gets becomes a part of it: their own triggers go."""
    found = {m.name: c for m in members for c in m.constraints if _is_like(c, added)}
    for name in found:
        draft.lock(name, LockMode.ACCESS_EXCLUSIVE)
        lock_referenced(draft, added, LockMode.ACCESS_EXCLUSIVE)
    return found


def _is_like(one: Constraint, other: Constraint) -> bool:
    """On the same columns, and no part of another one."""
    ends = ("columns", "referenced", "referenced_columns", "validated")
    return one.kind == "foreign" and not one.inherited and all(getattr(one, e) == getattr(other, e) for e in ends)


def drop_outgoing(draft: Draft, table: Table, keys: Iterable[Constraint]) -> None:
    """These foreign keys of the table go: their triggers are taken from the referenced tables.

    A partition's copy of its parent's key has none there.
    """
    gone = tuple(keys)
    for key in gone:
        if not key.inherited:
            lock_referenced(draft, key, LockMode.ACCESS_EXCLUSIVE)
    forget(draft, table, {key.name for key in gone})


def drop_incoming(draft: Draft, table: Table, columns: Iterable[str] | None = None) -> None:
    """Foreign keys that need these columns of the table, or the table at all, go with them (CASCADE).

    One that points at a parent of the table cannot do without the partition, and goes as a whole.
    """
    wanted = None if columns is None else set(columns)
    for holder, key in draft.schema.incoming(table.name):
        if wanted is None or wanted & set(key.referenced_columns):
            draft.lock_all(draft.schema.family(holder.name), LockMode.ACCESS_EXCLUSIVE)
            lock_referenced(draft, key, LockMode.ACCESS_EXCLUSIVE)
            forget(draft, holder, {key.name})


def rebuild_keys(draft: Draft, table: Table, column: str, *, checks: bool) -> None:
    """Foreign keys over a column that takes another type are dropped and made again, in both directions."""
    outgoing = [c for c in table.constraints if c.kind == "foreign" and column in c.columns]
    for key in outgoing:
        lock_referenced(draft, key, LockMode.ACCESS_EXCLUSIVE)
        if checks and key.validated and key.enforced:
            check_rows(draft, (table,), key.referenced)
    for holder, key in draft.schema.incoming(table.name):
        if column in key.referenced_columns:
            draft.lock_all(draft.schema.family(holder.name), LockMode.ACCESS_EXCLUSIVE)
            if checks and key.validated and key.enforced:
                check_rows(draft, draft.schema.family(holder.name), table.name)


def forget(draft: Draft, table: Table, names: Iterable[str]) -> None:
    """The model without these constraints, and the indexes that held them up."""
    gone = frozenset(names)
    here = draft.schema.tables[table.name]
    draft.schema = draft.schema.put(
        replace(
            here,
            constraints=tuple(c for c in here.constraints if c.name not in gone),
            indexes=tuple(i for i in here.indexes if i.constraint not in gone or i.constraint is None),
        )
    )
