"""Whether a migration itself carries values over before it drops what has them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import below, columns_of, kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.names import QualifiedName

_WRITING = frozenset({"UpdateStmt", "InsertStmt", "MergeStmt", "CreateTableAsStmt"})


def column_copied(steps: Sequence[SeenStatement], number: int, table: QualifiedName, column: str) -> bool:
    """Whether one of the statements before that of the number writes what it reads from the column."""
    return any(
        _is_opaque(steps, place) or (_reads(steps[place], table) and _mentions(steps[place].tree, column))
        for place in range(number)
    )


def table_copied(steps: Sequence[SeenStatement], number: int, table: QualifiedName) -> bool:
    """Whether one of the statements before that of the number writes what it reads from the table."""
    return any(_is_opaque(steps, place) or _reads(steps[place], table) for place in range(number))


def _is_opaque(steps: Sequence[SeenStatement], place: int) -> bool:
    """Whether it may copy anything: a procedure, or a DO block in which no statement can be read."""
    if kind(steps[place].tree) == "DoStmt":
        following = steps[place + 1 : place + 2]
        return not following or following[0].inside is None
    return kind(steps[place].tree) == "CallStmt"


def _reads(seen: SeenStatement, table: QualifiedName) -> bool:
    node = seen.tree
    if kind(node) not in _WRITING:
        return False
    target = node.relation if kind(node) == "InsertStmt" else None
    read = (r for r in below(node) if kind(r) == "RangeVar" and r is not target)
    return any(seen.before.qualify(r.schemaname, r.relname) == table for r in read)


def _mentions(node: Any, column: str) -> bool:
    """Whether it reads the column; a star stands for all."""
    return column in columns_of(node) or any(kind(n) == "A_Star" for n in below(node))
