"""DROP INDEX without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.cost import who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import OUTSIDE
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) != "DropStmt" or node.removeType.name != "OBJECT_INDEX" or node.concurrent:
        return
    waiting, dropped = [], []
    for parts in map(names, node.objects):
        found = seen.before.find_index(parts[-2] if len(parts) > 1 else None, parts[-1])
        if found is None and node.missing_ok:
            continue
        shown = ".".join(map(quoted, parts))
        if found is None:
            waiting.append(who_waits(LockMode.ACCESS_EXCLUSIVE, f"the table of {shown}"))
            dropped.append(shown)
        elif found[0].name in seen.before.origins and found[0].kind != "partitioned":
            waiting.append(who_waits(LockMode.ACCESS_EXCLUSIVE, str(found[0].name)))
            dropped.append(shown)
    if dropped:
        yield Said(
            message=f"{' and '.join(dict.fromkeys(waiting))}, and the statement itself waits for every transaction "
            "that uses it.",
            instead="\n".join([OUTSIDE, *(f"DROP INDEX CONCURRENTLY {shown};" for shown in dropped)]),
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
