"""`create_domain`: a domain is made in expand. Nothing uses it yet, so nobody notices.

Its default and its check are expressions of the plan, whose names mean what they mean to the users.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.data_types import made_types
from crossfade.operations.step import Compiled
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.postgres.catalog import DataType
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import CreateDomain
    from crossfade.postgres.catalog import Catalog


def compile_change(change: CreateDomain, place: Place, catalog: Catalog) -> Compiled:
    """The step that makes the domain; whether the name is free and the expressions are sound is tried in preflight."""
    name, under = made_types.resolve(change.name, catalog), catalog.type(change.type.sql)
    if isinstance(name, Refusal):
        return Compiled(refusals=(name,), catalog=catalog)
    if under is None:
        return Compiled(refusals=(made_types.no_such_type(change.type, catalog),), catalog=catalog)
    create = sql.SQL("CREATE DOMAIN {} AS {}{}").format(
        sql.Identifier(name.schema, name.name), sql.SQL(under.spelling), sql.SQL("").join(_clauses(change))
    )
    made = DataType(
        asked=str(name),
        spelling=str(name),
        name=name,
        category=under.category,
        base=under.base,
        constrained=change.not_null or change.check is not None or under.constrained,
        collation_deterministic=under.collation_deterministic,
    )
    definition = (
        Statement(text=render(create)),
        *made_types.comment_on("DOMAIN", name, change.comment),
    )
    if change.expressions:
        definition = (USERS_PATH, *definition, OUR_PATH)
    return made_types.compile_type(place, made, "the domain", definition, catalog)


def _clauses(change: CreateDomain) -> Iterator[sql.Composable]:
    if change.default is not None:
        yield sql.SQL(" DEFAULT {}").format(sql.SQL(change.default.sql))
    if change.not_null:
        yield sql.SQL(" NOT NULL")
    if change.check is not None:
        named = (
            sql.SQL(" CONSTRAINT {}").format(sql.Identifier(change.constraint)) if change.constraint else sql.SQL("")
        )
        yield sql.SQL("{} CHECK ({})").format(named, sql.SQL(change.check.sql))
