"""Refusals whose cause is an earlier change of the same plan, in words that name it. Pure.

A change compiles against a catalog that says no more than that a run works on a column, or that a name is taken; which
change of the plan that comes from is seen by what each of them leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.operations.columns.planned import Planned
from crossfade.plan.changes.change_type import ChangeType
from crossfade.plan.changes.rename_column import RenameColumn
from crossfade.postgres.names import QualifiedName, quoted

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Compiled
    from crossfade.plan.changes.fields import ChangeModel
    from crossfade.postgres.catalog import Catalog, Table
    from crossfade.postgres.catalog_objects import Work


def refusals(
    changes: Sequence[ChangeModel], compiled: Sequence[Compiled], catalogs: Sequence[Catalog]
) -> Iterator[Refusal]:
    """Every change's own refusals; `catalogs` are those that the changes were compiled against."""
    planned = [
        Planned(number=n, change=change, before=before, compiled=one)
        for n, (change, before, one) in enumerate(zip(changes, catalogs, compiled, strict=True), start=1)
    ]
    for one in planned:
        for refusal in one.compiled.refusals:
            said = (_told(refusal, one, earlier) for earlier in reversed(planned[: one.number - 1]))
            yield next((other for other in said if other is not None), refusal)


def _told(refusal: Refusal, one: Planned, earlier: Planned) -> Refusal | None:
    """The same in words that name the earlier change, where that is its cause."""
    before, after = earlier.before, earlier.compiled.catalog
    work = dict(_begun(before, after)).get(refusal.object) if refusal.code == "in_another_run" else None
    if work is not None:
        message = f"{earlier.shown} of this plan works on it already."
        return replace(refusal, message=message, instead=_instead(one, earlier, work))
    if refusal.code == "name_taken" and refusal.object in set(_given_away(before, after)):
        return replace(
            refusal,
            code="name_in_use_until_contract",
            message=f"{earlier.shown} of this plan gives that name away only at contract, or once `retain` is over.",
            instead=f"Take another name, or put {one.shown} into a plan of its own, after this one.",
        )
    if refusal.code == "no_such_index" and refusal.object in set(_gone(before, after)):
        return replace(
            refusal,
            message=f"{earlier.shown} of this plan takes it along with its columns, drops it or gives it another name.",
            instead=f"Take {one.shown} out of the plan, or name what that one leaves.",
        )
    return None


def _instead(one: Planned, earlier: Planned, work: Work) -> str:
    if isinstance(one.change, RenameColumn | ChangeType) and work == "constrained":
        return (
            f"Write it before {earlier.shown}, which then names the column as this one leaves it; or put {one.shown} "
            "into a plan of its own, after this one."
        )
    if {type(one.change), type(earlier.change)} == {RenameColumn, ChangeType}:
        return "Write one change_type with `into`, which gives it another name and another type at once."
    return f"Put {one.shown} into a plan of its own, after this one."


def _changed(before: Catalog, after: Catalog) -> Iterator[tuple[Table | None, Table]]:
    was = {t.oid: t for t in before.tables if t.oid}
    for table in after.tables:
        if was.get(table.oid) is not table:
            yield was.get(table.oid), table


def _begun(before: Catalog, after: Catalog) -> Iterator[tuple[str, Work]]:
    """The columns that the change begins to work on, as refusals name them."""
    for was, table in _changed(before, after):
        working = {c.name for c in was.columns if c.work is not None} if was is not None else set()
        for column in table.columns:
            if column.work is not None and column.name not in working:
                yield from ((f"{table.name}.{name}", column.work) for name in (quoted(column.name), column.name))


def _gone(before: Catalog, after: Catalog) -> Iterator[str]:
    """The names of indexes that are no index's any more after the change, with their schema and without."""
    left = {i.name for table in after.tables for i in table.indexes}
    for table in before.tables:
        for index in table.indexes:
            if index.name not in left:
                yield from (str(index.name), index.name.name, quoted(index.name.name))


def _given_away(before: Catalog, after: Catalog) -> Iterator[str]:
    """The names of indexes that are none of the table's any more after the change."""
    for was, table in _changed(before, after):
        if was is not None:
            gone = {i.name.name for i in was.indexes} - {i.name.name for i in table.indexes}
            yield from (str(QualifiedName(was.name.schema, name)) for name in gone)
