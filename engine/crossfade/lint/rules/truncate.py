"""TRUNCATE of a table that has rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.cost import who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) != "TruncateStmt" or not seen.runs:
        return
    named = {str(t.name) for t in map(seen.existing, node.relations) if t is not None}
    emptied = [relation for relation in seen.forecast.rewrites if relation in named]
    along = [relation for relation in seen.forecast.rewrites if relation not in named]
    if not seen.forecast.rewrites:
        return
    first = (emptied or along)[0]
    more = f" CASCADE empties {' and '.join(along)} too." if emptied and along else ""
    yield Said(
        message=f"empties {' and '.join(emptied or along)}: all rows are gone, and "
        f"{who_waits(LockMode.ACCESS_EXCLUSIVE, first)} until the migration commits.{more}",
        instead="Leave rows that running versions read to them; where they really have to go, delete them in batches.",
    )


RULE = Rule(
    id="truncate",
    severity=Severity.ERROR,
    summary="TRUNCATE empties a table, and with CASCADE those that point at it",
    explanation="""
TRUNCATE takes an ACCESS EXCLUSIVE lock and gives the table new, empty storage. With CASCADE it does the same to every
table that has a foreign key to it, and to those that point at them, whatever they hold. Nothing asks whether that was
meant; only a backup has the rows. A table that the same migration has made is no finding.
""",
    statement=_statement,
)
