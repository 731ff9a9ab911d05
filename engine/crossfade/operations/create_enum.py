"""`create_enum`: an enum type is made in expand. Nothing uses it yet, so nobody notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.data_types import made_types
from crossfade.operations.step import Compiled
from crossfade.postgres.catalog import DataType
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import CreateEnum
    from crossfade.postgres.catalog import Catalog


def compile_change(change: CreateEnum, place: Place, catalog: Catalog) -> Compiled:
    """The step that makes the type; whether the name is free is tried in preflight."""
    name = made_types.resolve(change.name, catalog)
    if isinstance(name, Refusal):
        return Compiled(refusals=(name,), catalog=catalog)
    labels = sql.SQL(", ").join(map(sql.Literal, change.values))
    create = sql.SQL("CREATE TYPE {} AS ENUM ({})").format(sql.Identifier(name.schema, name.name), labels)
    made = DataType(
        asked=str(name), spelling=str(name), name=name, category="E", base=name, labels=tuple(change.values)
    )
    definition = (Statement(text=render(create)), *made_types.comment_on("TYPE", name, change.comment))
    return made_types.compile_type(place, made, "the enum", definition, catalog)
