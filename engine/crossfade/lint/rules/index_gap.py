"""An index dropped before the one that takes its place is there."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING, Any

from crossfade.lint.declared import dropped_indexes
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import concurrently
from crossfade.postgres.catalog import Index, Table
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement


def _migration(migration: SeenMigration) -> Iterator[Said]:
    for number, seen in enumerate(migration.steps):
        for table, index in _dropped(seen):
            later = (s for s in migration.steps[number + 1 :] if _replaces(s, table, index))
            successor = next(later, None)
            if successor is not None and successor.transaction is not seen.transaction:
                yield _said(seen, table, index, successor)


def _dropped(seen: SeenStatement) -> Iterator[tuple[Table, Index]]:
    for _, found in dropped_indexes(seen):
        if found is not None and found[0].name in seen.before.origins and found[1].valid:
            yield found


def _replaces(seen: SeenStatement, table: Table, index: Index) -> bool:
    """Whether it makes an index by which the same rows are found."""
    node = seen.tree
    if kind(node) != "IndexStmt" or seen.before.qualify(node.relation.schemaname, node.relation.relname) != table.name:
        return False
    keys = tuple(part.name for part in node.indexParams)
    old = index.columns[: index.key_count]
    return None not in old and keys[: len(old)] == old and (node.unique or not index.unique)


def _said(seen: SeenStatement, table: Table, index: Index, successor: SeenStatement) -> Said:
    columns = ", ".join(quoted(c) for c in index.columns[: index.key_count] if c is not None)
    unique = ", and rows that are equal in them can come in" if index.unique else ""
    return Said(
        of=seen,
        message=f"drops {index.name} before the index that takes its place is there: until that is built, queries by "
        f"{columns} read all rows of {table.name}{unique}.",
        instead=_the_other_way_round(index, successor.tree),
        is_planned=True,
    )


def _the_other_way_round(index: Index, node: Any) -> str:
    schema, old = quoted(index.name.schema), quoted(index.name.name)
    if node.idxname != index.name.name:
        return f"{concurrently(node)}\nDROP INDEX CONCURRENTLY {schema}.{old};"
    changed = copy(node)
    changed.idxname = f"{index.name.name}_new"
    new = quoted(changed.idxname)
    return (
        f"{concurrently(changed)}\nDROP INDEX CONCURRENTLY {schema}.{old};\nALTER INDEX {schema}.{new} RENAME TO {old};"
    )


RULE = Rule(
    id="index-gap",
    severity=Severity.WARNING,
    summary="an index dropped before the one that takes its place leaves queries without any",
    explanation="""
Between the two statements, and for as long as the new index is built, every query that went by the old one reads the
whole table. Of a unique index the rule itself is off meanwhile, and the build fails on rows that came in against it.

Build the new one first, under another name where it is to have the same one, then drop the old one. The change
`replace_index` does that. In one transaction nobody sees the gap, but the lock of the drop keeps everybody waiting;
that is a finding of other rules.
""",
    migration=_migration,
)
