"""`add_check`: a CHECK constraint that rows, or writes of an old version, may still violate.

counted   expand counts the writes that it would refuse; backfill repairs rows; contract adds and validates it
now       expand adds it NOT VALID; backfill repairs rows and validates it
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import no_column
from crossfade.operations.constraints import awaited_constraint, constraint_preflight
from crossfade.operations.constraints.awaited_constraint import Awaited
from crossfade.operations.step import Compiled
from crossfade.operations.sync import row_functions
from crossfade.operations.sync.row_functions import body_over, named
from crossfade.operations.sync.watching import Watched
from crossfade.operations.tables.table_preflight import family_of, staged_members
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.catalog import Constraint
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import AddCheck
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: AddCheck, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one new CHECK constraint against a catalog; refusals instead where it cannot be added."""
    table = constraint_preflight.find(change.table, catalog)
    if isinstance(table, tuple):
        return Compiled(refusals=table, catalog=catalog)
    refusals = tuple(_refusals(change, table, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    awaited = _awaited(change, place, table, catalog)
    steps, watches = awaited_constraint.compiled_steps(awaited, change.enforce)
    return Compiled(
        steps=steps,
        fills=awaited_constraint.fills(awaited, change.enforce),
        watches=watches,
        trials=tuple(_trials(change, table)),
        catalog=catalog.with_table(_afterwards(change, table)),
    )


def _refusals(change: AddCheck, table: Table, catalog: Catalog) -> Iterator[Refusal]:
    bearers = (table,) if change.no_inherit else family_of(table, catalog)
    columns = change.expression.columns
    yield from constraint_preflight.new_constraint(table, change.name, columns, catalog, bearers)
    used = (name for expression in change.fix.values() for name in expression.columns)
    for name in dict.fromkeys((*change.fix, *used)):
        if table.column(name) is None and name not in change.expression.columns:
            yield no_column(table, name)
    yield from constraint_preflight.fix_refusals(table, change.kind, change.fix, catalog)
    if change.no_inherit and table.kind == "partitioned":
        yield Refusal(
            code="no_inherit_on_partitioned",
            object=str(table.name),
            message="a constraint of a partitioned table is one of its partitions, too.",
            instead="Leave `no_inherit` out, or name the partition.",
        )


def _awaited(change: AddCheck, place: Place, table: Table, catalog: Catalog) -> Awaited:
    columns = named(table, change.expression.columns)
    below = () if change.no_inherit else tuple(staged_members(catalog, table))
    return Awaited(
        watched=Watched(
            place=place,
            table=table,
            members=(table.staged, *(m.staged for m in below)),
            constraint=change.name,
            columns=columns,
            holds=body_over(change.expression, columns),
            inherited=not change.no_inherit,
        ),
        members=(table.name, *(m.name for m in below)),
        definition=_definition(change, change.expression.sql),
        definition_now=_definition(change, change.expression.over({c.name: c.staged for c in columns}).sql),
        fix=row_functions.fixes(place, table, change.fix),
    )


def _definition(change: AddCheck, expression: str) -> sql.Composed:
    return sql.SQL("CHECK ({}){}").format(sql.SQL(expression), sql.SQL(" NO INHERIT" if change.no_inherit else ""))


def _trials(change: AddCheck, table: Table) -> Iterator[Trial]:
    """The constraint, and each repair, on an empty table."""
    yield Trial(
        where=f"expression of add_check on {table.name}",
        shown=change.expression.text,
        columns=tuple((c.name, c.type) for c in table.columns),
        statement=render(
            sql.SQL("ALTER TABLE {} ADD {}").format(sql.SQL(TRIAL_TABLE), _definition(change, change.expression.sql))
        ),
    )
    yield from row_functions.fix_trials(change.kind, "fix", table, change.fix)


def _afterwards(change: AddCheck, table: Table) -> Table:
    constraint = Constraint(
        name=change.name,
        kind="check",
        columns=change.expression.columns,
        definition=render(_definition(change, change.expression.sql)),
        no_inherit=change.no_inherit,
    )
    marked = constraint_preflight.in_work(table, change.expression.columns)
    return replace(marked, constraints=(*marked.constraints, constraint))
