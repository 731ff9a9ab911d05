"""NOT NULL of a column: a CHECK on the twin that is validated while everybody goes on, and then proves SET NOT NULL.

`SET NOT NULL` and dropping the CHECK are two statements: in one the proof is gone before it is looked at, and all rows
are read (measured on 15 and 18). The hidden column gives its NOT NULL up where the twin may get values that cannot be
converted back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations import constraints, not_null_back
from crossfade.operations.constraints import Unvalidated
from crossfade.operations.exchange import Carried, Exchange, Move, Twin
from crossfade.operations.not_null_back import NotNullBack

if TYPE_CHECKING:
    from crossfade.operations.step import Step
    from crossfade.postgres.statement import Statement


def carry(exchange: Exchange) -> Carried:
    """The CHECK before contract, NOT NULL in it."""
    needed = tuple(t for t in exchange.twins if t.column.not_null)
    return Carried(
        seal=tuple(step for twin in needed for step in _proof(exchange, twin)),
        first=tuple(
            step for twin in needed if not twin.keeps_null_out for step in not_null_back.steps(_back(exchange, twin))
        ),
        after=tuple(move for twin in needed for move in _moves(exchange, twin)),
    )


def _back(exchange: Exchange, twin: Twin) -> NotNullBack:
    return NotNullBack(place=exchange.place, table=exchange.table, column=twin.column, hidden=twin.hidden)


def _check_name(exchange: Exchange, twin: Twin) -> str:
    return exchange.own_name("nn", twin.column.name)


def _proof(exchange: Exchange, twin: Twin) -> Iterator[Step]:
    proof = Unvalidated(
        table=exchange.table,
        name=_check_name(exchange, twin),
        definition=sql.SQL("CHECK ({} IS NOT NULL)").format(sql.Identifier(twin.name)),
        id=f"not_null/{twin.column.name}",
        comment=exchange.place.mark,
    )
    # It goes with its column.
    yield replace(constraints.add(exchange.place, proof), undo=())
    yield constraints.validate(exchange.place, proof)


def _moves(exchange: Exchange, twin: Twin) -> Iterator[Move]:
    proof = sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(_check_name(exchange, twin)))
    proof_again = sql.SQL("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID").format(
        sql.Identifier(_check_name(exchange, twin)), sql.Identifier(twin.final)
    )
    final = sql.Identifier(twin.final)
    named = twin.column.not_null_constraint
    aside = exchange.own_name("hidden", named or "", twin.column.name)
    if not twin.keeps_null_out:
        do, undo = not_null_back.give_up(_back(exchange, twin))
        yield Move(do=do, undo=undo)
    elif named is not None:
        yield Move(
            do=(constraints.rename(exchange.table, named, aside),),
            undo=(constraints.rename(exchange.table, aside, named),),
        )
    yield Move(
        do=(*_set(exchange, final, named), exchange.alter(proof)),
        undo=(exchange.alter(sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(final)), exchange.alter(proof_again)),
    )


def _set(exchange: Exchange, column: sql.Identifier, named: str | None) -> Iterator[Statement]:
    """NOT NULL; from PostgreSQL 18 it is a constraint with a name."""
    if named is None:
        yield exchange.alter(sql.SQL("ALTER COLUMN {} SET NOT NULL").format(column))
    else:
        yield exchange.alter(sql.SQL("ADD CONSTRAINT {} NOT NULL {}").format(sql.Identifier(named), column))
