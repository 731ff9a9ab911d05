"""Whatever else reads or writes all rows of a table behind a lock that writes wait for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.cost import READ, WRITTEN, how_long, strong_locks, table_named, waiting
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    locks = strong_locks(seen)
    # What is written anew without being read is emptied, which takes a moment.
    if not locks or not seen.forecast.scans:
        return
    relation = seen.forecast.scans[0]
    is_written = relation in seen.forecast.rewrites
    long = how_long(1 / (WRITTEN if is_written else READ), table_named(seen.before, relation))
    done = f"writes all rows of {relation} anew" if is_written else f"reads all rows of {relation}"
    yield Said(
        message=f"{done} while {waiting(locks)}, {long}.",
        is_planned=True,
    )


RULE = Rule(
    id="table-work-behind-lock",
    severity=Severity.ERROR,
    summary="all rows of a table are read or written while others wait",
    explanation="""
The statement takes a lock that reads or writes wait for, and keeps it while it reads all rows of a table or writes them
anew. Everybody who comes later waits behind it, and so do those who wait for them. The more specific rules say for the
usual statements how the same is done without; this one is for all others.
""",
    statement=_statement,
)
