"""CONCURRENTLY, VACUUM and others inside a transaction, where PostgreSQL refuses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.migrations.migration import Tool
from crossfade.postgres.forecast.trees import is_on, kind, option

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_ALONE = "In a migration of its own, where it is the only statement."
_BEFORE = "Drizzle has no migration without a transaction: run the statement by itself, before the migration."
_WHAT_TO_DO = {
    Tool.DRIZZLE: _BEFORE,
    Tool.DRIZZLE_1: _BEFORE,
    Tool.FLYWAY: "In a migration of its own, with executeInTransaction=false in its script configuration file.",
    Tool.DBMATE: "In a migration of its own, that begins with `-- migrate:up transaction:false`.",
    Tool.GOOSE: "In a migration of its own, with the line `-- +goose NO TRANSACTION` at its top.",
    Tool.DIESEL: "In a migration of its own, with `run_in_transaction = false` in its metadata.toml.",
}
_SPELLED = {
    Tool.PRISMA: "Prisma",
    Tool.DRIZZLE: "Drizzle",
    Tool.DRIZZLE_1: "Drizzle",
    Tool.FLYWAY: "Flyway",
    Tool.DIESEL: "Diesel",
}
_ALL_PENDING = frozenset({Tool.DRIZZLE, Tool.DRIZZLE_1})
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
            f"{_spelled(seen)} sends the file as one text, and the server takes several statements for one transaction"
        )
        instead = _ALONE
    else:
        what = "all pending migrations" if seen.tool in _ALL_PENDING else "the file"
        why = f"{_spelled(seen)} runs {what} in one"
        instead = _WHAT_TO_DO.get(seen.tool, "In a file of its own, that runs without a transaction.")
    yield Said(
        message=f"fails with 25001: {_name(seen.tree)} cannot run inside a transaction, and {why}.",
        instead=instead,
        is_planned=kind(seen.tree) in _OF_SCHEMA,
    )


def _spelled(seen: SeenStatement) -> str:
    return _SPELLED.get(seen.tool, seen.tool.value)


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
""",
    statement=_statement,
)
