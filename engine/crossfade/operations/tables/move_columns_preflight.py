"""What stands in the way of moving columns to a table that is there already, and what to know before. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.columns import drop_column_preflight
from crossfade.operations.columns.column_in_place import InPlace, moving_sources
from crossfade.operations.tables import moved_columns_preflight as moves
from crossfade.operations.tables import other_home_preflight
from crossfade.operations.tables.moved_columns_preflight import Moving
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.step import Caution
    from crossfade.operations.tables.other_home import OtherHome
    from crossfade.postgres.catalog import Catalog


def check(home: OtherHome, catalog: Catalog) -> tuple[tuple[Refusal, ...], tuple[Caution, ...]]:
    """Every reason against it, and every caution about it."""
    old, new = home.old, home.new
    missing = tuple(other_home_preflight.missing(home))
    if missing:
        return missing, ()
    columns = [
        InPlace(place=home.place, table=old, column=c, catalog=catalog) for c in old.columns if c.name in home.columns
    ]
    found = [drop_column_preflight.check(target, None) for target in columns]
    moving = Moving(key=home.key, columns=home.columns)
    refusals = [r for refused, _ in found for r in refused if r.code != "no_value"]
    refusals += [
        *other_home_preflight.refusals(home),
        *moving_sources(old, (*home.columns, *home.key)),
        *_row_made(home),
        *_referred_to(home),
        *_reference(home),
    ]
    cautions = (
        moves.twice(old, new.name),
        *(c for _, said in found for c in moves.left(moving, old, said)),
        *other_home_preflight.left(home),
    )
    return tuple(dict.fromkeys(refusals)), tuple(dict.fromkeys(cautions))


def _row_made(home: OtherHome) -> Iterator[Refusal]:
    """What else a row of ours would need."""
    side = other_home_preflight.side_of(home)
    ours = {*home.key.values()} if side is home.new else {*home.key, *home.columns}
    for column in side.columns:
        given = column.default is not None or column.identity is not None or column.generated is not None
        if column.name not in ours and column.not_null and not given:
            yield Refusal(
                code="no_value",
                object=f"{side.name}.{quoted(column.name)}",
                message="it is NOT NULL and has no default, so no row can be made there for a value of the columns.",
                instead="Give it a default first (set_default), or let it be NULL (drop_not_null).",
            )


def _referred_to(home: OtherHome) -> Iterator[Refusal]:
    side = other_home_preflight.side_of(home)
    for key in side.incoming_foreign_keys:
        if key.table != side.name:
            yield Refusal(
                code="unsupported_constraint",
                object=f"foreign key {key.name} of {key.table}",
                message=f"it refers to {side.name}, where a row that we made steps aside for one that an app inserts.",
                instead="Drop it in a plan before this one, and add it again afterwards.",
            )


def _reference(home: OtherHome) -> Iterator[Refusal]:
    reference = home.reference
    if reference is not None and "ON DELETE CASCADE" not in reference.definition:
        yield Refusal(
            code="unsupported_constraint",
            object=f"constraint {reference.name}",
            message="it is not ON DELETE CASCADE: a row that we made there would stop the DELETE of the one here.",
            instead="Make it so in a plan before this one.",
        )
