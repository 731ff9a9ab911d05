"""Publications that name a column in their column list or row filter: the table goes out and comes back in.

Both happen in the transaction that exchanges the names, so that a subscriber sees neither; the publication's other
tables and schemas are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Caution
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.operations.twins.twin_trials import condition_trial
from crossfade.operations.views.deparsed import repeatable
from crossfade.operations.views.recreate import Around
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.trial import Trial
    from crossfade.postgres.catalog import Publication, Table


@dataclass(frozen=True, slots=True)
class Found:
    """A publication, and the table of it that is meant."""

    table: Table
    publication: Publication


def carry(exchange: Exchange) -> Carried:
    """Out under the old names, and in under the new."""
    found = over(exchange.family, exchange.columns)
    moves = around(found)
    return Carried(
        before=(Move(do=moves.before, undo=moves.after),),
        renewed=(Move(do=moves.after, undo=moves.before),),
        refusals=tuple(refusals(found)),
        cautions=tuple(_cautions(found)),
        trials=tuple(trial for each in found for trial in _trials(exchange, each)),
    )


def over(family: tuple[Table, ...], columns: frozenset[str]) -> tuple[Found, ...]:
    """Those that have a member of the family for itself and name one of the columns."""
    return tuple(
        Found(member, publication)
        for member in family
        for naming in ({d.name for d in member.dependents if d.kind == "publication" and columns & {*d.columns}},)
        for publication in member.publications
        if quoted(publication.name) in naming
    )


def around(found: tuple[Found, ...]) -> Around:
    """For a transaction that alters the column: the tables go out and come back in."""
    return Around(
        before=tuple(_drop(each) for each in found),
        after=tuple(_add(each) for each in found),
    )


def _relation(found: Found) -> sql.Identifier:
    return sql.Identifier(found.table.name.schema, found.table.name.name)


def _drop(found: Found) -> Statement:
    text = sql.SQL("ALTER PUBLICATION {} DROP TABLE ONLY {}").format(
        sql.Identifier(found.publication.name), _relation(found)
    )
    return Statement(text=render(text))


def _add(found: Found) -> Statement:
    publication = found.publication
    parts = [
        sql.SQL("ALTER PUBLICATION {} ADD TABLE ONLY {}").format(sql.Identifier(publication.name), _relation(found))
    ]
    if publication.columns is not None:
        names = sql.SQL(", ").join(sql.Identifier(name) for name in publication.columns)
        parts.append(sql.SQL("({})").format(names))
    if publication.row_filter is not None:
        parts.append(sql.SQL("WHERE ({})").format(sql.SQL(publication.row_filter)))
    return Statement(text=repeatable(render(sql.SQL(" ").join(parts))))


def refusals(found: tuple[Found, ...]) -> Iterator[Refusal]:
    """Those that this role may not alter."""
    for each in found:
        if not each.publication.owned:
            yield Refusal(
                code="not_owner",
                object=f"publication {each.publication.name}",
                message=f"it names the column of {each.table.name}, and this role is not (a member of) its owner.",
                instead="Connect as its owner, or take the table out of it for the time of the change.",
            )


def _cautions(found: tuple[Found, ...]) -> Iterator[Caution]:
    for each in found:
        yield Caution(
            code="published_column",
            object=f"publication {each.publication.name}",
            message=f"it names the column of {each.table.name}, and sends the new one in its place from contract on: "
            "every subscriber's column has to take the new type's values by then.",
        )


def _trials(exchange: Exchange, found: Found) -> Iterator[Trial]:
    where, condition = f"publication {found.publication.name}", found.publication.row_filter
    if condition is not None:
        yield condition_trial(exchange, where, condition, found.table.name)
