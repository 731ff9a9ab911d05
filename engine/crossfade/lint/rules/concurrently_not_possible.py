"""CONCURRENTLY where PostgreSQL has it not."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING, Any

from crossfade.lint.commands import commands
from crossfade.lint.declared import dropped_indexes
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import index_of_partitions
from crossfade.lint.views import tells_rows_apart
from crossfade.lint.written import statement
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    match kind(seen.tree):
        case "IndexStmt" if seen.tree.concurrent:
            yield from _create(seen)
        case "DropStmt" if seen.tree.concurrent:
            yield from _drop(seen)
        case "RefreshMatViewStmt" if seen.tree.concurrent:
            yield from _refresh(seen)
        case "AlterTableStmt":
            yield from _detach(seen)


def _create(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    table = seen.before.find(node.relation.schemaname, node.relation.relname)
    if table is None or table.kind != "partitioned" or not node.relation.inh:
        return
    yield Said(
        message=f"fails with 0A000: {table.name} is partitioned, and CONCURRENTLY is for its partitions only.",
        instead=index_of_partitions(node, table),
        is_planned=True,
    )


def _drop(seen: SeenStatement) -> Iterator[Said]:
    from pglast.enums import DropBehavior

    node = seen.tree
    if len(node.objects) > 1:
        yield Said(
            message="fails with 0A000: DROP INDEX CONCURRENTLY drops one index at a time.",
            instead="\n".join(_drop_of_one(node, parts) for parts in node.objects),
            is_planned=True,
        )
        return
    if node.behavior.name == "DROP_CASCADE":
        changed = copy(node)
        changed.behavior = DropBehavior.DROP_RESTRICT
        yield Said(
            message="fails with 0A000: DROP INDEX CONCURRENTLY does not know CASCADE.",
            instead=statement(changed),
            is_planned=True,
        )
        return
    for _, found in dropped_indexes(seen):
        if found is not None and found[0].kind == "partitioned":
            yield Said(
                message=f"fails with 0A000: {found[1].name} is the index of a partitioned table, {found[0].name}.",
                instead="DROP INDEX without CONCURRENTLY, with a lock_timeout.",
                is_planned=True,
            )


def _drop_of_one(node: Any, parts: Any) -> str:
    changed = copy(node)
    changed.objects = (parts,)
    return statement(changed)


def _refresh(seen: SeenStatement) -> Iterator[Said]:
    view = seen.existing(seen.tree.relation)
    # Only of a view that a database has told us about are all indexes known.
    if view is not None and view.oid and not tells_rows_apart(view):
        yield Said(
            message=f"fails with 55000: {view.name} has no unique index on plain columns of all rows.",
            instead=f"CREATE UNIQUE INDEX CONCURRENTLY ON {view.name} (…);",
        )


def _detach(seen: SeenStatement) -> Iterator[Said]:
    for command in commands(seen, "DetachPartition"):
        default = seen.before.default_partition(command.table)
        if command.node.def_.concurrent and default is not None:
            yield Said(
                message=f"fails with 55000: CONCURRENTLY is not possible while {command.table.name} has the default "
                f"partition {default.name}.",
                instead="DETACH PARTITION without CONCURRENTLY, with a lock_timeout, tried again where it runs out.",
                is_planned=True,
            )


RULE = Rule(
    id="concurrently-not-possible",
    severity=Severity.ERROR,
    summary="CONCURRENTLY in a form that PostgreSQL refuses",
    explanation="""
CREATE INDEX CONCURRENTLY is not possible on a partitioned table: build the index on each partition, and attach those to
one that is made ON ONLY the whole. DROP INDEX CONCURRENTLY takes one index, without CASCADE, and none of a partitioned
table. DETACH PARTITION CONCURRENTLY is refused where there is a default partition, and REFRESH MATERIALIZED VIEW
CONCURRENTLY where no unique index on plain columns tells the rows apart.
""",
    statement=_statement,
)
