"""Statements about a partition that was detached, which has kept the shape that it had.

PostgreSQL asks for some things table by table, so a program names partitions and their indexes. One that has left has
not the column that is meant any more, or another one under its name: what would be set on that, or made of it, is none
of its business. Nor does anything on it get another name, or an index that the plan asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.own_names import is_own_name
from crossfade.workflow import baseline_rows
from crossfade.workflow.names_back import WayBack, is_there
from crossfade.workflow.names_in_statements import Name, parsed

if TYPE_CHECKING:
    from crossfade.operations.step import Step
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
UNION ALL
SELECT n.nspname::pg_catalog.text, e.stxname::pg_catalog.text
FROM alone JOIN pg_catalog.pg_statistic_ext e ON e.stxrelid = alone.oid
JOIN pg_catalog.pg_namespace n ON n.oid = e.stxnamespace
"""
"""Those that are still detached, with their own partitions, and the indexes and statistics of all."""
_NAMED = frozenset({"OBJECT_INDEX", "OBJECT_TABCONSTRAINT", "OBJECT_COLUMN"})
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
        "AT_ClusterOn",
        "AT_ReplicaIdentity",
    }
)

Path = tuple[str | None, str]
"""Schema and name."""


def without_detached(session: Session, statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """The statements but for those about what is detached."""
    detached = baseline_rows.detached(session)
    there: set[Path] = set(session.work.execute(_RELATIONS, [detached]).fetchall()) if detached else set()
    if not there:
        yield from statements
        return
    nodes = [node for text in _texts(session) for node in parsed(text)]
    named = _with_other_names(there, nodes)
    asked_for = {(n.relation.schemaname, n.idxname) for n in nodes if _is_asked_for(named, n)}
    for statement in statements:
        about = [
            named.intersection(_shaped(node))
            or asked_for.intersection(_index_of(node))
            or _is_vain(session, named, node)
            for node in parsed(statement.text)
        ]
        if not about or not all(about):
            yield statement


def _texts(session: Session) -> Iterator[str]:
    """Of the program, those that may give indexes and statistics a name."""
    for step in session.program.steps:
        for statement in (*step.statements, *step.undo):
            if any(word in statement.text for word in ("INDEX", "CONSTRAINT", "STATISTICS")):
                yield statement.text


def _with_other_names(there: set[Path], nodes: list[Any]) -> set[Path]:
    """With the names that what is there has before or behind some statement of the program."""
    renamed = [pair for node in nodes for pair in _renamed(there, node)]
    found, size = set(there), 0
    while size < len(found):
        size = len(found)
        found |= {name for pair in renamed if found.intersection(pair) for name in pair}
    return found


def _renamed(there: set[Path], node: Any) -> Iterator[tuple[Path, Path]]:
    match kind(node):
        case "RenameStmt" if node.renameType.name == "OBJECT_INDEX":
            yield _path(node.relation), (node.relation.schemaname, node.newname)
        case "RenameStmt" if node.renameType.name == "OBJECT_TABCONSTRAINT" and _path(node.relation) in there:
            schema = node.relation.schemaname
            yield (schema, node.subname), (schema, node.newname)
        case "RenameStmt" if node.renameType.name == "OBJECT_STATISTIC_EXT":
            for schema, name in _with_schema(node.object):
                yield (schema, name), (schema, node.newname)
        case "AlterTableStmt" if _path(node.relation) in there:
            schema = node.relation.schemaname
            added = (c.def_ for c in node.cmds if c.subtype.name == "AT_AddConstraint")
            yield from (((schema, a.indexname), (schema, a.conname)) for a in added if a.indexname)


def _is_asked_for(named: set[Path], node: Any) -> bool:
    """Whether a statement builds an index on what is detached that the plan asks for."""
    return kind(node) == "IndexStmt" and _path(node.relation) in named and not is_own_name(node.idxname or "")


def past_detached(session: Session, steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps with what they and their undo do to what is not detached."""
    if not baseline_rows.detached(session):
        return tuple(steps)
    return tuple(
        replace(
            step,
            statements=tuple(without_detached(session, step.statements)),
            undo=tuple(without_detached(session, step.undo)),
        )
        for step in steps
    )


def passes_over(session: Session, step: Step) -> bool:
    """Whether a step has nothing to do, since all of it is about what is detached."""
    return bool(step.statements) and not any(without_detached(session, step.statements))


def _is_vain(session: Session, named: set[Path], node: Any) -> bool:
    """Whether a constraint is to be added that is there."""
    if kind(node) != "AlterTableStmt" or [command.subtype.name for command in node.cmds] != ["AT_AddConstraint"]:
        return False
    schema, table = _path(node.relation)
    if schema is None or (schema, table) not in named:
        return False
    name = node.cmds[0].def_.conname
    asked = Name(kind="constraint", what="constraint", schema=schema, table=table, name=name)
    return is_there(session.work, WayBack(), asked)


def _shaped(node: Any) -> Iterator[Path]:
    """The table, index or statistics whose name, columns or constraints a statement changes, and the index that it
    attaches.
    """
    match kind(node):
        case "RenameStmt" if node.renameType.name in _NAMED and node.relation is not None:
            yield _path(node.relation)
        case "RenameStmt" if node.renameType.name == "OBJECT_STATISTIC_EXT":
            yield from _with_schema(node.object)
        case "CommentStmt" if node.objtype.name in ("OBJECT_INDEX", "OBJECT_STATISTIC_EXT"):
            yield from _with_schema(node.object)
        case "AlterTableStmt":
            kinds = [command.subtype.name for command in node.cmds]
            if _SHAPES.issuperset(kinds):
                yield _path(node.relation)
            elif kinds == ["AT_AttachPartition"]:
                yield _path(node.cmds[0].def_.name)
        case "CommentStmt" if node.objtype.name in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"):
            yield from _with_schema(node.object[:-1])
        case "GrantStmt" if node.objtype.name == "OBJECT_TABLE" and all(p.cols for p in node.privileges or ()):
            yield from map(_path, node.objects)


def _index_of(node: Any) -> Iterator[Path]:
    """The index that a statement builds, attaches, renames a column of or makes a constraint of."""
    match kind(node):
        case "RenameStmt" if node.renameType.name == "OBJECT_COLUMN" and node.relation is not None:
            yield _path(node.relation)
        case "IndexStmt":
            yield node.relation.schemaname, node.idxname
        case "AlterTableStmt":
            for command in node.cmds:
                if command.subtype.name == "AT_AttachPartition":
                    yield _path(command.def_.name)
                elif command.subtype.name == "AT_AddConstraint" and command.def_.indexname:
                    yield node.relation.schemaname, command.def_.indexname


def _with_schema(parts: Any) -> Iterator[Path]:
    """A name of a statement; none where a user's leaves the schema out."""
    path = names(parts)
    if len(path) == 2:
        yield path[0], path[1]


def _path(relation: Any) -> Path:
    return relation.schemaname, relation.relname
