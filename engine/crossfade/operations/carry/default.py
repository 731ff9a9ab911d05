"""The default of a column. The twin has none until contract, so that a value in it was written on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.exchange import Carried, Exchange, Move
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.exchange import Twin
    from crossfade.postgres.catalog import Column, Table


def carry(exchange: Exchange) -> Carried:
    """The default goes over in the transaction that exchanges the names; a partition's or child's own does, too."""
    return Carried(after=tuple(move for twin in exchange.twins for move in _moves(exchange, twin)))


def _moves(exchange: Exchange, twin: Twin) -> Iterator[Move]:
    name = twin.column.name
    columns = [(member, found) for member in exchange.family if (found := member.column(name)) is not None]
    if len({_expression(column) for _, column in columns}) == 1:
        alter, columns = sql.SQL("ALTER TABLE {} ALTER COLUMN {} {}"), columns[:1]
    else:
        alter = sql.SQL("ALTER TABLE ONLY {} ALTER COLUMN {} {}")
    for member, column in columns:
        expression = _expression(column)
        if expression is not None:
            yield _move(alter, member, expression, twin)


def _expression(column: Column) -> str | None:
    return None if column.default is None else column.default.expression


def _move(alter: sql.SQL, member: Table, expression: str, twin: Twin) -> Move:
    relation = sql.Identifier(member.name.schema, member.name.name)
    give = sql.SQL("SET DEFAULT {}").format(sql.SQL(expression))

    def handed(giver: str, taker: str) -> tuple[Statement, Statement]:
        away = alter.format(relation, sql.Identifier(giver), sql.SQL("DROP DEFAULT"))
        return Statement(text=render(away)), Statement(text=render(alter.format(relation, sql.Identifier(taker), give)))

    return Move(do=handed(twin.hidden, twin.final), undo=handed(twin.final, twin.hidden))
