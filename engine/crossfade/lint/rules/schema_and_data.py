"""A migration that changes the schema and writes rows of tables that were there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_ROWS = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt"})


def _writes_rows(seen: SeenStatement) -> bool:
    """Of a table that others see."""
    node = seen.tree
    return kind(node) in _ROWS and node.relation is not None and seen.existing(node.relation) is not None


def _changes_schema(seen: SeenStatement) -> bool:
    return kind(seen.tree) not in _ROWS and any(
        lock.mode >= LockMode.SHARE_UPDATE_EXCLUSIVE for lock in seen.forecast.locks
    )


def _migration(migration: SeenMigration) -> Iterator[Said]:
    rows = next((s for s in migration.steps if _writes_rows(s)), None)
    schema = next((s for s in migration.steps if _changes_schema(s)), None)
    if rows is not None and schema is not None:
        line = schema.statement.position.line
        yield Said(
            of=rows,
            message=f"writes rows in a migration that also changes the schema (line {line}): one cannot be repeated, "
            "held up or taken back without the other.",
            instead="Two migrations: the schema first, then the rows.",
            is_planned=True,
        )


RULE = Rule(
    id="schema-and-data",
    severity=Severity.NOTE,
    opt_in=True,
    summary="changes of the schema and of rows belong in files of their own",
    explanation="""
A change of the schema is quick and takes strong locks; a change of rows is slow and takes weak ones. In one migration,
mostly in one transaction, the slow one holds the strong locks. Apart, each can be tried again by itself. Rows of a
table that the same migration has made are no finding.
""",
    migration=_migration,
)
