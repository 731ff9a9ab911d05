"""Rows whose repair a constraint refuses that the plan takes away only at contract: looked for in preflight. Pure.

The backfill gives a row that a coming constraint refuses the value of `fix` or `fill`. Until contract the constraint
that goes is still there, and a row that it does not take like that is set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.step import ViolationLook
from crossfade.plan.changes.add_check import AddCheck
from crossfade.plan.changes.drop_constraint import DropConstraint
from crossfade.plan.changes.set_not_null import SetNotNull
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
    from pglast import parse_sql
    from pglast.stream import RawStream

    (statement,) = parse_sql(f"ALTER TABLE t ADD {constraint.definition}")
    node: Any = statement.stmt
    return str(RawStream()(node.cmds[0].def_.raw_expr))
