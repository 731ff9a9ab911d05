"""node-pg-migrate's `pgmigrations`: the file's name without its ending, and when it was run, by which it sorts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.histories.keyed import Keyed
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.histories.history import Entry


def _gap(entries: Sequence[Entry], applied: Sequence[str]) -> str | None:
    """They are compared one by one, each with that in its place."""
    pairs = ((entry.name, run) for entry, run in zip(entries, applied, strict=False) if entry.name != run)
    found = (f"its folder has {name} where its table has {run} (--no-check-order lets it go on)" for name, run in pairs)
    return next(found, None)


_LOCK = 7241865325823964

HISTORY = Keyed(
    tool=Tool.NODE_PG_MIGRATE,
    table=TableName(None, "pgmigrations"),
    column="name",
    key=lambda entry: entry.name,
    clock="run_on",
    order=("run_on", "id"),
    locks=(_LOCK,),
    counter="id",
    passed_over="stops node-pg-migrate, unless it is called with --no-check-order",
    gap=_gap,
).history()
