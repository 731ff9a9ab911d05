"""Tables on which a plan's own statements make something that the catalog would have whole and the forecast has not.

The forecast knows names, columns and types; how an index, a constraint or a view is defined stands in the database,
once it is there. A typed change that has to carry it along would lose it, so it is refused behind such
statements. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from crossfade.errors import Refusal
from crossfade.operations.tables.table_preflight import family_of

if TYPE_CHECKING:
    from crossfade.operations.raw_sql.sql_foretold import Foretold
    from crossfade.plan.changes import Change
    from crossfade.postgres.catalog import Catalog, QualifiedName
    from crossfade.postgres.forecast import Schema

_HARMLESS_TEXT = """
    SelectStmt InsertStmt UpdateStmt DeleteStmt MergeStmt TruncateStmt VacuumStmt LockStmt ReindexStmt ClusterStmt
    RefreshMatViewStmt DropStmt RenameStmt AlterObjectSchemaStmt CreateSeqStmt AlterSeqStmt VariableSetStmt
"""
_HARMLESS = frozenset(_HARMLESS_TEXT.split())
"""They make nothing, or nothing on a table."""
_FORESEEN = frozenset({"AT_DropColumn", "AT_DropNotNull", "AT_AlterColumnType", "AT_DropConstraint"})


def unread(told: Iterable[Foretold], after: Schema) -> frozenset[QualifiedName]:
    """The tables, by the names that they have in the end."""
    found = {
        name for one in told if not _is_foreseen(one.statement.tree(), one.statement.kind) for name in one.relations
    }
    renamed = {now for now, was in after.origins.items() if was in found}
    return frozenset(found | renamed)


def refusals(change: Change, catalog: Catalog, unread: frozenset[QualifiedName]) -> Iterator[Refusal]:
    """For a typed change that names one of these tables, or a relative of it."""
    if change.kind == "sql" or not unread:
        return
    for name in change.tables:
        table = catalog.resolve(name.schema, name.name)
        if table is not None and any(member.name in unread for member in family_of(table, catalog)):
            yield Refusal(
                code="made_by_sql",
                object=str(table.name),
                message=f"an `sql` change before this {change.kind} makes something on the table that is not there yet "
                "to be looked at, and that this change would have to deal with.",
                instead="Put this change before it, or into a plan of its own.",
            )


def _is_foreseen(tree: Any, kind: str) -> bool:
    """Whether the statement makes nothing but columns of a type."""
    if kind != "AlterTableStmt":
        return kind in _HARMLESS
    return all(command.subtype.name in _FORESEEN or _adds_a_plain_column(command) for command in tree.cmds)


def _adds_a_plain_column(command: Any) -> bool:
    return command.subtype.name == "AT_AddColumn" and not command.def_.constraints
