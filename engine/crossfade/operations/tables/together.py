"""Changes of one table or type that cannot be in one plan: one of them takes the name from the others. Pure.

A change compiles against the names that the earlier ones leave at contract, and its own steps may run much later: what
drops the old shape comes after all that hides it, and rows in two shapes are compared until then. So whatever works on
the table beyond backfill comes after its rename, and rows in two shapes are migrated in another plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.step import Part
from crossfade.plan.changes.add_enum_value import AddEnumValue
from crossfade.plan.changes.attach_partition import AttachPartition
from crossfade.plan.changes.detach_partition import DetachPartition
from crossfade.plan.changes.drop_table import DropTable
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.step import Compiled
    from crossfade.plan.changes.fields import ChangeModel
    from crossfade.plan.names import TableName
    from crossfade.plan.types import SqlType
    from crossfade.postgres.catalog import Catalog


_FOR_BOTH = frozenset({"add_check", "drop_constraint"})
"""Changes whose steps at contract mean the same to a partition that came since."""


def refusals(
    changes: Sequence[ChangeModel], compiled: Sequence[Compiled], catalogs: Sequence[Catalog]
) -> Iterator[Refusal]:
    """Every pair that does not go together; `catalogs` are those that the changes were compiled against."""
    yield from _of_types(changes, compiled, catalogs)
    yield from _of_partitions(changes, compiled, catalogs)
    yield from _of_attached(changes, compiled, catalogs)
    for n, change in enumerate(changes):
        if not (change.takes_name_away and compiled[n].steps):
            continue
        mine, named = _tables(change, catalogs[n]), _named(change, catalogs[n])
        for m, other in enumerate(changes):
            reason = _reason(change, compiled[m], is_earlier=m < n) if m != n else None
            # What takes the table's place is another one, under its name.
            is_in_its_place = change.stands_alone and m > n and named & _named(other, catalogs[m])
            theirs = _tables(other, catalogs[m]) | _in_two_shapes(compiled[m], catalogs[m])
            if reason is not None and (mine & theirs or is_in_its_place):
                yield Refusal(
                    code="not_together",
                    object=f"change {m + 1} ({other.kind})",
                    message=f"it works on the table of change {n + 1} ({change.kind}), {reason}.",
                    instead="Put one of the two into a plan of its own."
                    if m > n or compiled[m].rows or change.stands_alone
                    else f"Write it behind change {n + 1}, and by the new name; or put it into a plan of its own.",
                )


def _of_types(
    changes: Sequence[ChangeModel], compiled: Sequence[Compiled], catalogs: Sequence[Catalog]
) -> Iterator[Refusal]:
    """What another change makes of a type until contract would be of the one that is to go."""
    for n, change in enumerate(changes):
        mine = _names(change.changed_types if change.makes_types_anew else (), catalogs[n])
        for m, other in enumerate(changes):
            is_before = m < n and isinstance(other, AddEnumValue)
            names_it = not is_before and bool(mine & _names(other.types, catalogs[m]))
            if m != n and (names_it or (m > n and _asks_values(compiled[m], mine, catalogs[m]))):
                yield Refusal(
                    code="not_together",
                    object=f"change {m + 1} ({other.kind})",
                    message=f"it {'names' if names_it else 'asks something of values of'} the type of change {n + 1} "
                    f"({change.kind}), which another one takes the place of at contract.",
                    instead="Put one of the two into a plan of its own.",
                )


def _asks_values(compiled: Compiled, types: frozenset[str], catalog: Catalog) -> bool:
    """It watches writes of a column that has one of these types by contract only, and another until then."""
    columns = (c for t in catalog.tables for c in t.columns if c.type.removesuffix("[]") in types)
    twins = {c.staged for c in columns if c.staged != c.name}
    statements = (statement for step in compiled.steps for statement in step.statements)
    return bool(compiled.watches) and any(twin in statement.text for statement in statements for twin in twins)


def _of_partitions(
    changes: Sequence[ChangeModel], compiled: Sequence[Compiled], catalogs: Sequence[Catalog]
) -> Iterator[Refusal]:
    """A partition is one until contract, and what is done to its parent until then reaches it too."""
    for n, change in enumerate(changes):
        if not (isinstance(change, DetachPartition) and compiled[n].steps):
            continue
        parent, partition = (_oids((name,), catalogs[n]) for name in change.tables)
        for m, other in enumerate(changes):
            named = _oids(other.tables, catalogs[m])
            is_late = _is_late(compiled[m]) and not isinstance(other, DetachPartition) and not other.takes_name_away
            if m == n or not named & (parent | partition):
                continue
            is_named_after = m > n and named & partition and not isinstance(other, DropTable)
            if m > n and _gets_default(other, catalogs[m]) & parent:
                yield Refusal(
                    code="default_partition",
                    object=f"change {m + 1} (attach_partition)",
                    message=f"it comes in expand, and beside a default partition PostgreSQL detaches nothing "
                    f"concurrently: change {n + 1} (detach_partition) could not at contract.",
                    instead="Attach it in a plan of its own, after this one.",
                )
            elif is_named_after or compiled[m].rows or (m < n and is_late):
                yield Refusal(
                    code="not_together",
                    object=f"change {m + 1} ({other.kind})",
                    message=f"it works on a table of change {n + 1} (detach_partition), which takes the two apart at "
                    "contract only.",
                    instead="Put one of the two into a plan of its own."
                    if is_named_after or compiled[m].rows
                    else f"Write it behind change {n + 1}; or put it into a plan of its own.",
                )


def _of_attached(
    changes: Sequence[ChangeModel], compiled: Sequence[Compiled], catalogs: Sequence[Catalog]
) -> Iterator[Refusal]:
    """A partition is one in expand, when what an earlier change does to either table later is still to come."""
    for n, change in enumerate(changes):
        if not isinstance(change, AttachPartition):
            continue
        mine = _oids(change.tables, catalogs[n])
        for m, other in enumerate(changes[:n]):
            is_later = bool(compiled[m].fills) or (_is_late(compiled[m]) and other.kind not in _FOR_BOTH)
            stays_alike = other.takes_name_away or isinstance(other, DetachPartition)
            if is_later and not stays_alike and _oids(other.tables, catalogs[m]) & mine:
                yield Refusal(
                    code="not_together",
                    object=f"change {n + 1} (attach_partition)",
                    message=f"it makes a partition in expand, and change {m + 1} ({other.kind}) is done with one of "
                    "its tables only later.",
                    instead=f"Write it before change {m + 1}, if it does not need that; else put it into a plan of its "
                    "own, after this one.",
                )


def _gets_default(change: ChangeModel, catalog: Catalog) -> frozenset[int]:
    """The table that it gives a default partition."""
    is_default = isinstance(change, AttachPartition) and change.bounds == "DEFAULT"
    return _tables(change, catalog) if is_default else frozenset()


def _is_late(compiled: Compiled) -> bool:
    return any(step.part in (Part.HIDE, Part.DROP) for step in compiled.steps)


def _names(types: Iterable[SqlType], catalog: Catalog) -> frozenset[str]:
    """The types; of an array that of its elements."""
    found = (catalog.type(t.sql) for t in types)
    return frozenset(t.spelling.removesuffix("[]") for t in found if t is not None)


def _tables(change: ChangeModel, catalog: Catalog) -> frozenset[int]:
    return _oids(change.tables[:1], catalog)


def _in_two_shapes(compiled: Compiled, catalog: Catalog) -> frozenset[int]:
    """Tables whose rows it migrates, whether it names them or not."""
    names = {QualifiedName(rows.schema, rows.table) for rows in compiled.rows}
    return frozenset(table.oid for table in catalog.tables if table.staged in names and table.oid)


def _named(change: ChangeModel, catalog: Catalog) -> frozenset[QualifiedName]:
    found = (catalog.resolve(name.schema, name.name) for name in change.tables[:1])
    return frozenset(table.name for table in found if table is not None)


def _oids(names: Iterable[TableName], catalog: Catalog) -> frozenset[int]:
    found = (catalog.resolve(name.schema, name.name) for name in names)
    return frozenset(table.oid for table in found if table is not None and table.oid)


def _reason(change: ChangeModel, other: Compiled, *, is_earlier: bool) -> str | None:
    if change.stands_alone:
        return "which puts something else in its place"
    if other.rows:
        return "whose rows have two shapes until long after it has another name"
    is_late = _is_late(other) and is_earlier
    return "which has another name by the time that its last steps run" if is_late else None
