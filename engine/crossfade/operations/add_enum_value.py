"""`add_enum_value`: an enum gets another value in expand, for every version at once.

PostgreSQL cannot take a value out of an enum, so a rollback leaves it; and the value cannot be used in the transaction
that adds it, which is why it is a step of its own (55P04, measured on 15 and 18).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.data_types import made_types
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import AddEnumValue
    from crossfade.postgres.catalog import Catalog, DataType


def compile_change(change: AddEnumValue, place: Place, catalog: Catalog) -> Compiled:
    """The step that adds the value, or why it cannot."""
    enum = catalog.type(change.type.sql)
    if enum is None:
        return Compiled(refusals=(made_types.no_such_type(change.type, catalog),), catalog=catalog)
    refusals = tuple(_refusals(change, enum))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    add = _add(change, enum)
    step = Step(
        id=place.id("add"),
        part=Part.EXPAND,
        title=f"add the value {change.value} to {enum.name}",
        statements=(add,),
        done=made_types.has_value(enum.name, change.value),
    )
    return Compiled(
        steps=(step,),
        cautions=(_there_already(change, enum) if change.value in enum.labels else _stays(change, enum),),
        # By it the server knows the value where a later change of the plan is tried, and says that it cannot be used.
        makes=(add.text,),
        catalog=catalog.with_type(_with_value(change, enum)),
    )


def _refusals(change: AddEnumValue, enum: DataType) -> Iterator[Refusal]:
    yield from made_types.enum_refusals(enum)
    if not enum.labels:
        return
    neighbour = change.before or change.after
    if neighbour is not None and neighbour not in enum.labels:
        yield Refusal(
            code="no_such_value",
            object=f"{enum.name}.{neighbour}",
            message="the enum has no such value to stand beside.",
            instead=f"It has: {', '.join(enum.labels)}.",
        )


def _add(change: AddEnumValue, enum: DataType) -> Statement:
    place: sql.Composable = sql.SQL("")
    if change.before is not None:
        place = sql.SQL(" BEFORE {}").format(sql.Literal(change.before))
    elif change.after is not None:
        place = sql.SQL(" AFTER {}").format(sql.Literal(change.after))
    name = sql.Identifier(enum.name.schema, enum.name.name)
    text = sql.SQL("ALTER TYPE {} ADD VALUE IF NOT EXISTS {}{}").format(name, sql.Literal(change.value), place)
    return Statement(text=render(text))


def _there_already(change: AddEnumValue, enum: DataType) -> Caution:
    """An earlier run that was rolled back may have left it."""
    return Caution(
        code="value_exists",
        object=f"{enum.name}.{change.value}",
        message="the enum has this value already, so there is nothing to do; where it stands is not changed.",
    )


def _stays(change: AddEnumValue, enum: DataType) -> Caution:
    return Caution(
        code="value_stays",
        object=f"{enum.name}.{change.value}",
        message="PostgreSQL cannot take a value out of an enum: a rollback leaves it there. Old versions have to cope "
        "with rows that have it.",
    )


def _with_value(change: AddEnumValue, enum: DataType) -> DataType:
    if change.value in enum.labels:
        return enum
    labels = list(enum.labels)
    if change.before is not None:
        labels.insert(labels.index(change.before), change.value)
    elif change.after is not None:
        labels.insert(labels.index(change.after) + 1, change.value)
    else:
        labels.append(change.value)
    return replace(enum, labels=tuple(labels))
