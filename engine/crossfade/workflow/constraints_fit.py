"""Constraints that a way back makes again, beside what others have made of the tables, by the catalog alone: another
primary key, a foreign key's other side, constraints of children. And whether our role may still make things there.

What comes back on the way itself is not known by the catalog: where a statement before brings it, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from psycopg import sql

from crossfade.operations.step import Step
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.own_names import is_own_name
from crossfade.postgres.statement import render
from crossfade.workflow.names_back import WayBack, walk
from crossfade.workflow.names_in_statements import Name, parsed
from crossfade.workflow.queries import query

Connection = psycopg.Connection[Any]
_ON_AN_INDEX = frozenset({"CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_EXCLUSION"})
_PUTS_INTO_A_SCHEMA = frozenset({"IndexStmt", "CreateStmt", "ViewStmt"})
_OF_AN_OWNER = frozenset({"AlterTableStmt", "RenameStmt", "IndexStmt"})


def in_the_way(connection: Connection, steps: Iterable[Step]) -> Iterator[str]:
    """What others did that keeps the undo of these steps from making something again, in words."""
    for way, _, node in walk(connection, steps):
        yield from _rights(connection, node)
        if kind(node) == "AlterTableStmt" and node.relation.schemaname:
            for command in node.cmds:
                if command.subtype.name == "AT_AddConstraint":
                    yield from _of_constraint(connection, way, node.relation, command.def_)


def _rights(connection: Connection, node: Any) -> Iterator[str]:
    """An owner of a table may have been exchanged, and what it may do in a schema revoked."""
    relation: Any = getattr(node, "view" if kind(node) == "ViewStmt" else "relation", None)
    if kind(relation) != "RangeVar" or not relation.schemaname:
        return
    name = QualifiedName(relation.schemaname, relation.relname)
    if kind(node) in _PUTS_INTO_A_SCHEMA or (kind(node) == "RenameStmt" and node.subname is None):
        row = connection.execute(
            "SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE') FROM pg_catalog.pg_namespace n"
            " WHERE n.nspname = %s",
            [name.schema],
        ).fetchone()
        if row is not None and not row[0]:
            yield f"the role of this session may not create anything in schema {quoted(name.schema)}"
    if kind(node) in _OF_AN_OWNER:
        row = connection.execute(
            "SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') FROM pg_catalog.pg_class c"
            " WHERE c.oid = pg_catalog.to_regclass(%s)",
            [str(name)],
        ).fetchone()
        if row is not None and not row[0]:
            yield f"the role of this session does not own {name}"


def _of_constraint(connection: Connection, way: WayBack, relation: Any, constraint: Any) -> Iterator[str]:
    table = QualifiedName(
        relation.schemaname, way.tables.get((relation.schemaname, relation.relname), relation.relname)
    )
    how = constraint.contype.name
    if how == "CONSTR_PRIMARY":
        yield from _other_key(connection, way, table, constraint)
    if how in _ON_AN_INDEX:
        yield from _foreign_partitions(connection, table)
    if how == "CONSTR_FOREIGN" and constraint.pk_attrs and constraint.pktable.schemaname:
        yield from _other_side(connection, way, table, constraint)
    if how == "CONSTR_CHECK" and not constraint.is_no_inherit:
        yield from _of_children(connection, way, table, constraint)


def _other_key(connection: Connection, way: WayBack, table: QualifiedName, constraint: Any) -> Iterator[str]:
    rows = connection.execute(
        "SELECT k.conname::pg_catalog.text FROM pg_catalog.pg_constraint k"
        " WHERE k.conrelid = pg_catalog.to_regclass(%s) AND k.contype = 'p'",
        [str(table)],
    ).fetchall()
    for (name,) in rows:
        # Where it has the name that comes back, that is said by the name.
        if name != constraint.conname and _stays(way, table, name):
            yield f"{table} has another primary key, {quoted(name)}"


def _stays(way: WayBack, table: QualifiedName, name: str) -> bool:
    """Whether no statement before takes the constraint away, as far as they tell."""
    is_ours = is_own_name(name) or way.has_dropped
    return not is_ours and not way.has_freed(
        Name(kind="constraint", what="constraint", schema=table.schema, table=table.name, name=name)
    )


def _foreign_partitions(connection: Connection, table: QualifiedName) -> Iterator[str]:
    rows = connection.execute(
        "SELECT p.relid::pg_catalog.regclass::pg_catalog.text"
        " FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%s)) p"
        " JOIN pg_catalog.pg_class c ON c.oid = p.relid WHERE c.relkind = 'f' AND p.relid <> p.parentrelid",
        [str(table)],
    ).fetchall()
    yield from (f"{table} has a foreign table as a partition, {name}" for (name,) in rows)


def _other_side(connection: Connection, way: WayBack, table: QualifiedName, key: Any) -> Iterator[str]:
    schema, name = key.pktable.schemaname, key.pktable.relname
    other = QualifiedName(schema, way.tables.get((schema, name), name))
    columns = names(key.pk_attrs)
    row = connection.execute(
        query("other_side_of_key"), {"table": str(table), "other": str(other), "columns": list(columns)}
    ).fetchone()
    if row is None:
        return
    has_key, as_lasting = row
    if not as_lasting:
        yield f"{other} is not as lasting as {table} (LOGGED, UNLOGGED), which is to refer to it"
    if not has_key and not way.brought & {*columns, name} and (schema, name) not in way.keyed:
        yield f"nothing makes {', '.join(map(quoted, columns))} of {other} unique, which {table} is to refer to"


def _of_children(connection: Connection, way: WayBack, table: QualifiedName, check: Any) -> Iterator[str]:
    """One that says the same becomes a part of it."""
    rows = connection.execute(query("constraints_of_children"), {"table": str(table), "name": check.conname}).fetchall()
    for child, definition in rows:
        if _stays(way, table, check.conname) and not _says(definition, check):
            yield f"there is a constraint {quoted(check.conname)} of {child} already, which is another one"


def _says(definition: str, check: Any) -> bool:
    from pglast.stream import RawStream

    text = render(sql.SQL("ALTER TABLE t ADD CONSTRAINT c {}").format(sql.SQL(definition)))
    same = [c.def_ for node in parsed(text) for c in node.cmds if c.def_.contype.name == "CONSTR_CHECK"]
    return any(
        not one.is_no_inherit and str(RawStream()(one.raw_expr)) == str(RawStream()(check.raw_expr)) for one in same
    )
