"""Functions of ours over the columns of a row: an expression of the plan, stored parsed.

The body is BEGIN ATOMIC, so its names are settled when it is made, under the path of the role that started the run, and
nothing that is renamed later breaks it. Where it is called no path matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.sync import row_triggers
from crossfade.operations.sync.literals import typed
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes.fields import Values
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Column, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFunction:
    """One function, over columns by the names that they have until contract."""

    name: str
    """Without the schema."""
    columns: tuple[Column, ...]
    """Its arguments, in this order."""
    returns: str
    """In SQL's quoting."""
    body: sql.Composable
    """An expression, in which the arguments go by the names of the columns, or by `$1` and so on."""
    volatile: bool = False
    """It looks at other tables as they are at that very moment."""

    @property
    def identifier(self) -> sql.Identifier:
        """Its name, for SQL. No other function has it, so that it needs no arguments."""
        return row_triggers.own_function(self.name)

    def call(self, values: Iterable[sql.Composable]) -> sql.Composed:
        """A call with these values."""
        return sql.SQL("{}({})").format(self.identifier, sql.SQL(", ").join(values))

    def of_row(self) -> sql.Composed:
        """A call with the columns of the row that a query is about."""
        return self.call(sql.Identifier(c.staged) for c in self.columns)

    def create(self) -> Statement:
        """CREATE FUNCTION; the columns' own path has to be the session's, see `USERS_PATH`."""
        arguments = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(c.staged), sql.SQL(c.type)) for c in self.columns
        )
        return Statement(
            text=render(
                sql.SQL("CREATE FUNCTION {}({}) RETURNS {} LANGUAGE sql {} BEGIN ATOMIC SELECT {}; END").format(
                    self.identifier,
                    arguments,
                    sql.SQL(self.returns),
                    sql.SQL("VOLATILE" if self.volatile else "STABLE"),
                    self.body,
                )
            )
        )


def create(place: Place, functions: Iterable[RowFunction]) -> Iterator[Statement]:
    """All of them, which nobody else may call, and whose comments name the run."""
    made = tuple(functions)
    if not made:
        return
    yield USERS_PATH
    for function in made:
        yield function.create()
    yield OUR_PATH
    for function in made:
        yield from row_triggers.close_function(place.plan, function.identifier)


def drop(functions: Iterable[RowFunction]) -> Iterator[Statement]:
    """All of them away; does nothing where they are gone."""
    return row_triggers.drop_functions(function.identifier for function in functions)


def named(table: Table, names: Iterable[str]) -> tuple[Column, ...]:
    """Columns of a table by their final names; those that it has not are left out."""
    return tuple(column for name in names if (column := table.column(name)) is not None)


def body_over(expression: Expression, columns: Iterable[Column]) -> sql.SQL:
    """The expression over columns as they are named until contract, each with the collation that it has."""
    from pglast.ast import CollateClause, ColumnRef, String
    from pglast.stream import RawStream
    from pglast.visitors import Visitor

    by_name = {c.name: c for c in columns}

    class Settle(Visitor):
        """Names and collations of columns: an argument has its type's collation, whatever the column has."""

        def visit_ColumnRef(self, _ancestors: Any, reference: ColumnRef) -> Any:  # noqa: N802  # found by this name
            fields: Any = reference.fields
            column = by_name.get(fields[0].sval)
            if column is None or len(fields) > 1:
                return None
            settled = ColumnRef(fields=(String(sval=column.staged),))
            if column.collation is None:
                reference.fields = settled.fields
                return None
            collation = (String(sval=column.collation.schema), String(sval=column.collation.name))
            return CollateClause(arg=settled, collname=collation)

    tree = expression.tree()
    wrapped = (tree,)
    Settle()(wrapped)
    text: str = RawStream()(wrapped[0])
    return sql.SQL(text)


def fixes(place: Place, table: Table, fix: Values) -> Mapping[str, RowFunction]:
    """What columns get, by their final names: a function for each expression of the plan."""
    return {
        name: RowFunction(
            name=place.name("fix", table.name.schema, table.name.name, column.name),
            columns=named(table, expression.columns),
            returns=column.type,
            body=sql.SQL(typed(render(body_over(expression, table.columns)), column.type, column.base_type)),
        )
        for name, expression in fix.items()
        for column in named(table, [name])
    }


def assignment(table: Table, fix: Mapping[str, RowFunction]) -> str:
    """The SET list of an UPDATE that gives columns what these functions say."""
    return render(
        sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column.staged), function.of_row())
            for name, function in fix.items()
            for column in named(table, [name])
        )
    )


def fix_trials(kind: str, key: str, table: Table, fix: Values) -> Iterator[Trial]:
    """Each expression assigned to its column, on an empty table."""
    for name, expression in fix.items():
        yield Trial(
            where=f"{key} of {kind} on {table.name}",
            shown=expression.text,
            columns=tuple((c.name, c.type) for c in table.columns),
            statement=render(
                sql.SQL("UPDATE {} SET {} = ({})").format(
                    sql.SQL(TRIAL_TABLE), sql.Identifier(name), sql.SQL(expression.sql)
                )
            ),
            value=expression.sql,
            functions=expression.functions,
        )
