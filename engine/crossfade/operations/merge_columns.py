"""`merge_columns`: several columns become one, such as a street and a number an address. See `reshape`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.operations.twins.reshape import NewColumn, Reshaping, compile_reshaping

if TYPE_CHECKING:
    from crossfade.operations.step import Compiled, Place
    from crossfade.plan.changes import MergeColumns
    from crossfade.postgres.catalog import Catalog


def compile_change(change: MergeColumns, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one merge against a catalog; refusals instead where it cannot be done."""
    reshaping = Reshaping(
        table=change.table,
        old=change.from_,
        new=(NewColumn(name=change.into, type=change.type, using=change.using),),
        reverse=change.reverse,
    )
    return compile_reshaping(reshaping, place, catalog)
