"""A value that is used in the transaction that adds it to its enum."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from crossfade.lint.enum_uses import uses
from crossfade.lint.enums import type_name
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.migrations.migration import Tool
from crossfade.postgres.forecast.trees import kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject, SeenStatement
    from crossfade.postgres.names import QualifiedName

_ALL_IN_ONE = frozenset({Tool.DRIZZLE, Tool.DRIZZLE_1})
_FIRST_TO_ALLOW_IN_A_NEW_TYPE = 170000


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if not seen.in_transaction or seen.inside is not None:
        return
    for earlier in seen.earlier:
        node = earlier.tree
        if kind(node) != "AlterEnumStmt" or node.oldVal is not None or _type_is_new(seen, node):
            continue
        enum = type_name(seen.before, names(node.typeName), ())
        if uses(seen, enum, node.newVal):
            yield Said(
                message=f"uses '{node.newVal}' in the transaction that adds it to {enum}: the server refuses it "
                "(55P04, unsafe use of new value).",
                instead=f"-- in a migration of its own, before this one\n{earlier.text};",
                is_planned=False,
            )


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    """Drizzle: all migrations that are pending run in one transaction, those that make a database all of them."""
    added: list[tuple[SeenMigration, QualifiedName, str]] = []
    for migration in project.migrations if project.project.tool in _ALL_IN_ONE else ():
        for (earlier, enum, value), seen in product(added, migration.steps):
            if uses(seen, enum, value):
                yield migration, _across(earlier, seen, enum, value)
        for seen in migration.steps:
            if kind(seen.tree) == "AlterEnumStmt" and seen.tree.oldVal is None:
                enum = type_name(seen.before, names(seen.tree.typeName), ())
                added.append((migration, enum, seen.tree.newVal))


def _across(earlier: SeenMigration, seen: SeenStatement, enum: QualifiedName, value: str) -> Said:
    return Said(
        of=seen,
        severity=Severity.WARNING,
        message=f"uses '{value}', which {earlier.migration.name} adds to {enum}: where both are pending, Drizzle runs "
        "them in one transaction, and the server refuses it (55P04, unsafe use of new value).",
        instead=f"Apply {earlier.migration.name} everywhere before this one is deployed.",
        is_planned=False,
    )


def _type_is_new(seen: SeenStatement, added: Any) -> bool:
    """Made in the same transaction, which is enough from PostgreSQL 17 on."""
    made = (e.tree for e in seen.earlier if kind(e.tree) == "CreateEnumStmt")
    is_new = any(names(node.typeName)[-1] == names(added.typeName)[-1] for node in made)
    return is_new and seen.before.server_version >= _FIRST_TO_ALLOW_IN_A_NEW_TYPE


RULE = Rule(
    id="enum-value-used-at-once",
    severity=Severity.ERROR,
    summary="a new enum value cannot be used in the transaction that adds it",
    explanation="""
ALTER TYPE … ADD VALUE may run inside a transaction, but until that is committed the value must not be used: not in a
row, a default, a CHECK or a comparison. The server says "unsafe use of new value", error 55P04. Where the type itself
was made in the same transaction, PostgreSQL 17 and later allow it.

Add the value in a migration of its own; tools run each migration in a transaction of its own. Drizzle does not: it runs
all that are pending in one, so that an earlier migration is early enough only where it was applied before (a warning).
""",
    statement=_statement,
    project=_project,
)
