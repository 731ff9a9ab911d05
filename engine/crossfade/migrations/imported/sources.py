"""Comments of an imported plan: which statements each change stands for, and where they are. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.migrations.typed import doubt_of

if TYPE_CHECKING:
    from crossfade.migrations.imported.parts import Placed
    from crossfade.migrations.script import SqlStatement

_LINES = 8
"""Of a statement that are shown; the file has the others."""
_WIDTH = 160
"""Characters of such a line."""


def comment(placed: Placed) -> str:
    """What stands above an entry: the statements of its change, and what is not certain about it."""
    if not placed.is_first:
        return ""
    lines = [line for statement in placed.of.statements for line in _of_statement(statement)]
    doubt = doubt_of(placed.of)
    said = doubt or placed.of.because
    return "\n".join([*lines, *(["", said] if said else [])])


def place(statement: SqlStatement) -> str:
    """Where a statement begins: `file:line`."""
    return f"{statement.source.path.as_posix()}:{statement.position.line}"


def _of_statement(statement: SqlStatement) -> Iterator[str]:
    yield place(statement)
    lines = [line.rstrip() for line in statement.text.expandtabs(4).splitlines() if line.strip()]
    for line in lines[:_LINES]:
        yield f"    {line if len(line) <= _WIDTH else line[: _WIDTH - 2] + ' …'}"
    if len(lines) > _LINES:
        yield f"    … ({len(lines) - _LINES} more lines)"
