"""What a plan says where triggers may have changed what it reads. Pure.

    noted(plans)     the plans, with a note at each change that computes values of rows which an earlier plan writes

RENAME and ALTER TYPE fire no triggers; the plans that do the same write rows, and fire those that are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from crossfade.migrations.imported.parts import Placed
    from crossfade.migrations.typed import Entry
    from crossfade.postgres.catalog import Table

_WRITING = frozenset({"change_type", "rename_column"})
_COMPUTING = frozenset({"fill", "set"})


def noted(plans: Iterable[tuple[Placed, ...]]) -> Iterator[tuple[Placed, ...]]:
    """In order."""
    written = set[TableName]()
    for plan in plans:
        yield tuple(_noted(placed) if _table(placed.entry) in written else placed for placed in plan)
        written |= {table for placed in plan if (table := _table(placed.entry)) and placed.entry.keys() & _WRITING}


def _table(entry: Entry) -> TableName | None:
    ((_, fields),) = entry.items()
    name = fields.get("table")
    return TableName.parse(name) if isinstance(name, str) else None


def _noted(placed: Placed) -> Placed:
    ((kind, fields),) = placed.entry.items()
    name = _table(placed.entry)
    table = placed.of.before.find(name.schema, name.name) if name is not None else None
    triggers = _triggers(table)
    if not triggers or not fields.keys() & _COMPUTING or "note" in fields:
        return placed
    note = (
        f"An earlier plan writes these rows, which fires {', '.join(triggers)}; the migration does not before this. "
        "See whether that changes what is read here."
    )
    return replace(placed, entry={kind: {**fields, "note": note}})


def _triggers(table: Table | None) -> tuple[str, ...]:
    """Those that may change a row that is written."""
    of_table = table.triggers if table is not None else ()
    return tuple(t.name for t in of_table if t.row and t.timing == "before" and "update" in t.events)
