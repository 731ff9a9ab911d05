"""Values that a constraint refuses which an earlier change takes away only at contract. Pure.

The backfill gives a row that a coming constraint refuses the value of `fix` or `fill`. Until contract the constraint
that goes is still there, and a row that it does not take like that is set aside: such rows are looked for. From expand
on writes get a `fill` or a default too, and fail by it: a constant is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.columns import constant_value
from crossfade.operations.trial import Trial, ViolationLook
from crossfade.plan.changes.add_check import AddCheck
from crossfade.plan.changes.drop_constraint import DropConstraint
from crossfade.plan.changes.set_default import SetDefault
from crossfade.plan.changes.set_not_null import SetNotNull
from crossfade.postgres.forecast.trees import one_statement
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crossfade.plan.changes.fields import ChangeModel
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Catalog, Constraint, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repair:
    """What a change makes of rows, and of which."""

    word: str
    table: Table
    pending: sql.Composable
    values: Mapping[str, Expression]


def looks(changes: Sequence[ChangeModel], catalogs: Sequence[Catalog]) -> Iterator[ViolationLook]:
    """For each repair and each CHECK that goes; `catalogs` are those that the changes were compiled against."""
    planned = tuple(zip(changes, catalogs, strict=True))
    going = [found for change, catalog in planned if (found := _going(change, catalog))]
    for repair in (made for change, catalog in planned if (made := _repair(change, catalog))):
        for table, constraint in going:
            if table.oid == repair.table.oid and {*repair.values} & {*constraint.columns}:
                yield _look(repair, constraint)


def trials(changes: Sequence[ChangeModel], catalogs: Sequence[Catalog]) -> Iterator[Trial]:
    """For each constant that writes get, and each CHECK over its column alone that an earlier change takes away."""
    planned = tuple(zip(changes, catalogs, strict=True))
    for number, (change, catalog) in enumerate(planned):
        value = _given(change)
        table = None if value is None else catalog.resolve(change.tables[0].schema, change.tables[0].name)
        column = None if value is None or table is None else table.column(value.column)
        if value is None or table is None or column is None:
            continue
        for owner, constraint in filter(None, (_going(*before) for before in planned[:number])):
            if owner.oid == table.oid and constraint.columns == (column.name,):
                where = f"{value.field} of {change.kind} on {table.name}"
                tried = Trial(where=where, shown=value.value.text, columns=(), statement="SELECT")
                instead = (
                    f"Let drop_constraint take {constraint.name} away sooner, by `when: expand`, or give another one."
                )
                yield replace(constant_value.tried(tried, column, value.value, (constraint,)), instead=instead)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """A value that writes get from expand on."""

    field: str
    column: str
    value: Expression


def _given(change: ChangeModel) -> _Given | None:
    if isinstance(change, SetDefault):
        return _Given(field="value", column=change.column, value=change.value)
    if isinstance(change, SetNotNull) and change.fill is not None:
        return _Given(field="fill", column=change.column, value=change.fill)
    return None


def _going(change: ChangeModel, catalog: Catalog) -> tuple[Table, Constraint] | None:
    if not isinstance(change, DropConstraint) or change.when == "expand":
        return None
    table = catalog.resolve(change.table.schema, change.table.name)
    found = (c for c in table.constraints if c.name == change.name and c.kind == "check") if table else ()
    constraint = next((c for c in found if c.enforced), None)
    return None if table is None or constraint is None else (table, constraint)


def _repair(change: ChangeModel, catalog: Catalog) -> _Repair | None:
    if not isinstance(change, AddCheck | SetNotNull):
        return None
    table = catalog.resolve(change.table.schema, change.table.name)
    if table is None:
        return None
    if isinstance(change, AddCheck):
        pending = sql.SQL("({}) IS FALSE").format(sql.SQL(change.expression.sql))
        return _Repair(word="fix", table=table, pending=pending, values=change.fix)
    values = {} if change.fill is None else {change.column: change.fill}
    pending = sql.SQL("{} IS NULL").format(sql.Identifier(change.column))
    return _Repair(word="fill", table=table, pending=pending, values=values)


def _look(repair: _Repair, constraint: Constraint) -> ViolationLook:
    repaired = sql.SQL(", ").join(
        sql.SQL("({}) AS {}").format(sql.SQL(repair.values[c].sql), sql.Identifier(c))
        if c in repair.values
        else sql.Identifier(c)
        for c in dict.fromkeys((*constraint.columns, *repair.values))
    )
    violated = sql.SQL("{} AND EXISTS (SELECT FROM (SELECT {}) AS repaired WHERE ({}) IS FALSE)").format(
        repair.pending, repaired, sql.SQL(_condition(constraint))
    )
    columns = ", ".join(map(quoted, repair.values))
    return ViolationLook(
        table=str(repair.table.staged),
        violated=render(violated),
        what=f"to which `{repair.word}` gives a value of {columns} that constraint {constraint.name} refuses",
        then="It is there until contract, so backfill sets them aside. Drop it with `when: expand`, or repair them so "
        "that it takes them.",
    )


def _condition(constraint: Constraint) -> str:
    from pglast.stream import RawStream

    node = one_statement(f"ALTER TABLE t ADD {constraint.definition}")
    return str(RawStream()(node.cmds[0].def_.raw_expr))
