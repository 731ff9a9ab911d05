"""CONCURRENTLY, VACUUM and others inside a transaction, where PostgreSQL refuses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.migrations.migration import Tool
from crossfade.postgres.forecast.trees import is_on, kind, option

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_ALONE = "In a migration of its own, where it is the only statement."
_NEVER_WITHOUT = frozenset({Tool.DRIZZLE, Tool.DRIZZLE_1})
_OF_SCHEMA = frozenset({"IndexStmt", "DropStmt", "AlterTableStmt", "ReindexStmt"})
_NAMES = {
    "IndexStmt": "CREATE INDEX CONCURRENTLY",
    "DropStmt": "DROP INDEX CONCURRENTLY",
    "AlterTableStmt": "DETACH PARTITION CONCURRENTLY",
    "VacuumStmt": "VACUUM",
    "ClusterStmt": "CLUSTER of several tables",
    "AlterSystemStmt": "ALTER SYSTEM",
    "CreatedbStmt": "CREATE DATABASE",
    "DropdbStmt": "DROP DATABASE",
    "AlterDatabaseStmt": "ALTER DATABASE … SET TABLESPACE",
    "CreateTableSpaceStmt": "CREATE TABLESPACE",
    "DropTableSpaceStmt": "DROP TABLESPACE",
    "DiscardStmt": "DISCARD ALL",
    "CreateSubscriptionStmt": "CREATE SUBSCRIPTION with a slot",
    "AlterSubscriptionStmt": "ALTER SUBSCRIPTION … REFRESH PUBLICATION",
}


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if not seen.in_transaction or seen.forecast.transactional or not _is_refused(seen.tree):
        return
    if seen.inside is not None:
        why, instead = f"{seen.inside} is always part of one", "As a statement of its own, outside of it."
    elif seen.begun_by_file:
        why, instead = "the file has begun one", "Before BEGIN, or behind COMMIT."
    elif seen.sent_whole:
        why = (
            f"{seen.tool.spelled} sends the file as one text, and the server takes several statements for one "
            "transaction"
        )
        instead = _ALONE
    else:
        what = "all pending migrations" if seen.tool.runs_pending_together else "the file"
        why = f"{seen.tool.spelled} runs {what} in one"
        instead = _elsewhere(seen.tool)
    yield Said(
        message=f"fails with 25001: {_name(seen.tree)} cannot run inside a transaction, and {why}.",
        instead=instead,
        is_planned=kind(seen.tree) in _OF_SCHEMA,
    )


def _migration(migration: SeenMigration) -> Iterator[Said]:
    if not migration.migration.is_mixed:
        return
    written = [seen for seen in migration.up if seen.inside is None]
    alone = next((seen for seen in written if not seen.forecast.transactional), None)
    if alone is not None:
        yield Said(
            of=alone,
            severity=Severity.WARNING,
            message=f"{alone.tool.spelled} refuses the file unless `mixed` is on: {_name(alone.tree)} cannot run in a "
            "transaction, and stands beside statements that can.",
            instead=_ALONE,
            is_planned=kind(alone.tree) in _OF_SCHEMA,
        )


def _elsewhere(tool: Tool) -> str:
    if tool in _NEVER_WITHOUT:
        return (
            f"{tool.spelled} has no migration without a transaction: run the statement by itself, before the migration."
        )
    how = tool.without_transaction
    return f"In a migration of its own, {'that runs without a transaction' if how is None else f'with {how}'}."


def _is_refused(node: Any) -> bool:
    """Of some kinds only a form is refused; one that may be let through is not called an error."""
    match kind(node):
        case "DiscardStmt":
            return bool(node.target.name == "DISCARD_ALL")
        case "AlterDatabaseStmt":
            return option(node.options, "tablespace") is not None
        case "AlterSubscriptionStmt":
            return bool(node.kind.name == "ALTER_SUBSCRIPTION_REFRESH")
        case "CreateSubscriptionStmt":
            slot, connect = option(node.options, "create_slot"), option(node.options, "connect")
            return all(o is None or is_on(node.options, o.defname) for o in (slot, connect))
        case "DropSubscriptionStmt":
            return False
        case _:
            return True


def _name(node: Any) -> str:
    if kind(node) == "ReindexStmt":
        return "REINDEX CONCURRENTLY" if is_on(node.params, "concurrently") else "REINDEX of several tables"
    return _NAMES.get(kind(node), "it")


RULE = Rule(
    id="not-in-a-transaction",
    severity=Severity.ERROR,
    summary="CONCURRENTLY, VACUUM or the like inside a transaction fails",
    explanation="""
Statements with CONCURRENTLY commit in between, and some others cannot be undone: PostgreSQL refuses them inside a
transaction (25001). Most tools run a migration in one. Prisma and golang-migrate send the file as one text, and the
server runs that as one transaction unless it is a single statement. A DO block and a function are always inside of one.

Flyway leaves the transaction out for such a statement, but takes it beside others only where `mixed` is on or the
file's `.conf` says executeInTransaction (a warning).
""",
    statement=_statement,
    migration=_migration,
)
