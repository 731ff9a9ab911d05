"""Rights, statistics target, options and comment of a column. Storage becomes the new type's, as in ALTER … TYPE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.twins.exchange import Carried, Exchange, Move, Twin
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column, Table


def carry(exchange: Exchange) -> Carried:
    """Rights and settings when the twin is made; the comment when it takes the name."""
    return Carried(
        expand=(
            *(s for twin in exchange.twins for s in given(exchange.table, twin.column, twin.name)),
            *(
                s
                for twin in exchange.twins
                for member, column in _below(exchange, twin)
                for s in _own(twin, member, column)
            ),
        ),
        after=(
            *(_comment(exchange, twin) for twin in exchange.twins),
            *(_own_comment(twin, *own) for twin in exchange.twins for own in _below(exchange, twin)),
        ),
    )


def _below(exchange: Exchange, twin: Twin) -> Iterator[tuple[Table, Column]]:
    """The column in each partition and child, which may have settings of its own."""
    for member in exchange.family:
        column = member.column(twin.column.name)
        if member is not exchange.table and column is not None:
            yield member, column


def _own(twin: Twin, member: Table, column: Column) -> Iterator[Statement]:
    """What it does not have from the table above: only a statistics target comes down by itself."""
    if column.statistics_target is None and twin.column.statistics_target is not None:
        text = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STATISTICS -1")
        relation = sql.Identifier(member.name.schema, member.name.name)
        yield Statement(text=render(text.format(relation, sql.Identifier(twin.name))))
    yield from given(member, column, twin.name)


def given(table: Table, column: Column, to: str) -> Iterator[Statement]:
    """What another column of the table gets of this one's: planner settings and rights."""
    relation = sql.Identifier(table.name.schema, table.name.name)
    alter = sql.SQL("ALTER TABLE {} ALTER COLUMN {} {}")
    for action in (*_target(column), *_options(column)):
        yield Statement(text=render(alter.format(relation, sql.Identifier(to), action)))
    for right in column.privileges:
        grantee = sql.SQL("PUBLIC") if right.grantee is None else sql.Identifier(right.grantee)
        grant = sql.SQL("GRANT {} ({}) ON TABLE {} TO {}{}").format(
            sql.SQL(right.privilege),
            sql.Identifier(to),
            relation,
            grantee,
            sql.SQL(" WITH GRANT OPTION" if right.grantable else ""),
        )
        yield Statement(text=render(grant))


def _target(column: Column) -> Iterator[sql.Composable]:
    if column.statistics_target is not None:
        yield sql.SQL("SET STATISTICS {}").format(sql.Literal(column.statistics_target))


def _options(column: Column) -> Iterator[sql.Composable]:
    if column.options:
        options = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, _, value in (o.partition("=") for o in column.options)
        )
        yield sql.SQL("SET ({})").format(options)


def _own_comment(twin: Twin, member: Table, column: Column) -> Move:
    """A partition's or child's comment."""

    def comment(name: str, text: str | None) -> Statement:
        place = sql.Identifier(member.name.schema, member.name.name, name)
        return Statement(text=render(sql.SQL("COMMENT ON COLUMN {} IS {}").format(place, sql.Literal(text))))

    if column.comment is None:
        return Move(do=(), undo=())
    return Move(
        do=(comment(twin.final, column.comment), comment(twin.hidden, None)),
        undo=(comment(twin.final, None), comment(twin.hidden, column.comment)),
    )


def _comment(exchange: Exchange, twin: Twin) -> Move:
    """The user's comment goes over, and our mark to the hidden column."""

    def comments(new: str | None, new_name: str, old: str | None, old_name: str) -> tuple[Statement, ...]:
        text = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
        return tuple(
            Statement(text=render(text.format(exchange.relation, sql.Identifier(name), sql.Literal(comment))))
            for name, comment in ((new_name, new), (old_name, old))
        )

    own, users = exchange.place.mark, twin.column.comment
    return Move(
        do=comments(users, twin.final, own, twin.hidden),
        undo=comments(own, twin.final, users, twin.hidden),
    )
