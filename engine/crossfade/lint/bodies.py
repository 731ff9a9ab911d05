"""Bodies of DO blocks and functions: the statements inside, with their places in the file.

PL/pgSQL is parsed by PostgreSQL's own parser; the text of EXECUTE is looked into where constants make it. Of a DO
block every statement that does something is given, whatever condition it is under. Of a function only those that change
the schema: what it does with rows is the app's own work, and nobody knows when, unless the file calls it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crossfade.lint.executed_text import assigned_value, constant_variables, executed_text, known_words
from crossfade.migrations.script import Script, SqlStatement
from crossfade.postgres.forecast.trees import NotOneStatement, functions_of, kind, names, option, parse

if TYPE_CHECKING:
    from crossfade.migrations.script import Source

_OF_SCHEMA_TEXT = "ALTER CREATE DROP REINDEX TRUNCATE REFRESH CLUSTER VACUUM LOCK COMMENT"
_OF_SCHEMA = frozenset(_OF_SCHEMA_TEXT.split())
_OF_ROWS = frozenset({"UPDATE", "DELETE", "INSERT", "MERGE", "SETVAL"})
_SENT: Mapping[str, tuple[str, bool]] = {
    "PLpgSQL_stmt_execsql": ("sqlstmt", False),
    "PLpgSQL_stmt_perform": ("expr", False),
    "PLpgSQL_stmt_dynexecute": ("query", True),
}
"""PL/pgSQL's statements that send SQL, the key that has it, and whether that is an expression."""
_STATEMENT, _EXPRESSION = 0, 2
"""What the parser says that a text is, its parseMode; those above are assignments, `target := expression`."""
_PLACEHOLDER = "${"
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
            return Body(described="a DO block", runs_now=True, statements=_acting(inside))
        case "CreateFunctionStmt":
            found = _body(statement, statement.tree.options)
            # What is parsed already, BEGIN ATOMIC, has rows only.
            if found is None or not _may_hold(found.body, _OF_SCHEMA):
                return None
            inside = _of_function(statement, found)
            return Body(described=_described(statement), runs_now=False, statements=_without(inside, _ROW_KINDS))
        case _:
            return None


def called_body(statement: SqlStatement) -> Body | None:
    """What a function that the statement makes does where it is called: with rows too."""
    found = _body(statement, statement.tree.options)
    if found is not None and _may_hold(found.body, _OF_SCHEMA | _OF_ROWS):
        inside = _of_function(statement, found)
    else:
        inside = tuple(_parsed_with(statement))
    inside = _acting(inside)
    return Body(described=_described(statement), runs_now=True, statements=inside) if inside else None


def _of_function(statement: SqlStatement, text: _Text) -> tuple[SqlStatement, ...]:
    return tuple(_of_sql(text) if _language(statement.tree.options) == "sql" else _of_plpgsql(text))


def _parsed_with(statement: SqlStatement) -> Iterator[SqlStatement]:
    """The statements of BEGIN ATOMIC … END, which are part of the function's own tree."""
    written = statement.tree.sql_body
    for tree in (one for part in written for one in part) if isinstance(written, tuple) else ():
        yield replace(statement, tree=tree)


def _described(statement: SqlStatement) -> str:
    word = "procedure" if statement.tree.is_procedure else "function"
    return f"the {word} {names(statement.tree.funcname)[-1]}"


def calling(statement: SqlStatement) -> Iterator[Any]:
    """Every statement and expression of a DO block or a function that may call functions."""
    if kind(statement.tree) == "CreateFunctionStmt" and not _is_plpgsql(statement.tree):
        found = _body(statement, statement.tree.options)
        yield from (inner.tree for inner in (_of_sql(found) if found is not None else _parsed_with(statement)))
        return
    for query in _expressions(_parsed(statement)):
        yield from _trees(query)


def _without(statements: tuple[SqlStatement, ...], kinds: frozenset[str]) -> tuple[SqlStatement, ...]:
    return tuple(s for s in statements if kind(s.tree) not in kinds)


def _acting(statements: tuple[SqlStatement, ...]) -> tuple[SqlStatement, ...]:
    """Without those that only read."""
    return tuple(s for s in statements if kind(s.tree) != "SelectStmt" or _may_write(s.tree))


def _may_write(select: Any) -> bool:
    """By WITH, or the numbers of a sequence."""
    return select.withClause is not None or any(called[-1] == "setval" for called in functions_of(select))


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
    parsed = _parsed(text.statement)
    variables = constant_variables(parsed) if parsed else {}
    for line, query, is_text in _queries(parsed, 1):
        written = executed_text(query, variables) if is_text else query
        for tree in _trees(written):
            yield (inner := _located(text, tree, written or "", line))
            if kind(tree) == "DoStmt" and (body := _body(inner, tree.args)) is not None:
                yield from _of_plpgsql(body)


def unseen_texts(statement: SqlStatement) -> Iterator[tuple[str, bool]]:
    """What EXECUTE in the body is given where nobody can tell the text, and whether it may be about the schema.

    The second is so where a constant part of it says so, or where no part is known at all.
    """
    node = statement.tree
    if kind(node) not in {"DoStmt", "CreateFunctionStmt"} or "EXECUTE" not in statement.sql.upper():
        return
    found = _body(statement, node.args if kind(node) == "DoStmt" else node.options)
    parsed = _parsed(statement) if found is not None and _is_plpgsql(node) else None
    variables = constant_variables(parsed) if parsed else {}
    for line, query, is_text in _queries(parsed, 1):
        text = executed_text(query, variables) if is_text else None
        if found is not None and text is not None:
            for tree in _trees(text):
                yield from unseen_texts(_located(found, tree, text, line))
        elif is_text:
            words = known_words(query)
            yield query, not words or not _OF_SCHEMA.isdisjoint(words.split())


def syntax_error(statement: SqlStatement) -> tuple[str, int] | None:
    """What PostgreSQL says of a body in PL/pgSQL that its grammar does not take, and where that begins in the file.

    Nothing else that the parser refuses is sure: without a catalog it knows types and records in part only. Nor is a
    body with a placeholder that a tool fills in.
    """
    from pglast import parse_plpgsql
    from pglast.parser import ParseError

    node = statement.tree
    if kind(node) not in {"DoStmt", "CreateFunctionStmt"} or not _is_plpgsql(node):
        return None
    found = _body(statement, node.args if kind(node) == "DoStmt" else node.options)
    if found is None or _PLACEHOLDER in found.body:
        return None
    try:
        parse_plpgsql(statement.sql)
    except ParseError as error:
        said = str(error.args[0])
        begin = statement.begin if found.begin is None else found.begin
        return (said, begin) if said.startswith("syntax error") else None
    except (UnicodeError, ValueError):
        return None
    return None


def other_language(statement: SqlStatement) -> str | None:
    """The language of a DO block that nobody here reads."""
    is_read = kind(statement.tree) != "DoStmt" or _is_plpgsql(statement.tree)
    return None if is_read else _language(statement.tree.args)


def _is_plpgsql(node: Any) -> bool:
    return _language(node.args if kind(node) == "DoStmt" else node.options) == "plpgsql"


def _parsed(statement: SqlStatement) -> Any:
    """The body as PostgreSQL's parser has it; None where it does not take it."""
    from pglast import parse_plpgsql
    from pglast.parser import ParseError

    try:
        return parse_plpgsql(statement.sql)
    except (ParseError, UnicodeError, ValueError):
        return None


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
        if name in _SENT:
            key, is_text = _SENT[name]
            yield here, part[key]["PLpgSQL_expr"]["query"], is_text
        else:
            yield from _queries(part, here)


def _expressions(node: Any) -> Iterator[str]:
    """Every text with a call in it, as a statement: conditions, assigned and returned values, what is raised."""
    if isinstance(node, list):
        for part in node:
            yield from _expressions(part)
        return
    if not isinstance(node, dict):
        return
    for name, part in node.items():
        if name != "PLpgSQL_expr":
            yield from _expressions(part)
            continue
        query, mode = part["query"], part["parseMode"]
        if "(" not in query:
            continue
        if mode > _EXPRESSION:
            query = assigned_value(query)
        yield query if mode == _STATEMENT else f"SELECT {query}"


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
