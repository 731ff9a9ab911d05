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
from crossfade.operations.deparsed import repeatable
from crossfade.operations.exchange import Carried, Exchange, Move
from crossfade.operations.step import Caution
from crossfade.operations.table_preflight import family_of
from crossfade.operations.twin_trials import condition_trial
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Trial
    from crossfade.postgres.catalog import Publication, Table


@dataclass(frozen=True, slots=True)
class _Found:
    """A publication, and the table of it that is meant."""

    table: Table
    publication: Publication


def carry(exchange: Exchange) -> Carried:
    """Out under the old names, and in under the new."""
    found = tuple(_over(exchange))
    out = tuple(_alter(each, sql.SQL("DROP TABLE ONLY {}")) for each in found)
    in_again = tuple(_add(each) for each in found)
    return Carried(
        before=(Move(do=out, undo=in_again),),
        renewed=(Move(do=in_again, undo=out),),
        refusals=tuple(_refusals(found)),
        cautions=tuple(_cautions(found)),
        trials=tuple(trial for each in found for trial in _trials(exchange, each)),
    )


def _over(exchange: Exchange) -> Iterator[_Found]:
    """Those that have the table, or a partition or child of it, for itself, and name one of the columns."""
    for member in family_of(exchange.table, exchange.catalog):
        naming = {d.name for d in member.dependents if d.kind == "publication" and exchange.columns & {*d.columns}}
        yield from (_Found(member, p) for p in member.publications if quoted(p.name) in naming)


def _relation(found: _Found) -> sql.Identifier:
    return sql.Identifier(found.table.name.schema, found.table.name.name)


def _alter(found: _Found, action: sql.SQL) -> Statement:
    text = sql.SQL("ALTER PUBLICATION {} {}").format(
        sql.Identifier(found.publication.name), action.format(_relation(found))
    )
    return Statement(text=render(text))


def _add(found: _Found) -> Statement:
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


def _refusals(found: tuple[_Found, ...]) -> Iterator[Refusal]:
    for each in found:
        if not each.publication.owned:
            yield Refusal(
                code="not_owner",
                object=f"publication {each.publication.name}",
                message=f"it names the column of {each.table.name}, and this role is not (a member of) its owner.",
                instead="Connect as its owner, or take the table out of it for the time of the change.",
            )


def _cautions(found: tuple[_Found, ...]) -> Iterator[Caution]:
    for each in found:
        yield Caution(
            code="published_column",
            object=f"publication {each.publication.name}",
            message=f"it names the column of {each.table.name}, and sends the new one in its place from contract on: "
            "every subscriber's column has to take the new type's values by then.",
        )


def _trials(exchange: Exchange, found: _Found) -> Iterator[Trial]:
    where, condition = f"publication {found.publication.name}", found.publication.row_filter
    if condition is not None:
        yield condition_trial(exchange, where, condition, found.table.name)
