"""NOT NULL of a column: a CHECK on the twin that is validated while everybody goes on, and then proves SET NOT NULL.

`SET NOT NULL` and dropping the CHECK are two statements: in one the proof is gone before it is looked at, and all rows
are read (measured on 15 and 18). The hidden column gives its NOT NULL up where the twin may get values that cannot be
converted back. One that is NOT VALID, as from PostgreSQL 18 it may be, is no more than that afterwards: ALTER COLUMN …
TYPE keeps it so as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.constraints import unvalidated
from crossfade.operations.constraints.unvalidated import Unvalidated
from crossfade.operations.step import Part, Step, Turn
from crossfade.operations.tables.table_preflight import family_of
from crossfade.operations.twins import not_null_back
from crossfade.operations.twins.exchange import Carried, Exchange, Move, Twin, alter_table
from crossfade.operations.twins.not_null_back import NotNullBack

if TYPE_CHECKING:
    from crossfade.postgres.statement import Statement


def carry(exchange: Exchange) -> Carried:
    """The CHECK before contract, NOT NULL in it."""
    needed = tuple(t for t in exchange.twins if t.column.not_null and not of_key(exchange, t))
    proved = tuple(t for t in needed if _is_proved(exchange, t))
    return Carried(
        seal=tuple(step for twin in proved for step in proof(exchange, twin)),
        first=(
            *(proof_back(exchange, twin) for twin in proved),
            *(s for twin in needed if not twin.keeps_null_out for s in not_null_back.steps(_back(exchange, twin))),
        ),
        after=tuple(move for twin in needed for move in _moves(exchange, twin)),
    )


def _is_proved(exchange: Exchange, twin: Twin) -> bool:
    return _back(exchange, twin).is_proved


def _back(exchange: Exchange, twin: Twin) -> NotNullBack:
    return NotNullBack(place=exchange.place, table=exchange.table, column=twin.column, hidden=twin.hidden)


def of_key(exchange: Exchange, twin: Twin) -> bool:
    """Whether it is the matter of `key_not_null`: the way back needs NOT NULL of the hidden column from the first."""
    return exchange.is_of_key(twin) and not twin.keeps_null_out


def _proof(exchange: Exchange, twin: Twin) -> Unvalidated:
    return Unvalidated(
        table=exchange.table,
        name=exchange.own_name("nn", twin.column.name),
        definition=sql.SQL("CHECK ({} IS NOT NULL)").format(sql.Identifier(twin.name)),
        id=f"not_null/{twin.column.name}",
        comment=exchange.place.mark,
    )


def proof(exchange: Exchange, twin: Twin) -> Iterator[Step]:
    """The CHECK that proves it."""
    # It goes with its column.
    yield replace(unvalidated.add(exchange.place, _proof(exchange, twin)), undo=())
    yield unvalidated.validate(exchange.place, _proof(exchange, twin))


def proof_back(exchange: Exchange, twin: Twin) -> Step:
    """A step in front of the one that hides: nothing but its undo, which validates what that one's undo has added."""
    name = _proof(exchange, twin).name
    return Step(
        id=exchange.place.id(f"back/{twin.column.name}/proof"),
        part=Part.HIDE,
        turn=Turn.BEFORE,
        title=f"nothing now; on the way back prove, while everybody goes on, that {twin.name} of "
        f"{exchange.table.name} has no NULL",
        statements=(),
        undo=(exchange.alter(sql.SQL("VALIDATE CONSTRAINT {}").format(sql.Identifier(name))),),
        done="SELECT true",
    )


def _moves(exchange: Exchange, twin: Twin) -> Iterator[Move]:
    named = twin.column.not_null_constraint
    aside = exchange.own_name("hidden", named or "", twin.column.name)
    if not twin.keeps_null_out:
        do, undo = not_null_back.give_up(_back(exchange, twin))
        yield Move(do=do, undo=undo)
    elif named is not None:
        yield Move(
            do=(unvalidated.rename(exchange.table, named, aside),),
            undo=(unvalidated.rename(exchange.table, aside, named),),
        )
    yield taken(exchange, twin)


def taken(exchange: Exchange, twin: Twin) -> Move:
    """NOT NULL of the twin, in place of the CHECK that proves it."""
    if not _is_proved(exchange, twin):
        return Move(do=tuple(set_not_null(exchange, twin, twin.final)), undo=tuple(drop_not_null(exchange, twin.final)))
    name = _proof(exchange, twin).name
    gone = sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(name))
    again = sql.SQL("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID").format(
        sql.Identifier(name), sql.Identifier(twin.final)
    )
    return Move(
        do=(*set_not_null(exchange, twin, twin.final), exchange.alter(gone)),
        undo=(
            *drop_not_null(exchange, twin.final),
            exchange.alter(again),
            *unvalidated.comment_on(exchange.table, name, exchange.place.mark),
        ),
    )


def drop_not_null(exchange: Exchange, column: str) -> Iterator[Statement]:
    """NOT NULL away, on partitions too: from PostgreSQL 18 a partition whose primary key is added has its own."""
    table = exchange.table
    members = family_of(table, exchange.catalog) if table.kind == "partitioned" else (table,)
    for member in members:
        yield alter_table(member, sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(sql.Identifier(column)))


def set_not_null(exchange: Exchange, twin: Twin, column: str) -> Iterator[Statement]:
    """NOT NULL of one of the two columns, as the replaced one had it."""
    yield exchange.alter(not_null_back.as_it_was(exchange.table, twin.column, column))
