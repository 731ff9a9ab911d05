"""NOT NULL of a column of the primary key, or of an identity, that may get values its old type does not hold.

Contract lets the hidden column go without NOT NULL, since what cannot be converted back becomes NULL there. The old
primary key and the old identity can only come back over a column that is NOT NULL, in the transaction that gives the
names back. So a revert proves that there is no NULL while the old shape is still hidden: a CHECK for new writes, its
validation; both in steps after the one that hides, which do nothing until they are taken back. Where a value does not
fit, the revert stops before it adds the CHECK: nothing is exchanged, and no write fails for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.constraints import unvalidated
from crossfade.operations.step import Guard, Part, Step
from crossfade.operations.twins.carry import not_null
from crossfade.operations.twins.exchange import Carried, Exchange, Move, Twin, negated
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.postgres.statement import Statement


def carry(exchange: Exchange) -> Carried:
    """The CHECK on the twin before contract, NOT NULL in it, and the way back."""
    needed = tuple(t for t in exchange.twins if t.column.not_null and not_null.of_key(exchange, t))
    return Carried(
        seal=tuple(step for twin in needed for step in not_null.proof(exchange, twin)),
        first=tuple(not_null.proof_back(exchange, twin) for twin in needed),
        after=tuple(move for twin in needed for move in (_give_up(exchange, twin), not_null.taken(exchange, twin))),
        later=tuple(step for twin in needed for step in _way_back(exchange, twin)),
    )


def _check(exchange: Exchange, twin: Twin) -> sql.Identifier:
    return sql.Identifier(exchange.own_name("back", twin.column.name))


def _give_up(exchange: Exchange, twin: Twin) -> Move:
    gone = sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(_check(exchange, twin))
    return Move(
        do=tuple(not_null.drop_not_null(exchange, twin.hidden)),
        undo=(*not_null.set_not_null(exchange, twin, twin.hidden), exchange.alter(gone)),
    )


def _way_back(exchange: Exchange, twin: Twin) -> Iterator[Step]:
    check, hidden = _check(exchange, twin), sql.Identifier(twin.hidden)
    validate = sql.SQL("VALIDATE CONSTRAINT {}").format(check)
    add = sql.SQL("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID").format(check, hidden)
    column = f"{twin.column.name} of {exchange.table.name}"
    guards = (_does_not_fit(exchange, twin),)
    step = _only_back(
        exchange,
        f"back/{twin.column.name}/validate",
        f"nothing now; on the way back prove, while everybody goes on, that every {column} fits its old type",
        (exchange.alter(validate),),
    )
    yield replace(step, guards=guards)
    comment = unvalidated.comment_on(exchange.table, exchange.own_name("back", twin.column.name), exchange.place.mark)
    step = _only_back(
        exchange,
        f"back/{twin.column.name}/check",
        f"nothing now; on the way back take only values of {column} that fit its old type",
        (exchange.alter(add), *comment),
    )
    gone = sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(check)
    is_back = unvalidated.exists(exchange.table, exchange.own_name("back", twin.column.name))
    yield replace(step, guards=guards, cleanup=(exchange.alter(gone),), done=negated(is_back))


def _does_not_fit(exchange: Exchange, twin: Twin) -> Guard:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} IS NULL)").format(
        exchange.relation, sql.Identifier(twin.hidden)
    )
    return Guard(
        relation=render(exchange.relation),
        query=render(query),
        what=f"values of {twin.column.name} in {exchange.table.name} that {twin.column.type} does not hold",
        rows=render(sql.SQL("{} IS NULL").format(sql.Identifier(twin.hidden))),
    )


def _only_back(exchange: Exchange, what: str, title: str, undo: tuple[Statement, ...]) -> Step:
    return Step(id=exchange.place.id(what), part=Part.HIDE, title=title, statements=(), undo=undo, done="SELECT true")
