"""BEGIN and COMMIT in a file that its tool runs in a transaction, or twice in one that it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.migrations.migration import Tool, Transaction
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_OWN: Mapping[Tool, str] = {
    Tool.FLYWAY: "a file V….sql.conf with the line executeInTransaction=false",
    Tool.DBMATE: "-- migrate:up transaction:false",
    Tool.GOOSE: "-- +goose NO TRANSACTION",
    Tool.DIESEL: "metadata.toml with the line run_in_transaction = false",
}
_BEGINS = frozenset({"TRANS_STMT_BEGIN", "TRANS_STMT_START"})
_WORDS = {"TRANS_STMT_COMMIT": "COMMIT", "TRANS_STMT_ROLLBACK": "ROLLBACK"}


def _migration(migration: SeenMigration) -> Iterator[Said]:
    own = migration.migration
    for way, around in ((migration.up, own.transaction), (migration.down, own.transaction_back or own.transaction)):
        turns = [seen for seen in way if kind(seen.tree) == "TransactionStmt" and seen.inside is None]
        if around is Transaction.ALWAYS:
            yield from _in_the_tools_own(migration.project.tool, turns)
        elif around is Transaction.NEVER:
            yield from _by_themselves(turns)


def _in_the_tools_own(tool: Tool, turns: list[SeenStatement]) -> Iterator[Said]:
    """One finding for a file: the rest of it follows from the first."""
    ends = [seen for seen in turns if seen.tree.kind.name in _WORDS]
    begins = [seen for seen in turns if seen.tree.kind.name in _BEGINS]
    who = "the tool" if tool in {Tool.PLAIN, Tool.UP_DOWN} else str(tool)
    if ends:
        word = _WORDS[ends[0].tree.kind.name]
        kept = "what came before it stays" if word == "COMMIT" else "what came before it is taken back"
        message = f"{word} ends the transaction that {who} has begun: {kept}, whatever becomes of the rest"
    elif begins:
        message = f"begins a transaction inside of the one that {who} has begun: the server only warns"
    else:
        return
    how = f"; where it has to be without a transaction: {_OWN[tool]}" if tool in _OWN else ""
    yield Said(
        of=(ends or begins)[0],
        message=f"{message}.",
        instead=f"Leave BEGIN and COMMIT to {who}{how}.",
        is_planned=False,
    )


def _by_themselves(turns: list[SeenStatement]) -> Iterator[Said]:
    is_open = False
    for seen in turns:
        turn = seen.tree.kind.name
        if turn in _BEGINS and is_open:
            yield Said(
                of=seen,
                message="begins a transaction inside of another one: the server only warns, and the next COMMIT ends "
                "both.",
                instead="One BEGIN and one COMMIT; SAVEPOINT for a part that may fail.",
                is_planned=False,
            )
        if turn in _WORDS and not is_open:
            yield Said(
                of=seen,
                message=f"{_WORDS[turn]} without a BEGIN before it: each statement was committed by itself.",
                instead="Put a BEGIN before the statements that belong together, or leave it out.",
                is_planned=False,
            )
        is_open = turn in _BEGINS or (is_open and turn not in _WORDS)


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
