"""A BEGIN without its COMMIT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.transactions import begins, ended_by
from crossfade.migrations.migration import Transaction

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement


def _migration(migration: SeenMigration) -> Iterator[Said]:
    own = migration.migration
    for way, around in ((migration.up, own.transaction), (migration.down, own.transaction_down)):
        if around is Transaction.ALWAYS:
            continue
        begun: SeenStatement | None = None
        for seen in way:
            if begins(seen.tree):
                begun = begun or seen
            elif ended_by(seen.tree) is not None and not seen.tree.chain:
                begun = None
        if begun is not None:
            yield Said(
                of=begun,
                message="begins a transaction that no COMMIT ends: all that follows is taken back when the connection "
                "closes, and its locks are held until then.",
                instead="COMMIT; at the end of the file",
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
