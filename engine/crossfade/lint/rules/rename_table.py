"""RENAME and SET SCHEMA of a table or view that running versions read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration

_RELATIONS = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"})


def _new_name(node: Any, old: QualifiedName) -> QualifiedName | None:
    if kind(node) == "RenameStmt" and node.renameType.name in _RELATIONS:
        return QualifiedName(old.schema, node.newname)
    if kind(node) == "AlterObjectSchemaStmt" and node.objectType.name in _RELATIONS:
        return QualifiedName(node.newschema, old.name)
    return None


def _migration(migration: SeenMigration) -> Iterator[Said]:
    left = migration.after
    for seen in migration.steps:
        node = seen.tree
        table = seen.existing(node.relation) if getattr(node, "relation", None) is not None else None
        new = _new_name(node, table.name) if table is not None else None
        if table is None or new is None or seen.before.origins[table.name] != table.name:
            continue
        if table.name not in left.tables:
            together = f"{seen.statement.text};\nCREATE VIEW {table.name} AS TABLE {new};"
            together = together if seen.in_transaction else f"BEGIN;\n{together}\nCOMMIT;"
            yield Said(
                of=seen,
                message=f"renames {table.name} to {new}: "
                "every running version that reads or writes it by the old name fails from then on.",
                instead=f"{together}\n-- in a later migration, once nobody uses the old name\nDROP VIEW {table.name};",
                is_planned=table.kind in {"table", "partitioned"},
            )


RULE = Rule(
    id="rename-table",
    severity=Severity.WARNING,
    breaks=True,
    summary="a renamed table or view breaks the versions of the app that are running",
    explanation="""
The rename takes a moment, under an ACCESS EXCLUSIVE lock. From then on every statement of a running version that has
the old name fails. The same holds for a table that is moved to another schema.

A view of the old name over the table keeps old versions working: it can be read, and written as long as it is a plain
SELECT of one table. Make it in the same transaction as the rename, so that at no moment neither name is there. The
change `rename_table` does that, and takes the view away at contract. Where the migration itself leaves something of the
old name, be it a view or another table, nothing is said.
""",
    migration=_migration,
)
