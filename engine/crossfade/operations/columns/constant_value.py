"""A constant of the plan that rows are to get: whether the column takes it, its type and its CHECKs tell. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Part
from crossfade.operations.trial import TRIAL_TABLE
from crossfade.plan.changes.drop_constraint import DropConstraint
from crossfade.plan.words import shown
from crossfade.postgres.forecast.trees import NotOneStatement, below, kind, one_statement
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.operations.step import Place
    from crossfade.operations.trial import Trial
    from crossfade.plan.expressions import Expression
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Column, Constraint, Table


def tried(trial: Trial, column: Column, value: Expression, checks: Iterable[Constraint]) -> Trial:
    """The trial of a value; where that is a constant, a row with it is put under these CHECKs as well."""
    if not value.is_constant:
        return trial
    enforced = tuple(checks)
    made = [sql.SQL("ALTER TABLE {} ADD {}").format(sql.SQL(TRIAL_TABLE), sql.SQL(c.definition)) for c in enforced]
    made.append(insert(column.name, value))
    takes = ", ".join((column.type, *(f"{c.name} {c.definition}" for c in enforced)))
    return replace(
        trial,
        columns=((column.name, _spelled(column)),),
        statement=render(sql.SQL("; ").join(made)),
        parts=(trial,),
        instead=f"Give a value that {column.name} takes: {takes}.",
    )


def no_null(column: Column, where: str, value: Expression | None) -> Iterator[Refusal]:
    """It is NULL, which the column may not be; of other expressions backfill tells it row by row."""
    if column.not_null and value is not None and value.is_null:
        yield Refusal(
            code="expression",
            object=where,
            message=f"{shown(value.text)}: it gives NULL, and the column is NOT NULL.",
            instead="Give another value, or let the column be NULL first (drop_not_null), in a plan of its own.",
        )


def insert(column: str, value: Expression) -> sql.Composed:
    """A row of the trial's table that has the value."""
    text = sql.SQL("INSERT INTO {} ({}) VALUES ({})")
    return text.format(sql.SQL(TRIAL_TABLE), sql.Identifier(column), sql.SQL(value.sql))


def checks_alone(table: Table, column: Column, place: Place, written: TableName, part: Part) -> Iterator[Constraint]:
    """The CHECKs over the column alone that a row meets which gets the value from this part on; `written` is what the
    plan calls the table."""
    gone = {
        later.name
        for later in place.later
        if isinstance(later, DropConstraint) and later.table == written
        if later.when == "expand" or part is Part.HIDE
    }
    for constraint in table.constraints:
        in_force = constraint.kind == "check" and constraint.enforced and constraint.name not in gone
        if in_force and constraint.columns == (column.name,) and _names_only(column.name, constraint.definition):
            yield constraint


def _names_only(column: str, definition: str) -> bool:
    """Whether it can be had on a table with this column only; not one that names the row as a whole."""
    try:
        tree = one_statement(f"ALTER TABLE t ADD {definition}")
    except NotOneStatement:
        return False
    named = (node.fields for node in below(tree) if kind(node) == "ColumnRef")
    return all(len(fields) == 1 and getattr(fields[0], "sval", None) == column for fields in named)


def _spelled(column: Column) -> str:
    """Its type, and the collation by which a CHECK compares."""
    if column.collation is None:
        return column.type
    collation = sql.Identifier(column.collation.schema, column.collation.name)
    return render(sql.SQL("{} COLLATE {}").format(sql.SQL(column.type), collation))
