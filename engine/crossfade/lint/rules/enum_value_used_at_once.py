"""A value that is used in the transaction that adds it to its enum."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.lint.enum_uses import uses
from crossfade.lint.enums import type_name
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import literal

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject, SeenStatement
    from crossfade.migrations.migration import Tool
    from crossfade.postgres.names import QualifiedName

_FIRST_TO_ALLOW_IN_A_NEW_TYPE = 170000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Added:
    """A value, and who adds it to which enum."""

    by: SeenStatement
    enum: QualifiedName
    value: str


def _migration(migration: SeenMigration) -> Iterator[Said]:
    added: defaultdict[object, list[_Added]] = defaultdict(list)
    made: set[tuple[object, str]] = set()
    for seen in (*migration.up, *migration.down):
        if not seen.runs or not seen.in_transaction:
            continue
        if seen.inside is None:
            yield from (_at_once(seen, one) for one in added[seen.transaction] if uses(seen, one.enum, one.value))
        if kind(seen.tree) == "CreateEnumStmt" and seen.before.server_version >= _FIRST_TO_ALLOW_IN_A_NEW_TYPE:
            made.add((seen.transaction, names(seen.tree.typeName)[-1]))
        added[seen.transaction] += (one for one in _added(seen) if (seen.transaction, one.enum.name) not in made)


def _at_once(seen: SeenStatement, added: _Added) -> Said:
    return Said(
        of=seen,
        message=f"uses {literal(added.value)} in the transaction that adds it to {added.enum}: the server refuses it "
        "(55P04, unsafe use of new value).",
        instead=f"-- in a migration of its own, before this one\n{added.by.statement.text};",
    )


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    """All migrations that are pending run in one transaction, those that make a database all of them."""
    tool = project.project.tool
    added: list[tuple[SeenMigration, _Added]] = []
    for migration in project.migrations if tool.runs_pending_together else ():
        for earlier, one in added:
            yield from (
                (migration, _across(tool, earlier, seen, one))
                for seen in migration.steps
                if uses(seen, one.enum, one.value)
            )
        added += [(migration, one) for seen in migration.steps for one in _added(seen)]


def _across(tool: Tool, earlier: SeenMigration, seen: SeenStatement, added: _Added) -> Said:
    return Said(
        of=seen,
        severity=Severity.WARNING,
        message=f"uses {literal(added.value)}, which {earlier.migration.name} adds to {added.enum}: where both are "
        f"pending, {tool.spelled} runs them in one transaction, and the server refuses it (55P04, unsafe use of new "
        "value).",
        instead=f"Apply {earlier.migration.name} everywhere before this one is deployed.",
    )


def _added(seen: SeenStatement) -> Iterator[_Added]:
    node = seen.tree
    if kind(node) == "AlterEnumStmt" and node.oldVal is None:
        yield _Added(by=seen, enum=type_name(seen.before, names(node.typeName), ()), value=node.newVal)


RULE = Rule(
    id="enum-value-used-at-once",
    severity=Severity.ERROR,
    summary="a new enum value cannot be used in the transaction that adds it",
    explanation="""
ALTER TYPE … ADD VALUE may run inside a transaction, but until that is committed the value must not be used: not in a
row, a default, a CHECK or a comparison. The server says "unsafe use of new value", error 55P04. Where the type itself
was made in the same transaction, PostgreSQL 17 and later allow it.

Add the value in a migration of its own; tools run each migration in a transaction of its own. Drizzle and
node-pg-migrate do not: they run all that are pending in one, so that an earlier migration is early enough only where it
was applied before (a warning).
""",
    migration=_migration,
    project=_project,
)
