"""Texts of statements as pg_stat_statements keeps them: read into parse trees, and shown to people. Pure.

The extension takes constants out of queries and puts `$1` in their place; utility statements may still have theirs.
"""

from __future__ import annotations

import re
from typing import Any

_PARAMETER = re.compile(r"\$\d+")
_LITERAL = re.compile(r"\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL)
_RELATION = re.compile(r'"relname":"((?:[^"\\]|\\.)*)"')
_PLAIN = re.compile(r"\w+")
_WIDTH = 80


def read_statements(text: str) -> tuple[Any, ...] | None:
    """The parse trees of the statements in a text; None where it cannot be read.

    A `$1` may stand even where only a constant can (`interval '1 day'`).
    """
    from pglast import parse_sql
    from pglast.parser import ParseError

    for attempt in (text, _PARAMETER.sub("'0'", text)):
        try:
            return tuple(raw.stmt for raw in parse_sql(attempt))
        except (ParseError, RecursionError, ValueError):
            continue
    return None


def tables_named(text: str) -> frozenset[str] | None:
    """The names of the relations in a text, without schemas; None where that cannot be told as fast as this."""
    from pglast.parser import ParseError, parse_sql_json

    try:
        tree = parse_sql_json(text)
    except (ParseError, ValueError):
        return None
    found = frozenset(_RELATION.findall(tree))
    # An odd name is escaped, and code in a string names what it likes.
    return None if '"DoStmt"' in tree or any(not _PLAIN.fullmatch(name) for name in found) else found


def shortened(text: str) -> str:
    """The statement on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1].rstrip() + "…"


def without_constants(text: str) -> str:
    """The same statement with every quoted constant and every body of code replaced by `'…'`."""
    return _LITERAL.sub("'…'", text)
