"""CHECK constraints over a column: a copy over the twin, validated before contract; in contract the names change hands.

The copy is PostgreSQL's own text of the constraint, read again over the twin: that is what ALTER … TYPE does, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.constraints import unvalidated
from crossfade.operations.constraints.unvalidated import Unvalidated
from crossfade.operations.indexes.index_copy import exchange_columns, exchange_types
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.operations.twins.twin_trials import check_trial

if TYPE_CHECKING:
    from crossfade.operations.step import Step
    from crossfade.postgres.catalog import Constraint, Table


def carry(exchange: Exchange) -> Carried:
    """The copies, and the exchange of names."""
    found = tuple(_checks(exchange))
    return Carried(
        seal=tuple(step for each in found for step in _copy(exchange, *each)),
        before=tuple(_aside(exchange, *each) for each in found),
        after=tuple(_take(exchange, *each) for each in found),
        trials=tuple(
            check_trial(exchange, f"constraint {check.name} on {table.name}", check.definition)
            for table, check in found
        ),
    )


def _checks(exchange: Exchange) -> Iterator[tuple[Table, Constraint]]:
    """The table's own, and what a partition or child has besides."""
    for table in exchange.family:
        for constraint in table.constraints:
            # What comes from a parent is the parent's.
            if constraint.kind == "check" and not constraint.inherited and exchange.columns & {*constraint.columns}:
                yield table, constraint


def _name(exchange: Exchange, table: Table, check: Constraint) -> str:
    return exchange.own_name("ck", table.name.schema, table.name.name, check.name)


def _copy(exchange: Exchange, table: Table, check: Constraint) -> Iterator[Step]:
    copy = Unvalidated(
        table=table,
        name=_name(exchange, table, check),
        definition=sql.SQL("CHECK ({}){}{}").format(
            sql.SQL(_condition_over(exchange, check)),
            sql.SQL(" NO INHERIT" if check.no_inherit else ""),
            sql.SQL("" if check.enforced else " NOT ENFORCED"),
        ),
        id=f"check/{check.name}" if table is exchange.table else f"check/{table.name}.{check.name}",
        comment=exchange.place.mark,
    )
    # It goes with its column.
    yield replace(unvalidated.add(exchange.place, copy), undo=())
    if check.validated:
        yield unvalidated.validate(exchange.place, copy)


def _condition_over(exchange: Exchange, check: Constraint) -> str:
    from pglast import parse_sql
    from pglast.stream import RawStream

    (statement,) = parse_sql(f"ALTER TABLE t ADD {check.definition}")
    command: Any = statement.stmt.cmds[0]  # type: ignore[union-attr]
    exchange_columns(command.def_, exchange.names)
    exchange_types(command.def_, exchange.types)
    text: str = RawStream()(command.def_.raw_expr)
    return text


def _aside(exchange: Exchange, table: Table, check: Constraint) -> Move:
    aside = exchange.own_name("hidden", table.name.schema, table.name.name, check.name)
    return Move(
        do=(unvalidated.rename(table, check.name, aside),),
        undo=(unvalidated.rename(table, aside, check.name),),
    )


def _take(exchange: Exchange, table: Table, check: Constraint) -> Move:
    own = _name(exchange, table, check)
    comment = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
        sql.Identifier(check.name), sql.Identifier(table.name.schema, table.name.name), sql.Literal(check.comment)
    )
    return Move(
        do=(unvalidated.rename(table, own, check.name), exchange.statement(comment)),
        undo=(
            unvalidated.rename(table, check.name, own),
            *unvalidated.comment_on(table, own, exchange.place.mark),
        ),
    )
