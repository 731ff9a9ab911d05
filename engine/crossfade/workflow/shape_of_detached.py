"""Statements about a partition that was detached, which has kept the shape that it had.

PostgreSQL asks for some things table by table, so a program names partitions and their indexes. One that has left has
not the column that is meant any more, or another one under its name: what would be set on that, or made of it, is none
of its business. Its names go there and back as those of the others do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import kind, names
from crossfade.workflow import baseline_rows
from crossfade.workflow.names_back import WayBack, is_there
from crossfade.workflow.names_in_statements import Kind, Name, parsed

if TYPE_CHECKING:
    from crossfade.postgres.statement import Statement
    from crossfade.workflow.session import Session

_RELATIONS = b"""
WITH RECURSIVE alone AS (
    SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid = ANY (%s::pg_catalog.oid[]) AND NOT c.relispartition
    UNION
    SELECT h.inhrelid FROM alone JOIN pg_catalog.pg_inherits h ON h.inhparent = alone.oid
)
SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text
FROM alone
LEFT JOIN pg_catalog.pg_index i ON i.indrelid = alone.oid
JOIN pg_catalog.pg_class c ON c.oid IN (alone.oid, i.indexrelid)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""
"""Those that are still detached, with their own partitions, and the indexes of all."""
_SHAPES = frozenset(
    {
        "AT_ColumnDefault",
        "AT_DropNotNull",
        "AT_SetNotNull",
        "AT_SetStatistics",
        "AT_SetStorage",
        "AT_SetOptions",
        "AT_ResetOptions",
        "AT_SetCompression",
    }
)


def without_detached(session: Session, statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """The statements but for those that shape what is detached; what one names is looked up when it is its turn."""
    detached = baseline_rows.detached(session)
    for statement in statements:
        if not (detached and _shapes(session, detached, statement)):
            yield statement


def _shapes(session: Session, detached: list[int], statement: Statement) -> bool:
    nodes = parsed(statement.text)
    there = {(schema, name) for schema, name in session.work.execute(_RELATIONS, [detached]).fetchall()}
    return bool(nodes) and all(there.intersection(_shaped(node)) or _is_vain(session, there, node) for node in nodes)


def _is_vain(session: Session, there: set[tuple[str, str]], node: Any) -> bool:
    """Whether a constraint that is to be added is there, or a column of an index that gets another name is not."""
    looked_up: Kind
    match kind(node):
        case "AlterTableStmt" if [command.subtype.name for command in node.cmds] == ["AT_AddConstraint"]:
            looked_up, name, is_vain_if_there = "constraint", node.cmds[0].def_.conname, True
        case "RenameStmt" if node.renameType.name == "OBJECT_COLUMN":
            looked_up, name, is_vain_if_there = "column", node.subname, False
        case _:
            return False
    schema, table = _path(node.relation)
    if schema is None or (schema, table) not in there:
        return False
    asked = Name(kind=looked_up, what=looked_up, schema=schema, table=table, name=name)
    return is_there(session.work, WayBack(), asked) is is_vain_if_there


def _shaped(node: Any) -> Iterator[tuple[str | None, str]]:
    """The table, or index, whose columns or constraints a statement changes, and the index that it attaches."""
    match kind(node):
        case "AlterTableStmt":
            kinds = [command.subtype.name for command in node.cmds]
            if _SHAPES.issuperset(kinds):
                yield _path(node.relation)
            elif kinds == ["AT_AttachPartition"]:
                yield _path(node.cmds[0].def_.name)
        case "CommentStmt" if node.objtype.name in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"):
            *_, schema, table, _ = names(node.object)
            yield schema, table
        case "GrantStmt" if node.objtype.name == "OBJECT_TABLE" and all(p.cols for p in node.privileges or ()):
            yield from map(_path, node.objects)


def _path(relation: Any) -> tuple[str | None, str]:
    return relation.schemaname, relation.relname
