"""`split_column`: one column becomes several, such as a full name a first and a last one. See `reshape`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.operations.twins.reshape import NewColumn, Reshaping, compile_reshaping

if TYPE_CHECKING:
    from crossfade.operations.step import Compiled, Place
    from crossfade.plan.changes import SplitColumn
    from crossfade.postgres.catalog import Catalog


def compile_change(change: SplitColumn, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one split against a catalog; refusals instead where it cannot be done."""
    reshaping = Reshaping(
        table=change.table,
        old=(change.from_,),
        new=tuple(NewColumn(name=name, type=part.type, using=part.using) for name, part in change.into.items()),
        reverse={change.from_: change.reverse},
    )
    return compile_reshaping(reshaping, place, catalog)
