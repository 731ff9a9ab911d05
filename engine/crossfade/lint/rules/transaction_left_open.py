"""A BEGIN without its COMMIT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.migrations.migration import Transaction
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_BEGINS = frozenset({"TRANS_STMT_BEGIN", "TRANS_STMT_START"})
_ENDS = frozenset({"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"})


def _migration(migration: SeenMigration) -> Iterator[Said]:
    own = migration.migration
    for way, around in ((migration.up, own.transaction), (migration.down, own.transaction_back or own.transaction)):
        if around is Transaction.ALWAYS:
            continue
        begun: SeenStatement | None = None
        for seen in way:
            if kind(seen.tree) == "TransactionStmt" and seen.inside is None:
                turn = seen.tree.kind.name
                begun = (begun or seen) if turn in _BEGINS else None if turn in _ENDS else begun
        if begun is not None:
            yield Said(
                of=begun,
                message="begins a transaction that no COMMIT ends: all that follows is taken back when the connection "
                "closes, and its locks are held until then.",
                instead="COMMIT; at the end of the file",
                is_planned=False,
            )


RULE = Rule(
    id="transaction-left-open",
    severity=Severity.ERROR,
    summary="without a COMMIT the migration is taken back",
    explanation="""
A file that says BEGIN and never COMMIT leaves its transaction open. When the tool closes the connection the server
takes everything back, though each statement succeeded and the tool may have noted the migration as applied. With a
connection that stays open, its locks stay as well.
""",
    migration=_migration,
)
