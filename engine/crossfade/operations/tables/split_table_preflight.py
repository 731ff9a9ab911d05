"""What stands in the way of moving columns to a table of their own, and what to know before. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.operations.columns import drop_column_preflight
from crossfade.operations.columns.column_in_place import InPlace, moving_sources
from crossfade.operations.columns.column_preflight import no_column, right_refusals
from crossfade.operations.tables import moved_columns_preflight as moves
from crossfade.operations.tables import table_names
from crossfade.operations.tables.moved_columns_preflight import Moving
from crossfade.operations.tables.table_preflight import other_runs
from crossfade.postgres.catalog import QualifiedName

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Caution, Place
    from crossfade.plan.changes import SplitTable
    from crossfade.postgres.catalog import Catalog, Table


def check(
    change: SplitTable, table: Table, place: Place, catalog: Catalog
) -> tuple[tuple[Refusal, ...], tuple[Caution, ...]]:
    """Every reason against it, and every caution about it."""
    missing = tuple(no_column(table, n) for n in (*change.key, *change.columns) if table.column(n) is None)
    if missing:
        return missing, ()
    moving = Moving(key=change.key, columns=change.columns)
    moved = [
        InPlace(place=place, table=table, column=c, catalog=catalog) for c in table.columns if c.name in change.columns
    ]
    found = [drop_column_preflight.check(target, None) for target in moved]
    refusals = [r for refused, _ in found for r in refused if r.code != "no_value"]
    refusals += [
        *moves.shape(table),
        *right_refusals((table,)),
        *other_runs((table,), (*change.columns, *change.key)),
        *moving_sources(table, (*change.columns, *change.key)),
        *moves.key(change.key, table),
        *(r for target in moved for r in moves.column(table, target.column)),
        *moves.constraints(moving, table),
        *moves.hanging_on_it(table),
    ]
    name = QualifiedName(table.name.schema, change.to_table)
    if name in catalog.relation_names:
        refusals.append(table_names.name_taken(name))
    cautions = (
        moves.twice(table, name),
        *(c for _, said in found for c in moves.left(moving, table, said)),
        *moves.left_behind(moving, table),
    )
    return tuple(dict.fromkeys(refusals)), tuple(dict.fromkeys(cautions))
