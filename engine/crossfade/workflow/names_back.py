"""Names that the way back needs: whether what gets its name back is there, and whether nobody else has taken the name.

The statements that take steps back are read in the order in which they are going to be sent. A name counts as free
where one of them lets it go before, and as there where one of them brings it, whatever it is the name of; behind one
that moves something to another schema nothing more is asked. What would fail for certain is told, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg

from crossfade.operations.own_names import is_own_name
from crossfade.operations.step import Step
from crossfade.postgres.forecast.trees import NotOneStatement, kind, parse
from crossfade.postgres.names import QualifiedName, quoted

Connection = psycopg.Connection[Any]
_Kind = Literal["relation", "column", "constraint", "type"]

_RENAMED: dict[str, tuple[_Kind, str]] = {
    "OBJECT_TABLE": ("relation", "table"),
    "OBJECT_VIEW": ("relation", "view"),
    "OBJECT_MATVIEW": ("relation", "materialized view"),
    "OBJECT_INDEX": ("relation", "index"),
    "OBJECT_SEQUENCE": ("relation", "sequence"),
    "OBJECT_COLUMN": ("column", "column"),
    "OBJECT_TABCONSTRAINT": ("constraint", "constraint"),
    "OBJECT_TYPE": ("type", "type"),
}
"""What is renamed, by PostgreSQL's word for it: how it is looked up, and what people call it."""

_FOUND: dict[_Kind, bytes] = {
    "relation": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = c.relnamespace WHERE n.nspname = %(schema)s AND c.relname = %(name)s)",
    "column": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
    b" WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND a.attname = %(name)s AND NOT a.attisdropped)",
    "constraint": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = c.relnamespace JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid"
    b" WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND k.conname = %(name)s)",
    "type": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = t.typnamespace WHERE n.nspname = %(schema)s AND t.typname = %(name)s)",
}

_LOSING = frozenset({"AT_DropColumn", "AT_DropIdentity"})
"""What an ALTER TABLE drops with something else: indexes and constraints, a sequence."""

_NOT_NULL = b"""
SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND k.conname = %(name)s AND k.contype = 'n'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """A name as it is looked up."""

    kind: _Kind
    what: str
    schema: str
    name: str
    table: str = ""
    """Of a column or constraint."""

    @property
    def shown(self) -> str:
        if self.table:
            return f"{self.what} {quoted(self.name)} of {QualifiedName(self.schema, self.table)}"
        return f"{self.what} {QualifiedName(self.schema, self.name)}"


@dataclass(frozen=True, slots=True)
class _Given:
    """A statement that gives something a name: what it has been called, where it was there, and the name."""

    source: _Name | None
    target: _Name


@dataclass(slots=True)
class _WayBack:
    """What the statements so far have done to names."""

    freed: set[str] = field(default_factory=set)
    brought: set[str] = field(default_factory=set)
    tables: dict[tuple[str, str], str] = field(default_factory=dict)
    """By the name that a table has by then, the one that it has now."""
    has_dropped: bool = False
    """Whether something went with what was on it: its indexes, constraints or sequence have freed their names."""

    def now(self, name: _Name) -> dict[str, str]:
        return {
            "schema": name.schema,
            "name": name.name,
            "table": self.tables.get((name.schema, name.table), name.table),
        }

    def follow(self, given: _Given) -> None:
        source, target = given.source, given.target
        self.brought.add(target.name)
        if source is not None:
            self.freed.add(source.name)
            if source.kind == "relation":
                before = self.tables.pop((source.schema, source.name), source.name)
                self.tables[(target.schema, target.name)] = before


def in_the_way(connection: Connection, steps: Iterable[Step], *, lenient: bool) -> Iterator[str]:
    """What speaks against taking these steps back, in words; `lenient` where what is not there may be gone."""
    way = _WayBack()
    for step in reversed(tuple(steps)):
        for statement in step.undo:
            for node in _parsed(statement.text):
                for given in _given(node):
                    yield from _against(connection, way, given, lenient=lenient)
                    way.follow(given)
                if kind(node) == "AlterObjectSchemaStmt":
                    # What moves along is not known by its name here.
                    return
                way.freed |= set(_let_go(node))
                way.has_dropped |= _takes_along(node)


def _parsed(text: str) -> tuple[Any, ...]:
    try:
        return parse(text)
    except NotOneStatement:
        return ()


def _against(connection: Connection, way: _WayBack, given: _Given, *, lenient: bool) -> Iterator[str]:
    source, target = given.source, given.target
    is_there = source is None or source.name in way.brought or _is_there(connection, way, source)
    if source is not None and not is_there:
        if not lenient:
            yield f"{source.shown}, which is to be {quoted(target.name)} again, is not there"
    elif _is_kept(way, target) and not _is_not_null(connection, way, target) and _is_there(connection, way, target):
        yield f"there is a {target.shown} already"


def _is_kept(way: _WayBack, name: _Name) -> bool:
    is_gone = way.has_dropped and name.kind in ("relation", "constraint")
    return name.name not in way.freed and not is_own_name(name.name) and not is_gone


def _is_not_null(connection: Connection, way: _WayBack, name: _Name) -> bool:
    """From PostgreSQL 18 that has a name, which no statement needs to take it away."""
    if name.kind != "constraint":
        return False
    row = connection.execute(_NOT_NULL, way.now(name)).fetchone()
    return row is not None


def _is_there(connection: Connection, way: _WayBack, name: _Name) -> bool:
    row = connection.execute(_FOUND[name.kind], way.now(name)).fetchone()
    return bool(row and row[0])


def _given(node: Any) -> Iterator[_Given]:
    match kind(node):
        case "RenameStmt" if node.renameType.name in _RENAMED:
            yield from _renamed(node)
        case "AlterObjectSchemaStmt" if node.objectType.name in _RENAMED and node.relation and node.relation.schemaname:
            yield _moved(node)
        case "IndexStmt" if node.idxname and node.relation.schemaname and not node.if_not_exists:
            name = _Name(kind="relation", what="relation", schema=node.relation.schemaname, name=node.idxname)
            yield _Given(None, name)
        case "AlterTableStmt" if node.relation.schemaname:
            yield from _added(node)


def _renamed(node: Any) -> Iterator[_Given]:
    looked_up, what = _RENAMED[node.renameType.name]
    if looked_up == "type":
        path = tuple(part.sval for part in node.object)
        if len(path) == 2:
            schema, name = path
            source = _Name(kind=looked_up, what=what, schema=schema, name=name)
            yield _Given(source, _Name(kind=looked_up, what=what, schema=schema, name=node.newname))
    elif node.relation is not None and node.relation.schemaname:
        schema, table = node.relation.schemaname, node.relation.relname
        if looked_up == "relation":
            source = _Name(kind=looked_up, what=what, schema=schema, name=table)
            target = _Name(kind=looked_up, what="relation", schema=schema, name=node.newname)
        else:
            source = _Name(kind=looked_up, what=what, schema=schema, table=table, name=node.subname)
            target = _Name(kind=looked_up, what=what, schema=schema, table=table, name=node.newname)
        if not node.missing_ok:
            yield _Given(source, target)


def _moved(node: Any) -> _Given:
    what, name = _RENAMED[node.objectType.name][1], node.relation.relname
    source = _Name(kind="relation", what=what, schema=node.relation.schemaname, name=name)
    return _Given(source, _Name(kind="relation", what="relation", schema=node.newschema, name=name))


def _added(node: Any) -> Iterator[_Given]:
    schema, table = node.relation.schemaname, node.relation.relname
    for command in node.cmds:
        if command.subtype.name == "AT_AddConstraint" and command.def_.conname:
            name = command.def_.conname
            yield _Given(None, _Name(kind="constraint", what="constraint", schema=schema, table=table, name=name))
        elif command.subtype.name == "AT_AddColumn" and not command.missing_ok:
            name = command.def_.colname
            yield _Given(None, _Name(kind="column", what="column", schema=schema, table=table, name=name))


def _takes_along(node: Any) -> bool:
    """Whether a statement drops what other things are on."""
    if kind(node) == "DropStmt":
        return bool(node.removeType.name == "OBJECT_TABLE")
    return kind(node) == "AlterTableStmt" and any(c.subtype.name in _LOSING for c in node.cmds)


def _let_go(node: Any) -> Iterator[str]:
    """Names that are free after a statement, whatever had them."""
    match kind(node):
        case "DropStmt":
            for path in node.objects or ():
                parts = getattr(path, "names", path)
                if isinstance(parts, list | tuple):
                    yield parts[-1].sval
        case "AlterTableStmt":
            yield from (c.name for c in node.cmds if c.subtype.name in {"AT_DropColumn", "AT_DropConstraint"})
