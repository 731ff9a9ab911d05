"""The default of a column. The twin has none until contract, so that a value in it was written on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.exchange import Carried, Exchange, Move

if TYPE_CHECKING:
    from crossfade.operations.exchange import Twin


def carry(exchange: Exchange) -> Carried:
    """The default goes over in the transaction that exchanges the names."""
    return Carried(after=tuple(move for twin in exchange.twins for move in _move(exchange, twin)))


def _move(exchange: Exchange, twin: Twin) -> Iterator[Move]:
    default = twin.column.default
    if default is None:
        return
    take = sql.SQL("ALTER COLUMN {} DROP DEFAULT")
    give = sql.SQL("ALTER COLUMN {} SET DEFAULT {}")
    expression = sql.SQL(default.expression)
    hidden, final = sql.Identifier(twin.hidden), sql.Identifier(twin.final)
    yield Move(
        do=(exchange.alter(take.format(hidden)), exchange.alter(give.format(final, expression))),
        undo=(exchange.alter(take.format(final)), exchange.alter(give.format(hidden, expression))),
    )
