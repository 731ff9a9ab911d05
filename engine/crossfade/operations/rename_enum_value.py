"""`rename_enum_value`: a value of an enum gets another name in contract, behind the gates, as a change of the catalog.

Every version sees the old name until then and the new one from then on, and so it would be with a second type whose
columns took the place of the first one's. Hence the value is renamed where it is: no row is touched, and a default or a
constraint that has the value goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.data_types import made_types
from crossfade.operations.step import Caution, Compiled, Part, Step, Turn
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import RenameEnumValue
    from crossfade.postgres.catalog import Catalog, DataType


def compile_change(change: RenameEnumValue, place: Place, catalog: Catalog) -> Compiled:
    """The step that renames the value; refusals instead where it cannot. Other changes see it under its old name."""
    enum = catalog.type(change.type.sql)
    if enum is None:
        return Compiled(refusals=(made_types.no_such_type(change.type, catalog),), catalog=catalog)
    refusals = tuple(_refusals(change, enum))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    step = Step(
        id=place.id("rename"),
        # Where nothing in the database needs the enum, there is nothing to wait for.
        part=Part.HIDE if enum.uses else Part.EXPAND,
        turn=Turn.AFTER,
        title=f"rename the value {change.from_} of {enum.name} to {change.to}",
        statements=(_rename(enum, change.from_, change.to),),
        undo=(_rename(enum, change.to, change.from_),),
        done=made_types.has_value(enum.name, change.to),
    )
    return Compiled(steps=(step,), cautions=(_caution(change, enum),), catalog=catalog)


def _refusals(change: RenameEnumValue, enum: DataType) -> Iterator[Refusal]:
    yield from made_types.enum_refusals(enum)
    if enum.labels and change.from_ not in enum.labels:
        yield made_types.no_such_value(enum, change.from_)
    if change.to in enum.labels:
        yield Refusal(
            code="name_taken",
            object=f"{enum.name}.{change.to}",
            message="the enum has this value already.",
            instead=f"To make one of the two, use remove_enum_values: `map: {{{change.from_}: {change.to}}}`.",
        )


def _rename(enum: DataType, source: str, target: str) -> Statement:
    text = sql.SQL("ALTER TYPE {} RENAME VALUE {} TO {}").format(
        sql.Identifier(enum.name.schema, enum.name.name), sql.Literal(source), sql.Literal(target)
    )
    return Statement(text=render(text))


def _caution(change: RenameEnumValue, enum: DataType) -> Caution:
    return Caution(
        code="value_renamed",
        object=f"{enum.name}.{change.from_}",
        message=f"it is {change.to} for every live version from one moment to the next at contract, and a statement or "
        f"function that still names {change.from_} fails from then on. All of them have to read both, and to write "
        f"{change.from_} before and {change.to} afterwards.",
    )
