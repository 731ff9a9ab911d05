"""Statements of a plan's own that cannot run in a transaction: how to tell that one is done, and what it may leave.

Whoever goes on after a crash asks before the statement is sent again. What can be read from the statement itself is;
for anything else the plan has to say it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.indexes import index_build
from crossfade.postgres.catalog import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.raw_sql.sql_foretold import Foretold
    from crossfade.postgres.statement import Statement

AGAIN = "SELECT false"
"""For statements that can simply be sent again."""
_REPEATABLE = frozenset({"VacuumStmt", "ClusterStmt", "CheckPointStmt", "ReindexStmt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """What a step with the statement says besides."""

    done: str
    cleanup: tuple[Statement, ...] = ()
    undo: tuple[Statement, ...] = ()
    """What takes it back, where the plan says nothing."""


def alone(told: Foretold) -> Alone | Refusal:
    """What is known of a statement that runs outside a transaction; a refusal where that is not enough."""
    node = told.statement.tree()
    kind = told.statement.kind
    if kind == "IndexStmt":
        return _index(told, node)
    if told.run.done is not None:
        return Alone(done=told.run.done)
    if kind == "DropStmt":
        return _drop_index(told, node)
    if kind == "ReindexStmt" and any(o.defname == "concurrently" for o in node.params or ()):
        return _by_kind(told, "reindex", "cut off, it leaves an invalid copy of the index")
    if kind == "AlterTableStmt":
        return _by_kind(told, "detach_partition", "cut off, it leaves a partition that is half detached")
    if kind in _REPEATABLE:
        return Alone(done=AGAIN)
    return Refusal(
        code="no_done",
        object=told.place,
        message=f"{told.statement.short}: it cannot run in a transaction, and nothing tells when it is done.",
        instead="Write it as `run`, with a query for one boolean as `done`.",
    )


def _index(told: Foretold, node: Any) -> Alone | Refusal:
    table = told.before.find(node.relation.schemaname, node.relation.relname)
    if node.idxname is None:
        return Refusal(
            code="unnamed_index",
            object=told.place,
            message=f"{told.statement.short}: an index without a name cannot be found again after a crash.",
            instead="Give it a name.",
        )
    if table is not None and table.kind == "partitioned":
        return _by_kind(told, "create_index", "PostgreSQL builds no index of a partitioned table concurrently")
    schema = table.name.schema if table is not None else told.before.creation_schema
    name = QualifiedName(schema, node.idxname)
    if told.before.find_index(schema, node.idxname) or name in told.before.other_relations | told.before.tables.keys():
        return Refusal(
            code="name_taken",
            object=str(name),
            message="there is a relation of that name already.",
            instead="Choose another name, or drop that one first.",
        )
    gone = index_build.drop_concurrently(sql.Identifier(schema, node.idxname))
    return Alone(done=index_build.is_valid(name), cleanup=(gone,), undo=(gone,))


def _drop_index(told: Foretold, node: Any) -> Alone:
    """DROP INDEX CONCURRENTLY, of one name; cut off, it leaves an index that the next attempt drops."""
    *above, name = (part.sval for part in node.objects[0])
    return Alone(done=index_build.gone(told.before.qualify(above[-1] if above else None, name)))


def _by_kind(told: Foretold, kind: str, why: str) -> Refusal:
    return Refusal(
        code="typed_change",
        object=told.place,
        message=f"{told.statement.short}: {why}.",
        instead=f"Use a {kind} change, which deals with that.",
    )
