"""`drop_not_null`: a column may be NULL.

The column has one name, under which no version can see anything else than the others: until contract there is no NULL
in it. In contract, when no version is live that could not read one, NOT NULL goes: the catalog alone is changed. A
revert proves by a CHECK, while everybody goes on, that there is no NULL yet; one that a new version wrote stops it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.columns.column_in_place import find
from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.twins import not_null_back
from crossfade.operations.twins.exchange_preflight import own_not_null
from crossfade.operations.twins.not_null_back import NotNullBack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.operations.columns.column_in_place import InPlace
    from crossfade.operations.step import Place
    from crossfade.plan.changes import DropNotNull
    from crossfade.postgres.catalog import Catalog


def compile_change(change: DropNotNull, place: Place, catalog: Catalog) -> Compiled:
    """The steps against a catalog; refusals instead where the column cannot be NULL."""
    target = find(change.table, change.column, place, catalog)
    if isinstance(target, tuple):
        return Compiled(refusals=target, catalog=catalog)
    back = NotNullBack(place=place, table=target.table, column=target.column, hidden=target.column.name)
    given_up, again = not_null_back.give_up(back)
    step = Step(
        id=place.id("not_null"),
        part=Part.HIDE,
        title=f"let {target.column.name} of {target.table.name} be NULL",
        statements=given_up,
        undo=again,
        done=target.done(Part.HIDE, "NOT attnotnull"),
    )
    return Compiled(
        steps=(*not_null_back.steps(back), step),
        refusals=tuple(_refusals(target)),
        catalog=target.changed(not_null=False, not_null_constraint=None),
    )


def _refusals(target: InPlace) -> Iterator[Refusal]:
    column, table = target.column, target.table
    if not column.not_null:
        yield Refusal(
            code="nothing_to_do",
            object=target.shown,
            message="the column may be NULL already.",
            instead="Take the change out of the plan.",
        )
    if column.identity is not None:
        yield Refusal(
            code="identity_column",
            object=target.shown,
            message="it is an identity column, which always is NOT NULL.",
            instead="Make it an ordinary one first: set_identity with `generated: never`.",
        )
    if any(c.kind == "primary" and column.name in c.columns for c in table.constraints):
        yield Refusal(
            code="primary_key",
            object=target.shown,
            message="it is part of the primary key, whose columns always are NOT NULL.",
            instead="Drop the primary key first: drop_constraint.",
        )
    if column.inherited_count:
        yield Refusal(
            code="inherited_column",
            object=target.shown,
            message="the column is inherited, and its NOT NULL with it.",
            instead=f"Name the parent in the plan: {table.partition_parent or ', '.join(map(str, table.inherits))}.",
        )
    yield from own_not_null(target.family, column)
    if table.replica_identity == "index" and any(
        i.replica_identity and column.name in i.references for i in table.indexes
    ):
        yield Refusal(
            code="replica_identity",
            object=target.shown,
            message="it is in the index by which replicated rows are told apart, whose columns have to be NOT NULL.",
            instead="Choose another replica identity first: set_replica_identity.",
        )
