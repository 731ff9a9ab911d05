"""Names that constraints which come back need: that of the index which one is made of; and of a NOT NULL, which from
PostgreSQL 18 has its name on every child as well, that nothing else there has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from crossfade.operations.step import Step
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.own_names import is_own_name
from crossfade.workflow.names_back import WayBack, is_there, walk
from crossfade.workflow.names_in_statements import Name
from crossfade.workflow.queries import query

Connection = psycopg.Connection[Any]


def in_the_way(connection: Connection, steps: Iterable[Step]) -> Iterator[str]:
    """What is not there, or has such a name, when the undo of these steps brings a constraint back, in words."""
    for way, _, node in walk(connection, steps):
        if kind(node) == "AlterTableStmt" and node.relation.schemaname:
            for command in node.cmds:
                if command.subtype.name == "AT_AddConstraint":
                    yield from _without_index(connection, way, node.relation, command.def_)
                    if command.def_.contype.name == "CONSTR_NOTNULL":
                        yield from _on_children(connection, way, node.relation, command.def_)


def _without_index(connection: Connection, way: WayBack, relation: Any, constraint: Any) -> Iterator[str]:
    if constraint.indexname:
        index = Name(kind="relation", what="index", schema=relation.schemaname, name=constraint.indexname)
        if not way.has_brought(index) and not is_there(connection, way, index):
            yield f"{index.shown} is not there, of which constraint {quoted(constraint.conname)} is made"


def _on_children(connection: Connection, way: WayBack, relation: Any, not_null: Any) -> Iterator[str]:
    schema, name, constraint = relation.schemaname, relation.relname, not_null.conname
    named = Name(kind="constraint", what="constraint", schema=schema, table=name, name=constraint or "")
    if not constraint or not_null.is_no_inherit or is_own_name(constraint) or way.has_dropped or way.has_freed(named):
        return
    table = QualifiedName(schema, way.tables.get((schema, name), name))
    rows = connection.execute(query("constraints_of_children"), {"table": str(table), "name": constraint}).fetchall()
    column = not_null.keys[0].sval
    for child, definition in rows:
        # Another NOT NULL is the same one, or that of a column which goes. Where the child has its own, that will do.
        if not definition.startswith("NOT NULL ") and not _is_not_null(connection, child, column):
            yield f"there is a constraint {quoted(constraint)} of {child} already, which is no NOT NULL"


def _is_not_null(connection: Connection, relation: str, column: str) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute"
        " WHERE attrelid = pg_catalog.to_regclass(%s) AND attname = %s AND attnotnull)",
        [relation, column],
    ).fetchone()
    return row is not None and bool(row[0])
