"""`set_default`: a column gets another DEFAULT, in expand; no row is touched.

Rows that any version inserts from then on get it, those of old versions too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns import constant_value
from crossfade.operations.columns.column_in_place import find_to_set
from crossfade.operations.step import Compiled, Step
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.sync.plan_defaults import readable
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.catalog import Default
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.columns.column_in_place import InPlace
    from crossfade.operations.step import Part, Place
    from crossfade.plan.changes import SetDefault
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Catalog, Column
    from crossfade.postgres.statement import Statement


def compile_change(change: SetDefault, place: Place, catalog: Catalog) -> Compiled:
    """The step against a catalog; refusals instead where the column takes no default."""
    target = find_to_set(change.table, change.column, place, catalog)
    if isinstance(target, tuple):
        return Compiled(refusals=target, catalog=catalog)
    value = sql.SQL("SET DEFAULT {}").format(sql.SQL(change.value.sql))
    part, turn = target.default_set_in
    step = Step(
        id=place.id("default"),
        part=part,
        turn=turn,
        title=f"set the default of {target.column.name} of {target.table.name}; no row is touched",
        statements=(USERS_PATH, target.alter_column(part, value), OUR_PATH),
        undo=default_back(target, part),
        done=target.done(part, "atthasdef"),
    )
    return Compiled(
        steps=(step,),
        refusals=tuple(own_value_refusals(target)),
        trials=(_trial(change, target, part),),
        catalog=target.changed(default=Default(expression=_stored(change.value, target.column), of_plan=True)),
    )


def _stored(value: Expression, column: Column) -> str:
    """The value as PostgreSQL keeps it: with the column's type, which a constant in quotes has not by itself."""
    return render(sql.SQL("({})::{}").format(sql.SQL(value.sql), sql.SQL(column.type)))


def default_back(target: InPlace, part: Part) -> tuple[Statement, ...]:
    """Every table of the family gets the default back that it has now, by the names while steps of this part run."""
    columns = (member.column(target.column.name) for member in target.family)
    return readable(target.each_back(part, default_of), *(c.default for c in columns if c is not None))


def default_of(column: Column) -> sql.Composable:
    """The action that gives a column the default that it has now."""
    if column.default is None:
        return sql.SQL("DROP DEFAULT")
    return sql.SQL("SET DEFAULT {}").format(sql.SQL(column.default.expression))


def own_value_refusals(target: InPlace) -> Iterator[Refusal]:
    """Columns whose values the server makes have no default."""
    column = target.column
    if column.generated is not None:
        yield Refusal(
            code="generated_column",
            object=target.shown,
            message="it is a generated column, which has an expression in place of a default.",
            instead="Change that: set_generated.",
        )
    if column.identity is not None:
        yield Refusal(
            code="identity_column",
            object=target.shown,
            message="it is an identity column, whose numbers come from its sequence.",
            instead="Change that: set_identity.",
        )


def _trial(change: SetDefault, target: InPlace, part: Part) -> Trial:
    """The default tried on an empty table, and as the value of a row."""
    column, value = target.column, change.value
    action = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
        sql.SQL(TRIAL_TABLE), sql.Identifier(column.name), sql.SQL(value.sql)
    )
    trial = Trial(
        where=f"value of set_default on {target.table.name}",
        shown=value.text,
        columns=((column.name, column.type),),
        statement=render(action),
    )
    checks = constant_value.checks_alone(target.table, column, target.place, change.table, part)
    return constant_value.tried(trial, column, value, checks)
