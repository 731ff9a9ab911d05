"""CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY on PostgreSQL 14.0 to 14.3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import is_on, kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_FIRST_KNOWN, _FIXED = 140001, 140004
"""14.0 itself is not told from a version that is given as 14."""


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node, version = seen.tree, seen.before.server_version
    built = kind(node) == "IndexStmt" and node.concurrent
    rebuilt = kind(node) == "ReindexStmt" and is_on(node.params, "concurrently")
    if (built or rebuilt) and _FIRST_KNOWN <= version < _FIXED:
        yield Said(
            message=f"may build an index that lacks rows: PostgreSQL 14.{version % 10000} has that error, not 14.4.",
            instead="Update the server to the latest 14 first.",
        )


RULE = Rule(
    id="index-corruption",
    severity=Severity.WARNING,
    summary="CONCURRENTLY may build a corrupt index on PostgreSQL 14.0 to 14.3",
    explanation="""
In PostgreSQL 14.0 to 14.3 an index that is built CONCURRENTLY may lack rows that were updated meanwhile. 14.4 mended
it. Update the server first; indexes that were built before have to be built anew.

It is said where the version is known to its minor number, as a database tells it.
""",
    statement=_statement,
)
