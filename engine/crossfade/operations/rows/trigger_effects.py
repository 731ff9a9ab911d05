"""What a user's trigger does to a row and beyond it, as far as its text tells: pure functions over the catalog.

A plpgsql body is parsed, never executed. A column counts as a stamp where it gets a value that depends on nothing but
the present time; what cannot be read for certain is said to be unknown, and never guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.own_names import LEDGER_SCHEMA
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Trigger

_ASSIGNMENT = re.compile(r'\s*new\s*\.\s*(?:"((?:[^"]|"")*)"|([\w$]+))\s*:?=(.*)', re.IGNORECASE | re.DOTALL)
_NOTIFY = re.compile(r"\bpg_notify\s*\(|\bNOTIFY\b", re.IGNORECASE)
_CLOCKS = frozenset({"now", "clock_timestamp", "statement_timestamp", "transaction_timestamp"})
_OF_A_TIME = frozenset({"timezone", "date_trunc", "date_part", "extract", "floor", "round", "trunc", "to_char"})
"""Functions that make something else of a time, and of nothing but their arguments."""
_PURE = frozenset(
    {"SelectStmt", "ResTarget", "A_Const", "TypeCast", "TypeName", "A_Expr", "FuncCall", "SQLValueFunction"}
    | {"String", "Integer", "Float", "Boolean", "BitString"}
)
_QUIET = frozenset({"PLpgSQL_stmt_block", "PLpgSQL_stmt_assign", "PLpgSQL_stmt_if", "PLpgSQL_stmt_return"})
"""Statements that reach nothing outside the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What is known of a trigger."""

    stamps: frozenset[str] = frozenset()
    """Columns that it sets to the present time."""
    only_stamps: bool = False
    """It does nothing else."""
    notifies: bool = False
    writes: tuple[str, ...] = ()
    """Tables that it writes to, as its text names them."""

    def __str__(self) -> str:
        """In a few words, for a person."""
        said = []
        if self.stamps:
            said.append(f"sets {', '.join(sorted(self.stamps))} to the present time")
        if self.writes:
            said.append(f"writes to {', '.join(self.writes)}")
        if self.notifies:
            said.append("sends a notification (NOTIFY)")
        return " and ".join(said)


def is_ours(trigger: Trigger) -> bool:
    """Whether it is one of crossfade's own."""
    return trigger.function.schema == LEDGER_SCHEMA


def fires(trigger: Trigger, event: str, touched: frozenset[str] = frozenset()) -> bool:
    """Whether a statement fires a user's trigger, as far as its WHEN clause lets it.

    `event` is `insert`, `update` or `delete`, `touched` the columns that an UPDATE sets.
    """
    of_others = event == "update" and trigger.columns and not touched & set(trigger.columns)
    return event in trigger.events and not of_others and trigger.enabled in ("O", "A") and not is_ours(trigger)


def effects_of(trigger: Trigger) -> Effects:
    """What the trigger's function does, as far as its text tells."""
    if trigger.function_language == "c":
        return _of_moddatetime(trigger) if trigger.function_body == "moddatetime" else Effects()
    if trigger.function_language != "plpgsql":
        return Effects()
    notifies = _NOTIFY.search(trigger.function_body) is not None
    statements = _statements(trigger.function_body)
    if statements is None:
        return Effects(notifies=notifies)
    stamps = [_stamp(text) for kind, text in statements if kind == "PLpgSQL_stmt_assign"]
    return Effects(
        stamps=frozenset(column for column in stamps if column is not None),
        only_stamps=bool(stamps) and None not in stamps and {kind for kind, _ in statements} <= _QUIET,
        notifies=notifies,
        writes=tuple(dict.fromkeys(t for kind, text in statements for t in _targets(kind, text))),
    )


def _of_moddatetime(trigger: Trigger) -> Effects:
    """PostgreSQL's own extension: its argument is the column."""
    from pglast import parse_sql

    statement: Any = parse_sql(trigger.definition)[0].stmt
    return Effects(stamps=frozenset(a.sval for a in statement.args or ()), only_stamps=True)


def _statements(body: str) -> list[tuple[str, str]] | None:
    """The kind and the SQL of each statement of a plpgsql body, at whatever depth; None where it cannot be read."""
    from pglast.parser import ParseError, parse_plpgsql_json
    from psycopg import sql

    text = sql.SQL("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS {}").format(sql.Literal(body))
    try:
        parsed = json.loads(parse_plpgsql_json(render(text)))
    except (ParseError, ValueError):
        return None
    return list(_walk(parsed))


def _walk(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for inner in node:
            yield from _walk(inner)
    elif isinstance(node, dict):
        for key, inner in node.items():
            if key.startswith("PLpgSQL_stmt_"):
                yield key, _query(inner)
            yield from _walk(inner)


def _query(statement: dict[str, Any]) -> str:
    expression = statement.get("expr") or statement.get("sqlstmt") or {}
    return str(expression.get("PLpgSQL_expr", {}).get("query", ""))


def _stamp(assignment: str) -> str | None:
    """The column of NEW that an assignment sets to the present time; None for any other assignment."""
    found = _ASSIGNMENT.fullmatch(assignment)
    if found is None or not _is_present_time(found[3]):
        return None
    return str(found[1].replace('""', '"')) if found[1] is not None else str(found[2]).lower()


def _is_present_time(expression: str) -> bool:
    """Whether an expression is made of the present time and constants alone."""
    from pglast import ast, parse_sql
    from pglast.parser import ParseError
    from pglast.visitors import Visitor

    class Parts(Visitor):
        """The kinds of all nodes of a tree, and the names of its functions."""

        def __init__(self) -> None:
            self.kinds: set[str] = set()
            self.functions: set[str] = set()
            self.operators: set[str] = set()
            self.clocks = 0

        def visit(self, _ancestors: Any, node: Any) -> None:
            self.kinds.add(type(node).__name__)
            if isinstance(node, ast.FuncCall):
                names = [part.sval for part in node.funcname or ()]
                schema, name = ("pg_catalog", *names)[-2:]
                self.functions.add(name if schema == "pg_catalog" else ".".join(names))
                self.clocks += name in _CLOCKS
            elif isinstance(node, ast.A_Expr):
                self.operators |= {part.sval for part in node.name or ()}
            elif isinstance(node, ast.SQLValueFunction):
                # Such as SVFOP_CURRENT_TIMESTAMP_N; the others are about the user, the catalog and the schema.
                word = "" if node.op is None else node.op.name
                self.clocks += "DATE" in word or "TIME" in word

    parts = Parts()
    try:
        statement: Any = parse_sql(f"SELECT {expression}")[0].stmt
    except ParseError:
        return False
    parts(statement)
    is_pure = parts.kinds <= _PURE and parts.functions <= _CLOCKS | _OF_A_TIME
    # A time may be written in other units, but a later one is not the present.
    return parts.clocks > 0 and is_pure and parts.operators <= {"*"}


def _targets(kind: str, text: str) -> Iterator[str]:
    """The tables that a statement of a body writes to."""
    from pglast import ast, parse_sql
    from pglast.parser import ParseError

    if kind != "PLpgSQL_stmt_execsql":
        return
    try:
        statement: Any = parse_sql(text)[0].stmt
    except ParseError:
        return
    if isinstance(statement, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt | ast.MergeStmt):
        target: Any = statement.relation
        yield str(QualifiedName(target.schemaname, target.relname)) if target.schemaname else quoted(target.relname)
