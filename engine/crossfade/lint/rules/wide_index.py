"""An index with more than three columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_MOST = 3


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) == "IndexStmt" and not node.unique and len(node.indexParams) > _MOST:
        yield Said(
            message=f"builds an index of {len(node.indexParams)} columns: seldom do queries use those behind the "
            "third.",
            instead="The columns that tell rows apart best, first; the others only where they were measured to help.",
        )


RULE = Rule(
    id="wide-index",
    severity=Severity.NOTE,
    opt_in=True,
    summary="an index of more than three columns is seldom used to its end",
    explanation="""
An index is used from its first column on. Each more makes it larger, and every write dearer, and helps only queries
that give all those before it. Unique indexes are no finding: their columns are what is to be unique.
""",
    statement=_statement,
)
