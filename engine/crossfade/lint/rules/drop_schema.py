"""DROP SCHEMA and DROP DATABASE."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement


def _migration(migration: SeenMigration) -> Iterator[Said]:
    made = {seen.tree.schemaname for seen in migration.steps if kind(seen.tree) == "CreateSchemaStmt"}
    for seen in migration.steps:
        yield from (replace(said, of=seen) for said in _statement(seen, made))


def _statement(seen: SeenStatement, made: Container[str]) -> Iterator[Said]:
    """`made` has the schemas that the migration makes, before or after it."""
    node = seen.tree
    if kind(node) == "DropdbStmt":
        yield Said(
            message=f"drops the database {quoted(node.dbname)} with all that is in it; only a backup brings it back.",
        )
    elif kind(node) == "DropStmt" and node.removeType.name == "OBJECT_SCHEMA":
        for schema in (dropped.sval for dropped in node.objects):
            inside = sorted(n.name for n in seen.before.tables if n.schema == schema and n in seen.before.origins)
            is_there = not node.missing_ok or not (seen.before.is_complete or schema in made)
            if node.behavior.name == "DROP_CASCADE" and (inside or is_there):
                yield Said(message=_words(schema, inside))


def _words(schema: str, inside: list[str]) -> str:
    shown = ", ".join(map(quoted, inside[:5])) + (f" and {len(inside) - 5} more" if len(inside) > 5 else "")
    what = f"its tables {shown}" if inside else "all that is in it"
    return (
        f"drops the schema {quoted(schema)} with {what}: every running version that uses one of them fails from then "
        "on; only a backup has the rows."
    )


RULE = Rule(
    id="drop-schema",
    severity=Severity.WARNING,
    breaks=True,
    summary="a dropped schema or database takes everything in it along",
    explanation="""
DROP SCHEMA … CASCADE drops every table, view, type and function of the schema, whoever uses it, and whatever hangs on
those in other schemas. DROP DATABASE leaves nothing at all. Drop what is no longer used by its name instead, one thing
after the other; a schema without CASCADE is dropped only when it is empty, and that is no finding.
""",
    migration=_migration,
)
