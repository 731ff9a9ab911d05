"""What keeps PostgreSQL from doing what a statement of a plan's own says: views, foreign keys and the like. Pure.

They are known from the catalog, as the statements before have left it; nothing of a table that an earlier change of the
plan is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from crossfade.errors import Refusal
from crossfade.plan.nodes import kind_of
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.raw_sql.sql_foretold import Foretold
    from crossfade.postgres.catalog import Catalog, Column, Constraint, Dependent, Table

_DROPPED = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"})
_NEEDING_TABLE = frozenset({"view", "materialized view", "function"})
_NEEDING_COLUMN = _NEEDING_TABLE | {"rule", "policy", "trigger", "generated column"}
_NEEDING_TYPE = frozenset({"view", "materialized view", "rule", "policy", "trigger"})
"""What keeps a table or column from being dropped, and a column from getting another type."""


def needed(told: Foretold, catalog: Catalog, read: Catalog) -> Iterator[Refusal]:
    """Views, foreign keys and the like that PostgreSQL would refuse the statement for."""
    for table, needing in _in_the_way(told, catalog):
        if catalog.table(table.name) != read.table(table.name):
            continue
        for what in dict.fromkeys(needing):
            yield Refusal(
                code="dependent",
                object=what,
                message=f"{told.statement.short}: PostgreSQL refuses it, since this needs {table.name} as it is.",
                instead="Drop it in a statement before, or use the kind of change that makes it anew, such as "
                "change_type, drop_column or drop_table.",
            )


def _in_the_way(told: Foretold, catalog: Catalog) -> Iterator[tuple[Table, tuple[str, ...]]]:
    """Tables of the statement, each with what needs what becomes of it; nothing where it says CASCADE."""
    tree = told.statement.tree()
    others = tuple(t for t in map(told.table, told.relations) if t is not None and t.oid)
    match kind_of(tree):
        case "DropStmt" if tree.removeType.name in _DROPPED and not _cascades(tree):
            gone = {str(name) for name in told.relations}
            for table in others:
                on_top = (d for d in table.dependents if d.kind in _NEEDING_TABLE and d.name not in gone)
                yield table, (*_described(on_top), *_keys(told, catalog, table, table.columns))
        case "TruncateStmt" if not _cascades(tree):
            yield from ((table, tuple(_keys(told, catalog, table, table.columns))) for table in others)
        case "AlterTableStmt":
            here = told.before.find(tree.relation.schemaname, tree.relation.relname)
            if here is not None and here.oid:
                yield from ((here, tuple(_needing(told, catalog, here, command))) for command in tree.cmds)


def _needing(told: Foretold, catalog: Catalog, table: Table, command: Any) -> Iterator[str]:
    """What a subcommand of ALTER TABLE would be refused for."""
    column = table.column(command.name or "")
    match command.subtype.name:
        case "AT_DropColumn" if column is not None and not _cascades(command):
            yield from _described(d for d in table.dependents_on(column.name) if d.kind in _NEEDING_COLUMN)
            yield from _keys(told, catalog, table, (column,))
        case "AT_AlterColumnType" if column is not None:
            yield from _described(d for d in table.dependents_on(column.name) if d.kind in _NEEDING_TYPE)
        case "AT_DropConstraint" if not _cascades(command):
            dropped = next((c for c in table.constraints if c.name == command.name), None)
            if dropped is not None and dropped.kind in ("primary", "unique"):
                yield from dropped.needed_by
                yield from _keys_over(told, catalog, table, dropped.columns)


def _cascades(node: Any) -> bool:
    return bool(node.behavior.name == "DROP_CASCADE")


def _described(dependents: Iterable[Dependent]) -> Iterator[str]:
    return (f"{dependent.kind} {dependent.name}" for dependent in dependents)


def _keys(told: Foretold, catalog: Catalog, table: Table, columns: Iterable[Column]) -> Iterator[str]:
    """Foreign keys of tables that the statement does not name."""
    names = {column.name for column in columns}
    for holder, key in _pointing_at(told, catalog, table):
        if holder.name not in told.relations and names & {*key.referenced_columns}:
            yield f"foreign key {quoted(key.name)} of {holder.name}"


def _keys_over(told: Foretold, catalog: Catalog, table: Table, columns: tuple[str, ...]) -> Iterator[str]:
    """Those that can stand on a key over these columns only."""
    alike = [i for i in table.indexes if i.unique and {*i.columns[: i.key_count]} == {*columns}]
    for holder, key in _pointing_at(told, catalog, table) if len(alike) == 1 else ():
        if {*key.referenced_columns} == {*columns}:
            yield f"foreign key {quoted(key.name)} of {holder.name}"


def _pointing_at(told: Foretold, catalog: Catalog, table: Table) -> Iterator[tuple[Table, Constraint]]:
    """Foreign keys to the table itself, but for those that an earlier change has taken away."""
    for holder, key in told.before.incoming(table.name):
        read = catalog.table(holder.name)
        is_known = bool(holder.columns) or holder.name in catalog.relation_names
        was_dropped = read is not None and holder.name in told.before.origins and key.name not in read.constraint_names
        if key.referenced == table.name and is_known and not was_dropped:
            yield holder, key
