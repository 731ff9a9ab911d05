"""SQL into pglast's trees, however deep these are. Pure.

The C code that makes them calls itself for each level: a chain of some fifteen thousand `||` or UNION in one statement
would take more than the usual stack, and end the process. A text long enough for that is parsed on a stack that is
large enough.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from crossfade.large_stack import on_large_stack

_LONG = 20_000
"""Characters; a level of a tree takes at least two, and about a kilobyte of stack."""


def parsed(text: str) -> tuple[Any, ...]:
    """The statements of a text, as pglast's `RawStmt`; raises its `ParseError`, or `UnicodeError`."""
    from pglast import parse_sql

    if len(text) < _LONG:
        return tuple(parse_sql(text))
    return tuple(on_large_stack(partial(parse_sql, text)))
