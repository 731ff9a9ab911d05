"""What stands in the way of making a table's columns those of another, and what to know before. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.columns.column_in_place import moving_sources
from crossfade.operations.step import Caution
from crossfade.operations.tables import drop_table_preflight, other_home_preflight
from crossfade.operations.tables import moved_columns_preflight as moves
from crossfade.operations.tables.moved_columns_preflight import Moving
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.tables.other_home import OtherHome


def check(home: OtherHome) -> tuple[tuple[Refusal, ...], tuple[Caution, ...]]:
    """Every reason against it, and every caution about it."""
    missing = tuple(other_home_preflight.missing(home))
    if missing:
        return missing, ()
    old = home.old
    refusals = (
        *other_home_preflight.refusals(home),
        *drop_table_preflight.refusals(old, (old,)),
        *moving_sources(old, tuple(c.name for c in old.columns)),
        *_left_out(home),
        *_direction(home),
    )
    cautions = (
        moves.twice(old, home.new.name),
        *moves.left(Moving(key=home.key, columns=home.columns), old, ()),
        *other_home_preflight.left(home),
        *drop_table_preflight.cautions(old, (old,)),
        *_triggers(home),
    )
    return tuple(dict.fromkeys(refusals)), tuple(dict.fromkeys(cautions))


def _left_out(home: OtherHome) -> Iterator[Refusal]:
    named = {*home.key, *home.columns}
    for column in home.old.columns:
        if column.name not in named:
            yield Refusal(
                code="column_left_out",
                object=f"{home.old.name}.{quoted(column.name)}",
                message="it is not among `columns`, and would be lost with the table.",
                instead="Name it, or drop it in a plan before this one (drop_column).",
            )


def _direction(home: OtherHome) -> Iterator[Refusal]:
    reference = home.reference
    if reference is not None and home.main == "old":
        yield Refusal(
            code="no_reference",
            object=f"constraint {reference.name}",
            message=f"it leads to {home.old.name}, of which new versions do not know: each of their rows would need "
            "one there.",
            instead=f"Drop it, and add one that leads from {home.old.name} to {home.new.name} (add_foreign_key).",
        )


def _triggers(home: OtherHome) -> Iterator[Caution]:
    gone = [f"trigger {trigger.name}" for trigger in home.old.triggers]
    if gone:
        yield Caution(
            code="goes_along",
            object=str(home.old.name),
            message=f"with the table go: {', '.join(gone)}; until then they fire for our writes as well.",
        )
