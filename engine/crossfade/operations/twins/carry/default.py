"""The default of a column. The twin has none until contract, so that a value in it was written on purpose.

It is read from its text where its column has the name that it has now, on either way: a name in it may mean another
type by the time that the twin has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.sync.plan_defaults import readable
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.twins.exchange import Twin
    from crossfade.postgres.catalog import Column, Default, Table


def carry(exchange: Exchange) -> Carried:
    """The default goes over in the transaction that exchanges the names; a partition's or child's own does, too."""
    moves = tuple(pair for twin in exchange.twins for pair in _moves(exchange, twin))
    return Carried(before=tuple(away for away, _ in moves), after=tuple(given for _, given in moves))


def _moves(exchange: Exchange, twin: Twin) -> Iterator[tuple[Move, Move]]:
    name = twin.column.name
    columns = [(member, found) for member in exchange.family if (found := member.column(name)) is not None]
    if len({_expression(column) for _, column in columns}) == 1:
        alter, columns = sql.SQL("ALTER TABLE {} ALTER COLUMN {} {}"), columns[:1]
    else:
        alter = sql.SQL("ALTER TABLE ONLY {} ALTER COLUMN {} {}")
    for member, column in columns:
        if column.default is not None:
            yield _pair(alter, member, column.default, twin)


def _expression(column: Column) -> str | None:
    return None if column.default is None else column.default.expression


def _pair(alter: sql.SQL, member: Table, default: Default, twin: Twin) -> tuple[Move, Move]:
    """Away from the column, and to the twin."""
    relation = sql.Identifier(member.name.schema, member.name.name)

    def statement(column: str, action: sql.Composable) -> tuple[Statement]:
        return (Statement(text=render(alter.format(relation, sql.Identifier(column), action))),)

    def given(text: str) -> sql.Composable:
        return sql.SQL("SET DEFAULT {}").format(sql.SQL(text))

    away = sql.SQL("DROP DEFAULT")
    to_twin = statement(twin.final, given(of_twin(twin, default.expression)))
    return (
        Move(
            do=statement(twin.column.name, away),
            undo=readable(statement(twin.column.name, given(default.expression)), default),
        ),
        Move(
            do=readable(to_twin, default) if twin.of_default is None else (USERS_PATH, *to_twin, OUR_PATH),
            undo=statement(twin.final, away),
        ),
    )


def of_twin(twin: Twin, expression: str) -> str:
    """The twin's default, for one of the column: the same, or what the plan makes of its constant."""
    from pglast import parse_sql
    from pglast.ast import ColumnRef
    from pglast.stream import RawStream
    from pglast.visitors import Visitor

    if twin.of_default is None:
        return expression
    statement: Any = parse_sql(f"SELECT {expression}")[0].stmt
    constant = statement.targetList[0].val

    class Put(Visitor):
        """The constant in place of the column, the only one that is named."""

        def visit_ColumnRef(self, _ancestors: Any, _reference: ColumnRef) -> Any:  # noqa: N802  # found by this name
            return constant

    wrapped = (twin.of_default.tree(),)
    Put()(wrapped)
    text: str = RawStream()(wrapped[0])
    return text
