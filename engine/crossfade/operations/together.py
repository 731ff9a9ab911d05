"""Changes of one table that cannot be in one plan: one of them takes the table's name from the others. Pure.

A change compiles against the names that the earlier ones leave at contract, and its own steps may run much later: what
drops the old shape comes after all that hides it, and rows in two shapes are compared until then. So whatever works on
the table beyond backfill comes after its rename, and rows in two shapes are migrated in another plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.step import Part

if TYPE_CHECKING:
    from crossfade.operations.step import Compiled
    from crossfade.plan.changes.fields import ChangeModel
    from crossfade.postgres.catalog import Catalog


def refusals(
    changes: Sequence[ChangeModel], compiled: Sequence[Compiled], catalogs: Sequence[Catalog]
) -> Iterator[Refusal]:
    """Every pair that does not go together; `catalogs` are those that the changes were compiled against."""
    for n, change in enumerate(changes):
        if not (change.takes_name_away and compiled[n].steps):
            continue
        mine = _tables(change, catalogs[n])
        for m, other in enumerate(changes):
            reason = _reason(change, compiled[m], is_earlier=m < n) if m != n else None
            if reason is not None and mine & _tables(other, catalogs[m]):
                yield Refusal(
                    code="not_together",
                    object=f"change {m + 1} ({other.kind})",
                    message=f"it works on the table of change {n + 1} ({change.kind}), {reason}.",
                    instead="Put one of the two into a plan of its own."
                    if m > n or compiled[m].rows or change.stands_alone
                    else f"Write it behind change {n + 1}, and by the new name; or put it into a plan of its own.",
                )


def _tables(change: ChangeModel, catalog: Catalog) -> frozenset[int]:
    found = (catalog.resolve(name.schema, name.name) for name in change.tables[:1])
    return frozenset(table.oid for table in found if table is not None and table.oid)


def _reason(change: ChangeModel, other: Compiled, *, is_earlier: bool) -> str | None:
    if change.stands_alone:
        return "which puts a view in its place meanwhile"
    if other.rows:
        return "whose rows have two shapes until long after it has another name"
    late = any(step.part in (Part.HIDE, Part.DROP) for step in other.steps)
    return "which has another name by the time that its last steps run" if late and is_earlier else None
