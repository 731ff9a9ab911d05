"""A migration that works on tables of others without a limit to how long a statement may take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration


def _sets(node: Any) -> bool:
    return kind(node) == "VariableSetStmt" and str(node.name).lower() == "statement_timeout"


def _migration(migration: SeenMigration) -> Iterator[Said]:
    for seen in migration.steps:
        if _sets(seen.tree):
            return
        if seen.forecast.locks:
            relation = seen.forecast.locks[0].relation
            yield Said(
                of=seen,
                message=f"works on {relation} without a statement_timeout: if it takes longer than thought, nothing "
                "ends it, and nobody who waits for it gets on.",
                instead=f"SET {'LOCAL ' if seen.in_transaction else ''}statement_timeout = '30s';",
            )
            return


RULE = Rule(
    id="statement-timeout-missing",
    severity=Severity.NOTE,
    opt_in=True,
    summary="without a statement_timeout a statement may take for ever",
    explanation="""
lock_timeout ends the wait for a lock; once the lock is there, statement_timeout ends the work under it. A migration
that was tried on a small copy then fails on the large table instead of keeping everybody out of it. VALIDATE CONSTRAINT
and CREATE INDEX CONCURRENTLY, which block nobody, want a longer one or none (0).
""",
    migration=_migration,
)
