"""`goose_db_version`: the number of a file, and whether it is applied. The last row of a number counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.histories.history import number_of
from crossfade.migrations.histories.keyed import Keyed
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.histories.history import Entry


def _gap(entries: Sequence[Entry], applied: Sequence[int]) -> str | None:
    """Of numbers below the highest."""
    last = max(applied, default=-1)
    missing = [entry.name for entry in entries if number_of(entry.name) < last and number_of(entry.name) not in applied]
    if not missing:
        return None
    return f"{missing[0]} is not applied and comes before {last}, which is (-allow-missing lets it go on)"


_LOCK = 4097083626
"""Of goose's session locker, for those who use it."""

HISTORY = Keyed(
    tool=Tool.GOOSE,
    table=TableName(None, "goose_db_version"),
    column="version_id",
    key=lambda entry: number_of(entry.name),
    clock="tstamp",
    holds="is_applied",
    order=("id",),
    locks=(_LOCK,),
    counter="id",
    origin=0,
    passed_over="stops goose, unless it is called with -allow-missing",
    gap=_gap,
).history()
