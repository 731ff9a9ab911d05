"""Refusals whose cause is an earlier change of the same plan, in words that name it. Pure.

A change compiles against a catalog that says no more than that a run works on a column, or that a name is taken; which
change of the plan that comes from is seen by what each of them leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.operations.own_names import mark
from crossfade.postgres.names import QualifiedName, quoted

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Compiled
    from crossfade.plan.changes.fields import ChangeModel
    from crossfade.postgres.catalog import Catalog, Table


def refusals(
    plan: str, changes: Sequence[ChangeModel], compiled: Sequence[Compiled], catalogs: Sequence[Catalog]
) -> Iterator[Refusal]:
    """Every change's own refusals; `catalogs` are those that the changes were compiled against."""
    for n, (change, one) in enumerate(zip(changes, compiled, strict=True)):
        for refusal in one.refusals:
            said = refusal
            for m, earlier in enumerate(changes[:n]):
                before, after = catalogs[m], compiled[m].catalog
                shown = f"change {m + 1} ({earlier.kind})"
                if refusal.code == "in_another_run" and refusal.object in set(_begun(before, after, mark(plan))):
                    said = replace(
                        refusal,
                        message=f"{shown} of this plan works on it already.",
                        instead=f"Put change {n + 1} ({change.kind}) into a plan of its own, after this one.",
                    )
                elif refusal.code == "name_taken" and refusal.object in set(_given_away(before, after)):
                    said = replace(
                        refusal,
                        code="name_in_use_until_contract",
                        message=f"{shown} of this plan gives that name away only at contract, or once `retain` is "
                        "over.",
                        instead=f"Take another name, or put change {n + 1} ({change.kind}) into a plan of its own, "
                        "after this one.",
                    )
            yield said


def _changed(before: Catalog, after: Catalog) -> Iterator[tuple[Table | None, Table]]:
    was = {t.oid: t for t in before.tables if t.oid}
    for table in after.tables:
        if was.get(table.oid) is not table:
            yield was.get(table.oid), table


def _begun(before: Catalog, after: Catalog, comment: str) -> Iterator[str]:
    """The columns that the change begins to work on, as refusals name them."""
    for was, table in _changed(before, after):
        marked = {c.name for c in was.columns if c.comment == comment} if was is not None else set()
        for column in table.columns:
            if column.comment == comment and column.name not in marked:
                yield from (f"{table.name}.{quoted(column.name)}", f"{table.name}.{column.name}")


def _given_away(before: Catalog, after: Catalog) -> Iterator[str]:
    """The names of indexes that are none of the table's any more after the change."""
    for was, table in _changed(before, after):
        if was is not None:
            gone = {i.name.name for i in was.indexes} - {i.name.name for i in table.indexes}
            yield from (str(QualifiedName(was.name.schema, name)) for name in gone)
