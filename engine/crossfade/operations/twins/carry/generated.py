"""Generated columns that are computed from a column.

A virtual one (PostgreSQL 18) is a matter of the catalog: its expression is read again over the twin when that takes the
name. PostgreSQL does so only where the table has no CHECK and is not published. A stored one would be written anew in
every row while everybody waits, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.indexes.index_copy import exchange_columns
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.operations.twins.twin_trials import generated_trial
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column


def carry(exchange: Exchange) -> Carried:
    """The expressions of virtual columns; it comes after NOT NULL, whose proof is a CHECK."""
    found = tuple(_over(exchange))
    refusals = tuple(r for column in found for r in _refusals(exchange, column))
    if refusals:
        return Carried(refusals=refusals)
    return Carried(
        after=tuple(_move(exchange, column) for column in found),
        trials=tuple(
            generated_trial(exchange, f"{exchange.table.name}.{c.name}", c.type, c.generation_expression or "")
            for c in found
        ),
    )


def _over(exchange: Exchange) -> Iterator[Column]:
    table = exchange.table
    computed = {d.name for d in table.dependents if d.kind == "generated column" and exchange.columns & {*d.columns}}
    yield from (c for c in table.columns if c.generated and f"{table.name}.{quoted(c.name)}" in computed)


def _refusals(exchange: Exchange, column: Column) -> Iterator[Refusal]:
    table = exchange.table
    name = f"{table.name}.{column.name}"
    if column.generated == "stored":
        yield Refusal(
            code="generated_column",
            object=name,
            message="it is stored and computed from the column: computing it from another one writes every row anew "
            "while reads and writes wait.",
            instead="Add a second generated column over a plain one afterwards, move the readers, and drop this first.",
        )
    elif column.not_null or any(c.kind == "check" for member in exchange.family for c in member.constraints):
        yield Refusal(
            code="generated_column",
            object=name,
            message="it is computed from the column, and PostgreSQL gives a virtual column another expression only on "
            "a table without CHECK constraints, and looks at every row if it is NOT NULL.",
            instead="Drop it first, and add it again after contract.",
        )
    elif any(member.publications for member in exchange.family):
        yield Refusal(
            code="generated_column",
            object=name,
            message="it is computed from the column, and PostgreSQL gives no virtual column of a published table "
            "another expression.",
            instead="Drop it first, and add it again after contract.",
        )


def _move(exchange: Exchange, column: Column) -> Move:
    def computed(names: dict[str, str]) -> sql.Composed:
        expression = sql.SQL(expression_over(column.generation_expression or "", names))
        return sql.SQL("ALTER COLUMN {} SET EXPRESSION AS ({})").format(sql.Identifier(column.name), expression)

    return Move(
        do=(exchange.alter(computed({t.column.name: t.final for t in exchange.twins})),),
        undo=(exchange.alter(computed({t.column.name: t.hidden for t in exchange.twins})),),
    )


def expression_over(expression: str, names: dict[str, str]) -> str:
    """A generation expression over other columns; it has no subqueries."""
    from pglast import parse_sql
    from pglast.stream import RawStream

    node: Any = parse_sql(f"SELECT {expression}")[0].stmt
    exchange_columns(node, names)
    text: str = RawStream()(node.targetList[0].val)
    return text
