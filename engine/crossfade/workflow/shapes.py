"""What a statement makes, and what has a name in the database, as far as the two are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from crossfade.operations.step import Step
from crossfade.postgres.forecast.trees import columns_of, kind, names
from crossfade.postgres.names import QualifiedName
from crossfade.workflow.names_back import WayBack
from crossfade.workflow.names_in_statements import Name, parsed
from crossfade.workflow.queries import query

Connection = psycopg.Connection[Any]

_CONSTRAINTS = {
    "CONSTR_CHECK": "c",
    "CONSTR_FOREIGN": "f",
    "CONSTR_UNIQUE": "u",
    "CONSTR_PRIMARY": "p",
    "CONSTR_EXCLUSION": "x",
    "CONSTR_NOTNULL": "n",
}
_CHANGEABLE = frozenset("re")
"""A table or an enum that has something else as well is the same one."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a statement makes, as far as it is compared."""

    kind: str
    """`pg_class.relkind`, `pg_constraint.contype` or `pg_type.typtype`."""
    table: tuple[str, str] | None = None
    """An index's."""
    columns: tuple[str | None, ...] | None = None
    """An index's in their order, None for an expression; a constraint's or a table's; an enum's values. None where
    they are not compared."""
    traits: str | None = None
    """Of an index its method and whether it is unique, partial or covers more; of a constraint the table that it refers
    to, and whether it is deferrable. None where they are not compared."""
    statement: str | None = None
    """The one that makes an index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What has a name, likewise."""

    oid: int
    kind: str
    schema: str | None
    table: str | None
    columns: list[str | None]
    traits: str | None
    is_of_constraint: bool
    definition: str | None
    """What the server says of an index's columns, their operator classes and collations, and of its predicate; or of a
    CHECK's condition."""
    stored: str
    """A digest of the same as the catalog has it, which knows functions and an enum's values by their oids."""
    numbered: dict[str, str]
    """Name and type of its table's columns, by their numbers."""
    used: dict[str, str]
    """Of those that it depends on, likewise."""
    there: list[str]
    """The columns that its table has."""


def find(connection: Connection, way: WayBack, name: Name) -> Found | None:
    """What has this name now."""
    with connection.cursor(row_factory=class_row(Found)) as cursor:
        return cursor.execute(query("what_has_a_name"), {"kind": name.kind, **way.now(name)}).fetchone()


def shapes_of(program: tuple[Step, ...], name: Name) -> Iterator[Shape]:
    """What the statements of a program make under this name."""
    for statement in (s for step in program for s in (*step.statements, *step.undo)):
        # There may be thousands, and few speak of it.
        if name.name.replace('"', '""') in statement.text:
            for node in parsed(statement.text):
                yield from _made_by(program, node, statement.text, name)


def _made_by(program: tuple[Step, ...], node: Any, statement: str, name: Name) -> Iterator[Shape]:
    match kind(node):
        case "IndexStmt" if name.kind == "relation" and (node.relation.schemaname, node.idxname) == _path(name):
            yield _index(node, statement)
        case "CreateStmt" if name.kind == "relation" and _of(node.relation) == _path(name):
            columns = tuple(e.colname for e in node.tableElts or () if kind(e) == "ColumnDef")
            yield Shape("r", columns=columns or None)
        case "CreateEnumStmt" if name.kind == "type" and names(node.typeName) == _path(name):
            yield Shape("e", columns=names(node.vals))
        case "CreateDomainStmt" if name.kind == "type" and names(node.domainname) == _path(name):
            yield Shape("d")
        case "AlterTableStmt" if name.kind == "constraint" and _of(node.relation) == (name.schema, name.table):
            added = (c.def_ for c in node.cmds if c.subtype.name == "AT_AddConstraint")
            yield from (_constraint(program, name.schema, c) for c in added if c.conname == name.name)


def _index(node: Any, statement: str) -> Shape:
    columns: tuple[str | None, ...] = tuple(element.name for element in node.indexParams)
    words = (
        node.accessMethod or "btree",
        "unique" if node.unique else None,
        "partial" if node.whereClause is not None else None,
        str(len(node.indexIncludingParams or ())),
    )
    table = (node.relation.schemaname, node.relation.relname)
    return Shape("i", table, columns, " ".join(word for word in words if word), statement)


def _constraint(program: tuple[Step, ...], schema: str, constraint: Any) -> Shape:
    own = (*names(constraint.keys), *names(constraint.fk_attrs), *columns_of(constraint.raw_expr))
    columns: tuple[str | None, ...] = own
    if constraint.indexname:
        index = Name(kind="relation", what="index", schema=schema, name=constraint.indexname)
        columns = next((shape.columns or () for shape in shapes_of(program, index)), ())
    words = ("deferrable" if constraint.deferrable else None, constraint.pktable and constraint.pktable.relname)
    kind_of, traits = _CONSTRAINTS[constraint.contype.name], " ".join(word for word in words if word)
    return Shape(kind_of, columns=tuple(c for c in columns if c) or None, traits=traits)


def _path(name: Name) -> tuple[str, str]:
    return name.schema, name.name


def _of(relation: Any) -> tuple[str | None, str]:
    return relation.schemaname, relation.relname


def may_be(connection: Connection, way: WayBack, shape: Shape, found: Found) -> bool:
    """Whether what has the name may be what was made so."""
    if found.kind != shape.kind or (shape.traits is not None and shape.traits != found.traits):
        return False
    made = shape.columns or ()
    if shape.table is not None:
        return _is_on(connection, way, shape.table, found) and _is_over(made, found)
    named = {column for column in made if column in found.there}
    if not made:
        return True
    if shape.kind in _CHANGEABLE:
        return bool(named)
    return named <= {*found.columns} and (len(named) < len({*made}) or named == {*found.columns})


def _is_on(connection: Connection, way: WayBack, table: tuple[str, str], found: Found) -> bool:
    """A table that is not there by its name may have another name now."""
    schema, name = table
    now = QualifiedName(schema, way.tables.get(table, name))
    if now == QualifiedName(found.schema or "", found.table or ""):
        return True
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)"
        " AND c.relkind IN ('r', 'p', 'm'))",
        [str(now)],
    ).fetchone()
    return row is not None and not row[0]


def _is_over(columns: tuple[str | None, ...], found: Found) -> bool:
    """A column that is not there by its name may have another name now."""
    pairs = zip(columns, found.columns, strict=False)
    return not columns or (
        len(columns) == len(found.columns)
        and all(a == b or (a is not None and b is not None and a not in found.there) for a, b in pairs)
    )
