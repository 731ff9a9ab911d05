"""DROP INDEX without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.cost import who_waits
from crossfade.lint.declared import dropped_indexes
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import OUTSIDE
from crossfade.lint.written import named
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    waiting, dropped = [], []
    for parts, found in dropped_indexes(seen):
        if seen.tree.concurrent or (found is None and seen.tree.missing_ok):
            continue
        shown = named(parts)
        if found is None:
            waiting.append(who_waits(LockMode.ACCESS_EXCLUSIVE, f"the table of {shown}"))
            dropped.append(shown)
        elif found[0].name in seen.before.origins and found[0].kind != "partitioned":
            waiting.append(who_waits(LockMode.ACCESS_EXCLUSIVE, str(found[0].name)))
            dropped.append(shown)
    if dropped:
        drop = f"DROP INDEX CONCURRENTLY {'IF EXISTS ' if seen.tree.missing_ok else ''}"
        yield Said(
            message=f"{' and '.join(dict.fromkeys(waiting))}, and the statement itself waits for every transaction "
            "that uses it.",
            instead="\n".join([OUTSIDE, *(f"{drop}{shown};" for shown in dropped)]),
            is_planned=True,
        )


RULE = Rule(
    id="drop-index-not-concurrently",
    severity=Severity.WARNING,
    summary="DROP INDEX locks the table against reads and writes",
    explanation="""
DROP INDEX takes an ACCESS EXCLUSIVE lock on the table of the index. It holds it for a moment; but to get it, it waits
for every transaction that uses the table, and whoever comes later waits behind it. DROP INDEX CONCURRENTLY waits for
them under a lock that reads and writes do not wait for. It cannot run inside a transaction, drops one index at a time,
and cannot drop the index of a partitioned table.
""",
    statement=_statement,
)
