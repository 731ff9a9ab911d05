"""Bodies of DO blocks and functions: the statements inside, with their places in the file.

PL/pgSQL is parsed by PostgreSQL's own parser; the text of EXECUTE is looked into where it is one constant. Of a DO
block every statement that does something is given, whatever condition it is under. Of a function only those that change
the schema: what it does with rows is the app's own work, and nobody knows when. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.migrations.script import Script, SqlStatement
from crossfade.postgres.forecast.trees import NotOneStatement, constant, kind, names, one_statement, option, parse

if TYPE_CHECKING:
    from crossfade.migrations.script import Source

_OF_SCHEMA_TEXT = "ALTER CREATE DROP REINDEX TRUNCATE REFRESH CLUSTER VACUUM LOCK COMMENT"
_OF_SCHEMA = frozenset(_OF_SCHEMA_TEXT.split())
_OF_ROWS = frozenset({"UPDATE", "DELETE", "INSERT", "MERGE"})
_ROW_KINDS = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The statements inside of one."""

    described: str
    """`a DO block`, `the function archive`."""
    runs_now: bool
    """They run where the statement stands."""
    statements: tuple[SqlStatement, ...]


@dataclass(frozen=True, slots=True)
class _Text:
    """The body as it stands in the file; None for `begin` where it is quoted in another way."""

    statement: SqlStatement
    body: str
    begin: int | None

    @property
    def source(self) -> Source:
        return self.statement.source


def body_of(statement: SqlStatement) -> Body | None:
    """What is inside of the statement, if it is a DO block or makes a function in PL/pgSQL or SQL."""
    match kind(statement.tree):
        case "DoStmt":
            found = _body(statement, statement.tree.args)
            if found is None or not _may_hold(found.body, _OF_SCHEMA | _OF_ROWS):
                return None
            inside = tuple(_of_plpgsql(found))
            return Body(described="a DO block", runs_now=True, statements=_without(inside, frozenset({"SelectStmt"})))
        case "CreateFunctionStmt":
            found = _body(statement, statement.tree.options)
            if found is None or not _may_hold(found.body, _OF_SCHEMA):
                return None
            is_sql = _language(statement.tree.options) == "sql"
            inside = tuple(_of_sql(found) if is_sql else _of_plpgsql(found))
            word = "procedure" if statement.tree.is_procedure else "function"
            described = f"the {word} {names(statement.tree.funcname)[-1]}"
            return Body(described=described, runs_now=False, statements=_without(inside, _ROW_KINDS))
        case _:
            return None


def _without(statements: tuple[SqlStatement, ...], kinds: frozenset[str]) -> tuple[SqlStatement, ...]:
    return tuple(s for s in statements if kind(s.tree) not in kinds)


def _may_hold(body: str, words: frozenset[str]) -> bool:
    """A cheap look before the parser's: none of the words, none of the statements."""
    upper = body.upper()
    return any(word in upper for word in words)


def _language(options: Any) -> str:
    found = option(options, "language")
    return str(found.arg.sval).lower() if found is not None else "plpgsql"


def _body(statement: SqlStatement, options: Any) -> _Text | None:
    written = option(options, "as")
    if written is None or _language(options) not in {"plpgsql", "sql"}:
        return None
    body = str(names(written.arg)[0])
    begin = statement.source.text.find(body, statement.begin, statement.end)
    return _Text(statement, body, begin if begin >= 0 else None)


def _of_sql(text: _Text) -> Iterator[SqlStatement]:
    """A body in SQL is statements as they stand."""
    if text.begin is not None:
        yield from Script(source=text.source, begin=text.begin, end=text.begin + len(text.body)).statements
        return
    for tree in _trees(text.body):
        yield _located(text, tree, text.body, line=1)


def _of_plpgsql(text: _Text) -> Iterator[SqlStatement]:
    from pglast import parse_plpgsql
    from pglast.parser import ParseError

    try:
        parsed = parse_plpgsql(text.statement.sql)
    except (ParseError, UnicodeError, ValueError):
        return
    for line, query, is_text in _queries(parsed, 1):
        written = _written(query) if is_text else query
        for tree in _trees(written):
            yield _located(text, tree, written or "", line)


def _queries(node: Any, line: int) -> Iterator[tuple[int, str, bool]]:
    """Every statement of SQL in the order of the body: its line there, its text, whether that is an expression."""
    if isinstance(node, list):
        for part in node:
            yield from _queries(part, line)
        return
    if not isinstance(node, dict):
        return
    for name, part in node.items():
        here = part.get("lineno", line) if isinstance(part, dict) else line
        match name:
            case "PLpgSQL_stmt_execsql":
                yield here, part["sqlstmt"]["PLpgSQL_expr"]["query"], False
            case "PLpgSQL_stmt_dynexecute":
                yield here, part["query"]["PLpgSQL_expr"]["query"], True
            case _:
                yield from _queries(part, here)


def _written(query: str) -> str | None:
    """The text that EXECUTE is given, where it is a constant."""
    try:
        targets = one_statement(f"SELECT {query}").targetList
    except NotOneStatement:
        return None
    value = constant(targets[0].val) if len(targets) == 1 else None
    return value if isinstance(value, str) else None


def _trees(sql: str | None) -> tuple[Any, ...]:
    try:
        return parse(sql) if sql else ()
    except NotOneStatement:
        return ()


def _located(text: _Text, tree: Any, sql: str, line: int) -> SqlStatement:
    """The statement where the file has it; where that cannot be told, at its line of the body."""
    outer = text.statement
    if text.begin is None:
        return SqlStatement(
            source=text.source, begin=outer.begin, end=outer.end, sql=sql, tree=tree, origin=outer.begin
        )
    place = text.begin
    for _ in range(line - 1):
        place = text.source.text.find("\n", place, outer.end) + 1 or place
    found = text.source.text.find(sql, place, text.begin + len(text.body))
    if found >= 0:
        return SqlStatement(source=text.source, begin=found, end=found + len(sql), sql=sql, tree=tree, origin=found)
    rest = text.source.text[place : outer.end]
    begin = place + len(rest) - len(rest.lstrip())
    end = text.source.text.find("\n", begin, outer.end)
    return SqlStatement(
        source=text.source, begin=begin, end=end if end >= 0 else outer.end, sql=sql, tree=tree, origin=begin
    )
