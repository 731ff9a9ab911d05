"""SQL into pglast's trees, however deep these are. Pure.

The C code that makes them calls itself for each level: a chain of some fifteen thousand `||` or UNION in one statement
would take more than the usual stack, and end the process. A text long enough for that is parsed on a stack that is
large enough.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_LONG = 20_000
"""Characters; a level of a tree takes at least two, and about a kilobyte of stack."""
_STACK = 512 * 1024 * 1024
"""Bytes of address space; memory is taken only as it is used."""
_starting = threading.Lock()


def parsed(text: str) -> tuple[Any, ...]:
    """The statements of a text, as pglast's `RawStmt`; raises its `ParseError`, or `UnicodeError`."""
    from pglast import parse_sql

    if len(text) < _LONG:
        return tuple(parse_sql(text))
    with ThreadPoolExecutor(max_workers=1) as executor:
        with _starting:
            usual = threading.stack_size(_STACK)
            try:
                statements = executor.submit(parse_sql, text)
            finally:
                threading.stack_size(usual)
        return tuple(statements.result())
