"""A table dropped and one like it made in one migration: a rename or an alteration that loses the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from crossfade.lint.copied import table_copied
from crossfade.lint.declared import created, dropped
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement
    from crossfade.postgres.catalog import Table
    from crossfade.postgres.names import QualifiedName


def _migration(migration: SeenMigration) -> Iterator[Said]:
    steps = migration.steps
    made = [table for seen in steps if (table := _made(seen)) is not None]
    last = {name: number for number, seen in enumerate(steps) if (name := _made_as(seen)) is not None}
    for number, seen in enumerate(steps):
        for name in dropped(seen, "OBJECT_TABLE"):
            table = seen.before.tables.get(name)
            is_made_again = last.get(name, -1) > number
            if table is None and is_made_again and _may_be_there(migration, seen, name):
                yield _maybe_lost(seen, name)
            if table is None or name not in seen.before.origins or table.partition_parent is not None:
                continue
            if table_copied(steps, number, name):
                continue
            like = next((m for m in made if m.name != name and _columns(m) == _columns(table) != ()), None)
            if is_made_again:
                yield _lost(seen, table)
            elif like is not None:
                yield _renamed(seen, table, like)


def _made(seen: SeenStatement) -> Table | None:
    name = _made_as(seen)
    return seen.after.tables.get(name) if name is not None and name not in seen.before.tables else None


def _made_as(seen: SeenStatement) -> QualifiedName | None:
    return created(seen, seen.tree.relation) if kind(seen.tree) == "CreateStmt" else None


def _may_be_there(migration: SeenMigration, seen: SeenStatement, name: QualifiedName) -> bool:
    """Whether neither a database nor a file before tells of a table that the statement drops if it is there."""
    if seen.before.is_complete:
        return False
    files = takewhile(lambda one: one is not migration.migration, migration.project.migrations)
    trees = (one.tree for file in files for one in file.up.statements)
    return not any(kind(tree) == "CreateStmt" and tree.relation.relname == name.name for tree in trees)


def _columns(table: Table) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((c.name, c.type) for c in table.columns))


def _lost(seen: SeenStatement, table: Table) -> Said:
    return Said(
        of=seen,
        message=f"drops {table.name} and makes it again: all of its rows are lost.",
        instead=f"ALTER TABLE {table.name} …, for what is to be different.",
    )


def _maybe_lost(seen: SeenStatement, name: QualifiedName) -> Said:
    return Said(
        of=seen,
        severity=Severity.WARNING,
        message=f"drops {name} where it is there, and makes it again: no file before makes it, and if it is there, all "
        "of its rows are lost.",
        instead=f"CREATE TABLE alone, which fails where {name} is there; ALTER TABLE, for what is to be different.",
    )


def _renamed(seen: SeenStatement, table: Table, like: Table) -> Said:
    moved, steps = replace(table.name, schema=like.name.schema), list[str]()
    if moved != table.name:
        steps.append(f"ALTER TABLE {table.name} SET SCHEMA {quoted(moved.schema)};")
    if like.name != moved:
        steps.append(f"ALTER TABLE {moved} RENAME TO {quoted(like.name.name)};")
    rename = "\n".join(steps)
    return Said(
        of=seen,
        message=f"drops {table.name} and makes {like.name} with the same columns: if that is the same table by another "
        "name, all of its rows are lost.",
        instead=f"-- if it is the same table\n{rename}\n-- if it is not: drop {table.name} in a migration of its own",
        is_planned=True,
    )


RULE = Rule(
    id="drop-and-create-table",
    severity=Severity.ERROR,
    summary="a table dropped and made in one migration loses its rows",
    explanation="""
ORMs that compare schemas cannot tell a renamed model from one less and one more: they write DROP TABLE and CREATE
TABLE. The new table is empty, and the rows of the old one are gone.

The rule speaks where a table is made again under its own name, and where another one with the very same columns is
made. It is silent where the migration reads the table into something else before it drops it. DROP TABLE IF EXISTS of a
table that no file before makes is a warning, unless --database tells that it is not there. The change `rename_table`
keeps the rows, and both names until contract.
""",
    migration=_migration,
)
