"""ALTER TYPE … RENAME of a type that stays under its new name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.declared import made_type
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration

_TYPES = frozenset({"OBJECT_TYPE", "OBJECT_DOMAIN"})


def _come(node: Any) -> tuple[str, ...]:
    """The name of a type that is there after the statement, without its schema."""
    if kind(node) == "RenameStmt" and node.renameType.name in _TYPES:
        return (node.newname,)
    return made_type(node)[-1:]


def _gone(node: Any) -> frozenset[str]:
    if kind(node) != "DropStmt" or node.removeType.name not in _TYPES:
        return frozenset()
    return frozenset(names(dropped.names)[-1] for dropped in node.objects)


def _migration(migration: SeenMigration) -> Iterator[Said]:
    made = {name for seen in migration.steps for name in _come(seen.tree)}
    gone = {name for seen in migration.steps for name in _gone(seen.tree)}
    for seen in migration.steps:
        node = seen.tree
        if kind(node) != "RenameStmt" or node.renameType.name not in _TYPES:
            continue
        old, new = names(node.object)[-1], str(node.newname)
        if old not in made and new not in gone:
            yield Said(
                of=seen,
                message=f"renames the type {quoted(old)} to {quoted(new)}: every running version that names it, in a "
                "cast or in the types that its driver registers, fails from then on.",
                instead="Keep the type's name; nothing but SQL text sees it.",
            )


RULE = Rule(
    id="rename-type",
    severity=Severity.WARNING,
    breaks=True,
    summary="a renamed type breaks the casts of the versions of the app that are running",
    explanation="""
ORMs and drivers name enums, domains and composite types in casts ($1::status), and register them by name when they
connect. After the rename those statements fail. Columns keep their type, whatever it is called.

A type that is renamed out of the way of another one that takes its name, as when an enum is built anew, is no finding
of this rule.
""",
    migration=_migration,
)
