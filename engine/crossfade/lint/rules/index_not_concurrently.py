"""CREATE INDEX without CONCURRENTLY on a table that has rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.cost import INDEXED, how_long, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import OUTSIDE, index_of_partitions
from crossfade.lint.written import concurrently
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) != "IndexStmt" or node.concurrent:
        return
    table = seen.existing(node.relation)
    if table is not None and seen.forecast.scans:
        instead = f"{OUTSIDE}\n{concurrently(node)}"
        if table.kind == "partitioned" and node.relation.inh:
            instead = index_of_partitions(node, table)
        yield Said(
            message=f"builds an index while {who_waits(LockMode.SHARE, str(table.name))}, "
            f"{how_long(1 / INDEXED, table)}.",
            instead=instead,
            is_planned=True,
        )


RULE = Rule(
    id="index-not-concurrently",
    severity=Severity.ERROR,
    summary="CREATE INDEX blocks writes until the index is built",
    explanation="""
CREATE INDEX takes a SHARE lock on the table, and reads all of its rows under it: every INSERT, UPDATE and DELETE waits
until the index is there. With CONCURRENTLY the lock is SHARE UPDATE EXCLUSIVE, which only other schema changes and
VACUUM wait for; the build reads the table twice and waits for transactions that are open.

CREATE INDEX CONCURRENTLY cannot run inside a transaction. If it is cut off it leaves an invalid index, which has to be
dropped before the next try. The change `create_index` does both.
""",
    statement=_statement,
)
