"""BEGIN and COMMIT in a file that its tool runs in a transaction, or twice in one that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.transactions import begins, ended_by
from crossfade.migrations.migration import Transaction

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement
    from crossfade.migrations.migration import Tool

_BECOMES = {
    "COMMIT": "what came before it stays",
    "ROLLBACK": "what came before it is taken back",
    "PREPARE TRANSACTION": "what came before it waits for COMMIT PREPARED",
}
"""What becomes of a transaction that is ended by these."""


def _migration(migration: SeenMigration) -> Iterator[Said]:
    own = migration.migration
    for way, around in ((migration.up, own.transaction), (migration.down, own.transaction_down)):
        own_words = (seen for seen in way if seen.inside is None)
        turns = [seen for seen in own_words if begins(seen.tree) or ended_by(seen.tree) is not None]
        if around is Transaction.ALWAYS:
            yield from _in_the_tools_own(migration.project.tool, turns)
        elif around is Transaction.NEVER:
            yield from _by_themselves(turns)


def _in_the_tools_own(tool: Tool, turns: list[SeenStatement]) -> Iterator[Said]:
    """One finding for a file: the rest of it follows from the first."""
    seen = next((turn for turn in turns if ended_by(turn.tree) is not None), next(iter(turns), None))
    if seen is None:
        return
    word, who, without = ended_by(seen.tree), tool.spelled, tool.without_transaction
    if word is not None:
        message = f"{word} ends the transaction that {who} has begun: {_BECOMES[word]}, whatever becomes of the rest"
    else:
        message = f"begins a transaction inside of the one that {who} has begun: the server only warns"
    how = f"; where it has to be without a transaction: {without}" if without is not None else ""
    yield Said(
        of=seen,
        message=f"{message}.",
        instead=f"Leave BEGIN and COMMIT to {who}{how}.",
    )


def _by_themselves(turns: list[SeenStatement]) -> Iterator[Said]:
    is_open = False
    for seen in turns:
        word = ended_by(seen.tree)
        if word is None and is_open:
            yield Said(
                of=seen,
                message="begins a transaction inside of another one: the server only warns, and the next COMMIT ends "
                "both.",
                instead="One BEGIN and one COMMIT; SAVEPOINT for a part that may fail.",
            )
        if word is not None and not is_open:
            yield Said(
                of=seen,
                message=f"{word} without a BEGIN before it: each statement was committed by itself.",
                instead="Put a BEGIN before the statements that belong together, or leave it out.",
            )
        is_open = word is None or bool(seen.tree.chain)


RULE = Rule(
    id="transaction-nesting",
    severity=Severity.WARNING,
    summary="BEGIN and COMMIT cut the transaction that the tool has begun",
    explanation="""
PostgreSQL has no transactions inside of others: a second BEGIN is a warning, and the first COMMIT ends all of it. Where
the tool runs a file in a transaction of its own, a COMMIT in the file ends that one. If a later statement fails, what
came before it stays, while the tool says that the migration was not applied; and with it go the locks that its table of
migrations was protected by.

Tools that send the file as one text, such as Prisma, may have BEGIN and COMMIT in it.
""",
    migration=_migration,
)
