"""Functions whose body PostgreSQL keeps parsed (`BEGIN ATOMIC`): their text is read again as the names change.

`CREATE OR REPLACE` keeps the function with its owner, rights and comment, so that whoever uses it notices nothing; only
its mark DEPENDS ON EXTENSION it drops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.tables.extension_marks import marked
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.operations.twins.twin_trials import function_trial
from crossfade.operations.views.deparsed import repeatable
from crossfade.postgres.statement import Statement

if TYPE_CHECKING:
    from crossfade.postgres.catalog import SqlFunction


def carry(exchange: Exchange) -> Carried:
    """Every such function over the columns reads them again, there and back."""
    found = _over(exchange)
    again = tuple(statement for f in found for statement in _again(f))
    return Carried(
        before=(Move(do=(), undo=again),),
        renewed=(Move(do=again, undo=()),),
        refusals=tuple(_refusals(found)),
        trials=tuple(trial for f in found for trial in function_trial(exchange, f"function {f.name}", f.definition)),
    )


def _again(function: SqlFunction) -> Iterator[Statement]:
    yield Statement(text=repeatable(function.definition))
    yield from marked(sql.SQL("ROUTINE {}").format(sql.SQL(function.name)), function.extensions)


def _over(exchange: Exchange) -> tuple[SqlFunction, ...]:
    found = {
        function.name: function
        for member in exchange.family
        for function in member.sql_functions
        if exchange.columns & {*function.columns}
    }
    return tuple(found.values())


def _refusals(found: tuple[SqlFunction, ...]) -> Iterator[Refusal]:
    for function in found:
        if not function.owned:
            yield Refusal(
                code="not_owner",
                object=f"function {function.name}",
                message="its body uses the column, and this role is not (a member of) its owner.",
                instead="Grant its owner to the role crossfade uses, or drop the function first.",
            )
