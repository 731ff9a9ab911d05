"""Enums as the statements of migrations make them; the model of tables does not have them. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement
    from crossfade.migrations.typed import Enums
    from crossfade.postgres.forecast import Schema


def made_by(migration: SeenMigration, enums: Enums) -> tuple[dict[QualifiedName, SeenStatement], Enums]:
    """The enums that it makes, by the names that they have in the end, each with its CREATE TYPE; and all as it leaves
    them."""
    made: dict[QualifiedName, SeenStatement] = {}
    for seen in migration.steps:
        after = enums.after(seen.tree, seen.before)
        gone, come = enums.labels.keys() - after.labels.keys(), after.labels.keys() - enums.labels.keys()
        was = {name: made.pop(name) for name in gone & made.keys()}
        if kind(seen.tree) == "CreateEnumStmt":
            made |= dict.fromkeys(come, seen)
        else:
            # One that has another name now, if there is any.
            made |= dict(zip(come, was.values(), strict=False))
        enums = after
    return made, enums


def type_name(schema: Schema, parts: tuple[str, ...], known: Collection[QualifiedName]) -> QualifiedName:
    """A type's name with its schema; without one, the first of the search path that has it, or takes a new one."""
    if len(parts) > 1:
        return QualifiedName(parts[-2], parts[-1])
    found = next((s for s in schema.search_path if QualifiedName(s, parts[-1]) in known), None)
    return QualifiedName(found or schema.creation_schema, parts[-1])
