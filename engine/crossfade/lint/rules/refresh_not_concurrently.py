"""REFRESH MATERIALIZED VIEW without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.cost import how_long, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import OUTSIDE
from crossfade.lint.views import tells_rows_apart
from crossfade.lint.written import concurrently, table_of
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_REFRESHED = 2_000_000
"""Rows per second of a view of two numbers with a unique index, in the run of `lint.cost`."""


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) != "RefreshMatViewStmt" or node.concurrent or node.skipData:
        return
    view = seen.existing(node.relation)
    if view is None or not seen.forecast.rewrites:
        return
    steps = [concurrently(node)]
    if not tells_rows_apart(view):
        shown = table_of(node.relation)
        steps.insert(
            0, f"{OUTSIDE}\nCREATE UNIQUE INDEX CONCURRENTLY ON {shown} (…);  -- columns that tell its rows apart"
        )
    yield Said(
        message=f"runs its query while {who_waits(LockMode.ACCESS_EXCLUSIVE, str(view.name))}, "
        f"{how_long(1 / _REFRESHED, view)} or as long as the query takes.",
        instead="\n".join(steps),
    )


RULE = Rule(
    id="refresh-not-concurrently",
    severity=Severity.ERROR,
    summary="REFRESH MATERIALIZED VIEW blocks reads of the view while its query runs",
    explanation="""
REFRESH MATERIALIZED VIEW takes an ACCESS EXCLUSIVE lock on the view, and runs its query under it: whoever reads the
view waits. With CONCURRENTLY the lock is EXCLUSIVE, which reads do not wait for; the new rows are compared with the old
ones, which takes longer, and needs a unique index on plain columns of all rows.
""",
    statement=_statement,
)
