"""`drop_default`: a column's DEFAULT goes in contract, when no version is live that leaves the column to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns.column_in_place import find_to_set
from crossfade.operations.set_default import default_back, own_value_refusals
from crossfade.operations.step import Compiled, Guard, Part, Step
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.columns.column_in_place import InPlace
    from crossfade.operations.step import Place
    from crossfade.plan.changes import DropDefault
    from crossfade.postgres.catalog import Catalog


def _guards(change: DropDefault, target: InPlace) -> tuple[Guard, ...]:
    """A default that somebody has given it since, which the way back would overwrite."""
    if any(change.table in later.tables for later in target.place.later):
        # It may be the plan's own.
        return ()
    name = target.table.name
    return (
        Guard(
            relation=render(sql.Identifier(name.schema, name.name)),
            query=target.done(Part.HIDE, "atthasdef"),
            what=f"the default that {target.shown} has been given since",
        ),
    )


def compile_change(change: DropDefault, place: Place, catalog: Catalog) -> Compiled:
    """The step against a catalog; refusals instead where there is no default."""
    target = find_to_set(change.table, change.column, place, catalog)
    if isinstance(target, tuple):
        return Compiled(refusals=target, catalog=catalog)
    column = target.column
    refusals = list(own_value_refusals(target))
    if column.default is None and not refusals:
        refusals.append(
            Refusal(
                code="nothing_to_do",
                object=target.shown,
                message="the column has no default.",
                instead="Take the change out of the plan.",
            )
        )
    step = Step(
        id=place.id("default"),
        part=Part.HIDE,
        turn=target.default_set_in[1],
        title=f"drop the default of {column.name} of {target.table.name}",
        statements=(target.alter_column(Part.HIDE, sql.SQL("DROP DEFAULT")),),
        undo=default_back(target, Part.HIDE),
        done=target.done(Part.HIDE, "NOT atthasdef"),
        guards=_guards(change, target),
    )
    return Compiled(steps=(step,), refusals=tuple(refusals), catalog=target.changed(default=None))
