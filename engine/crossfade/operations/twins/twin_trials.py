"""What hangs on a column, tried over its new type before anything is touched. Pure: each trial is a value.

A view, a policy or an index that is fine over `int` need not be so over `text`. Each is put before the database over
the trial's empty table, which stands in its text for the tables that are exchanged; nothing of it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.constraints.foreign_key_preflight import primary_key
from crossfade.operations.indexes.index_build import printed
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.operations.views.deparsed import repeatable
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.twins.exchange import Exchange
    from crossfade.postgres.catalog import View

_SCHEMA, _TABLE = TRIAL_TABLE.split(".")
_MADE = "crossfade_trial_object"


def condition_trial(exchange: Exchange, where: str, condition: str, table: QualifiedName) -> Trial:
    """A condition over the rows of `table`, perhaps with subqueries."""
    text = sql.SQL("CREATE TEMPORARY VIEW {} AS SELECT 1 AS one FROM {} WHERE ({})").format(
        sql.Identifier(_MADE), sql.Identifier(table.schema, table.name), sql.SQL(condition)
    )
    return _trial(exchange, where, condition, _over_trial_table(exchange, render(text)))


def when_trial(exchange: Exchange, where: str, condition: str) -> Trial:
    """A trigger's WHEN clause, over `old` and `new`."""
    text = sql.SQL("CREATE TEMPORARY VIEW {} AS SELECT 1 AS one FROM {} AS old, {} AS new WHERE ({})").format(
        sql.Identifier(_MADE), sql.SQL(TRIAL_TABLE), sql.SQL(TRIAL_TABLE), sql.SQL(condition)
    )
    return _trial(exchange, where, condition, render(text))


def check_trial(exchange: Exchange, where: str, definition: str) -> Trial:
    """A CHECK as the server prints it."""
    text = sql.SQL("ALTER TABLE {} ADD {}").format(sql.SQL(TRIAL_TABLE), sql.SQL(definition))
    return _trial(exchange, where, definition, render(text))


def generated_trial(exchange: Exchange, where: str, spelling: str, expression: str) -> Trial:
    """The expression of a virtual column of this type."""
    text = sql.SQL("ALTER TABLE {} ADD COLUMN {} {} GENERATED ALWAYS AS ({}) VIRTUAL").format(
        sql.SQL(TRIAL_TABLE), sql.Identifier(_MADE), sql.SQL(spelling), sql.SQL(expression)
    )
    return _trial(exchange, where, expression, render(text))


def index_trial(exchange: Exchange, where: str, definition: str) -> Trial:
    """A CREATE INDEX as the server prints it."""
    from pglast import parse_sql

    node: Any = parse_sql(definition)[0].stmt
    node.idxname, node.tableSpace = _MADE, None
    node.relation.schemaname, node.relation.relname, node.relation.inh = _SCHEMA, _TABLE, True
    return _trial(exchange, where, definition, printed(node))


def statistics_trial(exchange: Exchange, where: str, definition: str) -> Trial:
    """A CREATE STATISTICS as the server prints it."""
    from pglast import parse_sql
    from pglast.ast import String
    from pglast.stream import RawStream

    node: Any = parse_sql(repeatable(definition))[0].stmt
    node.defnames = (String(sval=_SCHEMA), String(sval=_MADE))
    node.relations[0].schemaname, node.relations[0].relname = _SCHEMA, _TABLE
    return _trial(exchange, where, definition, RawStream()(node))


def view_trials(exchange: Exchange, views: tuple[View, ...]) -> Iterator[Trial]:
    """The queries of views in their order; one on top of another is tried over that one's query."""
    for view in views:
        columns = sql.SQL("({})").format(sql.SQL(", ").join(sql.Identifier(c.name) for c in view.columns))
        text = sql.SQL("CREATE TEMPORARY VIEW {} {} AS {}").format(
            sql.Identifier(_MADE), columns if view.columns else sql.SQL(""), sql.SQL(repeatable(view.definition))
        )
        yield _trial(exchange, str(view.name), view.definition, _over_trial_table(exchange, render(text), views))


def function_trial(exchange: Exchange, where: str, definition: str) -> Iterator[Trial]:
    """A function with a parsed body; none where its text is beyond our parser's grammar."""
    from pglast.ast import String
    from pglast.parser import ParseError, parse_sql
    from pglast.stream import RawStream

    try:
        node: Any = parse_sql(repeatable(definition))[0].stmt
    except ParseError:
        return
    # Its arguments may be qualified by its name.
    node.funcname, node.replace = (String(sval=_SCHEMA), node.funcname[-1]), False
    yield _trial(exchange, where, definition, _over_trial_table(exchange, RawStream()(node)))


def _trial(exchange: Exchange, where: str, shown: str, statement: str) -> Trial:
    # A child may have columns that its parent has not.
    types = {c.name: c.type for member in reversed(exchange.family) for c in member.columns}
    types |= {twin.column.name: twin.type.spelling for twin in exchange.twins}
    return Trial(
        where=where,
        shown=shown,
        columns=tuple(types.items()),
        statement=statement,
        key=primary_key(exchange.table),
    )


def _over_trial_table(exchange: Exchange, text: str, views: Iterable[View] = ()) -> str:
    """The statement with the trial's table in place of the exchanged ones, and with queries in place of the views."""
    from pglast import ast
    from pglast.parser import ParseError, parse_sql
    from pglast.stream import RawStream
    from pglast.visitors import Visitor

    family = {member.name for member in exchange.family}
    by_name = {view.name: view for view in views}

    class Exchanged(Visitor):
        """Relations by their schema and name."""

        def visit_RangeVar(self, _ancestors: Any, relation: Any) -> Any:  # noqa: N802  # pglast finds it by this name
            name = QualifiedName(relation.schemaname or "", relation.relname)
            called = relation.alias or ast.Alias(aliasname=relation.relname)
            if name in family:
                relation.schemaname, relation.relname, relation.alias = _SCHEMA, _TABLE, called
            elif name in by_name:
                return _as_subquery(by_name[name], called)
            return None

    def _as_subquery(view: View, called: Any) -> Any:
        (statement,) = parse_sql(repeatable(view.definition))
        names = called.colnames or tuple(ast.String(sval=c.name) for c in view.columns)
        query: Any = statement.stmt
        Exchanged()(query)
        return ast.RangeSubselect(subquery=query, alias=ast.Alias(aliasname=called.aliasname, colnames=names))

    try:
        tree: Any = parse_sql(text)
    except ParseError:
        # Beyond our parser's grammar: the database tells when it is made.
        return "SELECT"
    Exchanged()(tree)
    printed_text: str = RawStream()(tree)
    return printed_text
