"""Constraints that a way back makes again, beside what others have made of the tables, by the catalog alone: another
primary key, a foreign key's other side, constraints of children. And what keeps a key from going; and whether our role
may still make things there.

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
    gone: set[tuple[str, ...]] = set()
    for way, _, node in walk(connection, steps):
        yield from _rights(connection, node)
        if kind(node) == "AlterTableStmt" and node.relation.schemaname:
            for command in node.cmds:
                match command.subtype.name:
                    case "AT_AddConstraint":
                        yield from _of_constraint(connection, way, node.relation, command.def_)
                    case "AT_SetNotNull":
                        yield from _not_null(connection, way, node.relation, command.name, None)
                    case "AT_DropConstraint" if command.behavior.name == "DROP_RESTRICT":
                        yield from _held(connection, way, gone, _table(way, node.relation), command.name)
        gone |= set(_gone(way, node))


def _table(way: WayBack, relation: Any) -> QualifiedName:
    schema, name = relation.schemaname, relation.relname
    return QualifiedName(schema, way.tables.get((schema, name), name))


def _gone(way: WayBack, node: Any) -> Iterator[tuple[str, ...]]:
    """The constraints that a statement drops or renames, by schema, table and name of now, and the tables that lose
    something with constraints on it.
    """
    match kind(node):
        case "AlterTableStmt" if node.relation.schemaname:
            table = _table(way, node.relation)
            for command in node.cmds:
                if command.subtype.name == "AT_DropConstraint":
                    yield table.schema, table.name, command.name
                elif command.subtype.name == "AT_DropColumn":
                    yield table.schema, table.name
        case "RenameStmt" if node.renameType.name == "OBJECT_TABCONSTRAINT" and node.relation.schemaname:
            table = _table(way, node.relation)
            yield table.schema, table.name, node.subname
        case "DropStmt" if node.removeType.name == "OBJECT_TABLE":
            yield from (tuple(names(path)) for path in node.objects)


def _held(
    connection: Connection, way: WayBack, gone: set[tuple[str, ...]], table: QualifiedName, name: str
) -> Iterator[str]:
    """Foreign keys that refer to a key which goes, such as one of a partition that was detached."""
    if name in way.brought or name in way.freed:
        return
    rows = connection.execute(
        "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, f.conname::pg_catalog.text"
        " FROM pg_catalog.pg_constraint k"
        " JOIN pg_catalog.pg_constraint f ON f.conindid = k.conindid AND f.contype = 'f' AND f.conparentid = 0"
        " JOIN pg_catalog.pg_class c ON c.oid = f.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE k.conrelid = pg_catalog.to_regclass(%s) AND k.conname = %s AND k.contype IN ('p', 'u')"
        " ORDER BY 1, 2, 3",
        [str(table), name],
    ).fetchall()
    for schema, other, key in rows:
        if not is_own_name(key) and not gone & {(schema, other), (schema, other, key)}:
            yield (
                f"foreign key {quoted(key)} of {QualifiedName(schema, other)} refers to {quoted(name)} of {table}, "
                "which is to be dropped"
            )


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
    table = _table(way, relation)
    how = constraint.contype.name
    if how == "CONSTR_PRIMARY":
        yield from _other_key(connection, way, table, constraint)
        yield from _other_keys_of_partitions(connection, way, table, constraint)
    if how == "CONSTR_NOTNULL" and not constraint.is_no_inherit:
        (column,) = names(constraint.keys)
        yield from _not_null(connection, way, relation, column, constraint)
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


def _other_keys_of_partitions(
    connection: Connection, way: WayBack, table: QualifiedName, constraint: Any
) -> Iterator[str]:
    """One over the same columns becomes a part of it."""
    rows = connection.execute(query("keys_of_partitions"), {"table": str(table)}).fetchall()
    for schema, name, key, columns in rows:
        partition = QualifiedName(schema, name)
        if tuple(columns) != names(constraint.keys) and _stays(way, partition, key):
            yield f"{partition}, a partition of {table}, has another primary key, {quoted(key)}"


def _not_null(
    connection: Connection, way: WayBack, relation: Any, column: str, constraint: Any | None
) -> Iterator[str]:
    """From PostgreSQL 18 it is a constraint, which is not merged with every other."""
    if column in way.brought:
        return
    asked = {
        "table": str(_table(way, relation)),
        "column": column,
        "below": relation.inh,
        "is_valid": constraint is not None and constraint.initially_valid,
        "name": None if constraint is None else constraint.conname,
    }
    for table, name, what in connection.execute(query("not_null_unlike"), asked).fetchall():
        its = f"the NOT NULL {quoted(name)} of {table} is {what}"
        yield f"{its}, beside which that of {quoted(column)} cannot come back"


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
        not one.is_no_inherit
        and one.is_enforced >= check.is_enforced
        and one.initially_valid >= check.initially_valid
        and str(RawStream()(one.raw_expr)) == str(RawStream()(check.raw_expr))
        for one in same
    )
