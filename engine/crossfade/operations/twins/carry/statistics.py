"""Extended statistics over a column: a copy over the twin before contract, which the seal's ANALYZE fills.

In contract the names change hands, so that the planner is never without; the old ones go with their column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.indexes.index_copy import NO_TYPES, exchange_columns, exchange_types
from crossfade.operations.step import Part, Step
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.operations.twins.twin_trials import statistics_trial
from crossfade.operations.views.deparsed import repeatable
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import ExtendedStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """Statistics, the copy's name until contract, and the original's from then on."""

    original: ExtendedStatistics
    name: QualifiedName
    hidden: QualifiedName


def carry(exchange: Exchange) -> Carried:
    """The copies, and the exchange of names."""
    found = tuple(_copies(exchange))
    return Carried(
        seal=tuple(_build(exchange, copy) for copy in found),
        before=tuple(_aside(copy) for copy in found),
        after=tuple(_take(exchange, copy) for copy in found),
        refusals=tuple(_refusals(found)),
        trials=tuple(
            statistics_trial(exchange, f"statistics {copy.original.name}", copy.original.definition) for copy in found
        ),
    )


def _copies(exchange: Exchange) -> Iterator[_Copy]:
    for member in exchange.family:
        for statistics in member.extended_statistics:
            if exchange.columns & {*statistics.columns}:
                name = statistics.name
                yield _Copy(
                    original=statistics,
                    name=QualifiedName(name.schema, exchange.own_name("st", name.schema, name.name)),
                    hidden=QualifiedName(name.schema, exchange.own_name("hidden", name.schema, name.name)),
                )


def _refusals(found: tuple[_Copy, ...]) -> Iterator[Refusal]:
    for copy in found:
        if not copy.original.owned:
            yield Refusal(
                code="not_owner",
                object=f"statistics {copy.original.name}",
                message=f"this role is not (a member of) their owner {copy.original.owner}.",
                instead=f"Connect as {copy.original.owner}, or run: GRANT {copy.original.owner} TO the role crossfade "
                "uses.",
            )


def _build(exchange: Exchange, copy: _Copy) -> Step:
    original, name = copy.original, _identifier(copy.name)
    made = [
        Statement(text=definition_over(original.definition, exchange.names, copy.name, exchange.types)),
        _comment(copy.name, exchange.place.mark),
    ]
    if original.target is not None:
        text = sql.SQL("ALTER STATISTICS {} SET STATISTICS {}").format(name, sql.Literal(original.target))
        made.append(Statement(text=render(text)))
    text = sql.SQL("ALTER STATISTICS {} OWNER TO {}").format(name, sql.Identifier(original.owner))
    made.append(Statement(text=render(text)))
    # They go with their column.
    return Step(
        id=exchange.place.id(f"statistics/{original.name.name}"),
        part=Part.SEAL,
        title=f"make a copy of statistics {original.name.name} over the new shape",
        statements=tuple(made),
        done=_exists(copy.name),
    )


def definition_over(
    definition: str,
    twins: dict[str, str],
    name: QualifiedName,
    types: Mapping[QualifiedName, QualifiedName] = NO_TYPES,
) -> str:
    """A CREATE STATISTICS over other columns, perhaps of other types, and under another name."""
    from pglast import parse_sql
    from pglast.ast import String
    from pglast.stream import RawStream

    node: Any = parse_sql(repeatable(definition))[0].stmt
    node.defnames = (String(sval=name.schema), String(sval=name.name))
    exchange_columns(node, twins)
    exchange_types(node, types)
    text: str = RawStream()(node)
    return text


def _exists(name: QualifiedName) -> str:
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_statistic_ext AS s "
            "JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace WHERE n.nspname = {} AND s.stxname = {})"
        ).format(sql.Literal(name.schema), sql.Literal(name.name))
    )


def _aside(copy: _Copy) -> Move:
    return Move(
        do=(_rename(copy.original.name, copy.hidden.name),),
        undo=(_rename(copy.hidden, copy.original.name.name),),
    )


def _take(exchange: Exchange, copy: _Copy) -> Move:
    users = copy.original.name
    return Move(
        do=(_rename(copy.name, users.name), _comment(users, copy.original.comment)),
        undo=(_rename(users, copy.name.name), _comment(copy.name, exchange.place.mark)),
    )


def _rename(source: QualifiedName, target: str) -> Statement:
    text = sql.SQL("ALTER STATISTICS {} RENAME TO {}").format(_identifier(source), sql.Identifier(target))
    return Statement(text=render(text))


def _comment(name: QualifiedName, comment: str | None) -> Statement:
    text = sql.SQL("COMMENT ON STATISTICS {} IS {}").format(_identifier(name), sql.Literal(comment))
    return Statement(text=render(text))


def _identifier(name: QualifiedName) -> sql.Identifier:
    return sql.Identifier(name.schema, name.name)
