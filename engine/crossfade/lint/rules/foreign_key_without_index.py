"""A foreign key whose columns no index begins with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.cost import listed
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import index_of_partitions
from crossfade.postgres.forecast.trees import kind, one_statement
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement
    from crossfade.postgres.catalog import Constraint, QualifiedName, Table


def _migration(migration: SeenMigration) -> Iterator[Said]:
    for seen in migration.up:
        if not seen.runs:
            continue
        for table, key in new_keys(seen):
            at_end = migration.after.tables.get(table)
            if at_end is None or key.name not in {c.name for c in at_end.constraints} or _is_indexed(at_end, key):
                continue
            columns = tuple(map(quoted, key.columns))
            yield Said(
                message=f"no index of {table} begins with {listed(columns)}: each DELETE in {key.referenced}, and "
                "each UPDATE of its key, reads the whole table.",
                instead=_build(at_end, columns, is_there=table in migration.before.tables),
                of=seen,
            )


def _build(table: Table, columns: tuple[str, ...], *, is_there: bool) -> str:
    plain = f"CREATE INDEX ON {table.name} ({', '.join(columns)})"
    if is_there and table.kind == "partitioned":
        return index_of_partitions(one_statement(plain), table)
    return f"{plain.replace('INDEX', 'INDEX CONCURRENTLY', 1) if is_there else plain};"


def new_keys(seen: SeenStatement) -> Iterator[tuple[QualifiedName, Constraint]]:
    """Foreign keys that the statement makes, with their tables; copies that partitions get are none."""
    if kind(seen.tree) not in {"AlterTableStmt", "CreateStmt"}:
        return
    relation = seen.tree.relation
    table = seen.after.find(relation.schemaname, relation.relname)
    if table is None:
        return
    before = seen.before.tables.get(table.name)
    known = {c.name for c in before.constraints} if before is not None else set[str]()
    for key in table.constraints:
        if key.kind == "foreign" and not key.inherited and key.name not in known:
            yield table.name, key


def _is_indexed(table: Table, key: Constraint) -> bool:
    wanted, count = set(key.columns), len(key.columns)
    return any(
        set(i.columns[: min(count, i.key_count)]) == wanted
        for i in table.indexes
        if i.valid and not i.partial and i.method in {"btree", "hash"}
    )


RULE = Rule(
    id="foreign-key-without-index",
    severity=Severity.WARNING,
    summary="a foreign key without an index on its columns",
    explanation="""
PostgreSQL makes no index for a foreign key. Whenever a row of the referenced table is deleted, or its key changes, it
looks for rows that point there: without an index that begins with the key's columns it reads the whole table, once for
each row, and keeps the row locked meanwhile. Where rows there are never deleted, the index may not be worth its cost.
""",
    migration=_migration,
)
