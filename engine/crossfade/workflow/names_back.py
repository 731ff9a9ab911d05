"""Names that steps need: for the way back, whether what gets its name back is there, and whether nobody else has taken
the name; for steps to come, whether what they rename or drop is there.

The statements that take steps back are read in the order in which they are going to be sent. A name counts as free
where one of them lets it go before, and as there where one of them brings it, whatever it is the name of; behind one
that moves something to another schema nothing more is asked. What would fail for certain is told, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from crossfade.operations.step import Step
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.own_names import is_own_name
from crossfade.workflow.names_in_statements import (
    Given,
    Kind,
    Name,
    dropped,
    given_by,
    index_let_go,
    keyed,
    let_go,
    made,
    needed,
    parsed,
    takes_along,
)

Connection = psycopg.Connection[Any]

_FOUND: dict[Kind, bytes] = {
    "relation": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = c.relnamespace WHERE n.nspname = %(schema)s AND c.relname = %(name)s)",
    "column": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
    b" WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND a.attname = %(name)s AND NOT a.attisdropped)",
    "constraint": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = c.relnamespace JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid"
    b" WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND k.conname = %(name)s)",
    "trigger": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = c.relnamespace JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid"
    b" WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND t.tgname = %(name)s)",
    "type": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = t.typnamespace WHERE n.nspname = %(schema)s AND t.typname = %(name)s)",
    "statistics": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_statistic_ext e JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = e.stxnamespace WHERE n.nspname = %(schema)s AND e.stxname = %(name)s)",
    "function": b"SELECT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n"
    b" ON n.oid = p.pronamespace WHERE n.nspname = %(schema)s AND p.proname = %(name)s)",
}

_WITH_A_TYPE = frozenset({"table", "view", "materialized view"})
"""What cannot have the name of a type."""

_MOVING_ALONG = b"""
SELECT c.relname::pg_catalog.text FROM pg_catalog.pg_class c
WHERE c.oid IN (
    SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = pg_catalog.to_regclass(%(table)s)
    UNION ALL
    SELECT d.objid FROM pg_catalog.pg_depend d
    WHERE d.refobjid = pg_catalog.to_regclass(%(table)s) AND d.deptype IN ('a', 'i')
    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0
)
ORDER BY 1
"""
"""Indexes and sequences, which go to another schema with their table."""

_NOT_NULL = b"""
SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND k.conname = %(name)s AND k.contype = 'n'
"""

_OF_PARTITIONS = b"""
WITH RECURSIVE part AS (
    SELECT k.oid, k.conname FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND k.conname = %(name)s
    UNION ALL
    SELECT k.oid, k.conname FROM pg_catalog.pg_constraint k JOIN part ON k.conparentid = part.oid
)
SELECT conname::pg_catalog.text FROM part
"""
"""A constraint and those of partitions that are parts of it, which go with it."""


@dataclass(slots=True)
class WayBack:
    """What the statements so far have done to names."""

    freed: set[str] = field(default_factory=set)
    freed_indexes: set[str] = field(default_factory=set)
    """Of indexes only, so that a constraint of that name is still there."""
    brought: set[str] = field(default_factory=set)
    tables: dict[tuple[str, str], str] = field(default_factory=dict)
    """By the name that a table has by then, the one that it has now."""
    keyed: set[tuple[str, str]] = field(default_factory=set)
    """Tables that have got something unique."""
    has_dropped: bool = False
    """Whether something went with what was on it: its indexes, constraints or sequence have freed their names."""

    def now(self, name: Name) -> dict[str, str]:
        """What to look it up by."""
        return {
            "schema": name.schema,
            "name": name.name,
            "table": self.tables.get((name.schema, name.table), name.table),
        }

    def has_brought(self, name: Name) -> bool:
        """Whether it is there by a statement before, or on something that is and was no table."""
        is_on_brought = name.table in self.brought and (name.schema, name.table) not in self.tables
        return name.name in self.brought or is_on_brought

    def has_freed(self, name: Name) -> bool:
        """Whether a statement before lets it go."""
        return name.name in self.freed or (name.kind == "relation" and name.name in self.freed_indexes)

    def go_past(self, node: Any) -> None:
        """Go past a statement."""
        for given in given_by(node):
            self.follow(given)
        self.brought |= set(made(node))
        self.freed |= set(let_go(node))
        self.freed_indexes |= set(index_let_go(node))
        self.keyed |= set(keyed(node))
        self.has_dropped |= takes_along(node)

    def follow(self, given: Given) -> None:
        """Go past a statement that gives a name."""
        source, target = given.source, given.target
        self.brought.add(target.name)
        if source is not None:
            self.freed.add(source.name)
            if source.kind == "relation":
                before = self.tables.pop((source.schema, source.name), source.name)
                self.tables[(target.schema, target.name)] = before


def walk(connection: Connection, steps: Iterable[Step]) -> Iterator[tuple[WayBack, Step, Any]]:
    """The statements that take these steps back, each with what those before it have done to names."""
    way = WayBack()
    for step in reversed(tuple(steps)):
        for statement in step.undo:
            for node in parsed(statement.text):
                yield way, step, node
                if kind(node) == "AlterObjectSchemaStmt":
                    # What moves along is not known by its name here.
                    return
                freed = tuple(_parts_let_go(connection, way, node))
                way.go_past(node)
                way.freed |= set(freed)


def in_the_way(connection: Connection, steps: Iterable[Step], *, lenient: bool) -> Iterator[str]:
    """What speaks against taking these steps back, in words; `lenient` where what is not there may be gone."""
    for way, step, node in walk(connection, steps):
        if not lenient:
            yield from _missing(connection, way, node)
            yield from _not_found(connection, way, node, step)
        for given in given_by(node):
            yield from _against(connection, way, given, lenient=lenient)
        if kind(node) == "AlterObjectSchemaStmt" and node.relation is not None:
            yield from _against_moving(connection, way, node)


def not_there(connection: Connection, steps: Iterable[Step]) -> Iterator[str]:
    """What these steps, which are to come, would not find, in words."""
    way = WayBack()
    for step in steps:
        for statement in step.statements:
            for node in parsed(statement.text):
                if kind(node) == "AlterObjectSchemaStmt":
                    return
                yield from _missing(connection, way, node)
                for given in given_by(node):
                    source, target = given.source, given.target
                    if source is not None and not way.has_brought(source) and not is_there(connection, way, source):
                        yield _gone(source, target.name)
                    way.follow(given)
                way.brought |= set(made(node))


def _gone(source: Name, target: str) -> str:
    to_be = "is to be hidden" if is_own_name(target) else f"is to be {quoted(target)} again"
    return f"{source.shown}, which {to_be}, is not there"


def _missing(connection: Connection, way: WayBack, node: Any) -> Iterator[str]:
    """What a DROP would not find."""
    for name in dropped(node):
        if not way.has_brought(name) and not is_there(connection, way, name):
            yield f"{name.shown}, which is to be dropped, is not there"


def _not_found(connection: Connection, way: WayBack, node: Any, step: Step) -> Iterator[str]:
    """What a constraint, an index or a setting that comes back would not find."""
    for name in needed(node):
        if not is_own_name(name.name) and not way.has_brought(name) and not is_there(connection, way, name):
            yield f"{name.shown} is not there, without which this cannot be taken back: {step.title}"


def _against(connection: Connection, way: WayBack, given: Given, *, lenient: bool) -> Iterator[str]:
    source, target = given.source, given.target
    has_source = source is None or source.name in way.brought or is_there(connection, way, source)
    if source is not None and not has_source:
        if not lenient:
            yield _gone(source, target.name)
    elif _is_kept(way, target) and not _is_not_null(connection, way, target) and is_there(connection, way, target):
        yield f"there is a {target.shown} already"
    elif source is not None and source.what in _WITH_A_TYPE:
        typed = replace(target, kind="type", what="type")
        if _is_kept(way, typed) and is_there(connection, way, typed):
            yield f"there is a {typed.shown} already, as its rows would be of"


def _against_moving(connection: Connection, way: WayBack, node: Any) -> Iterator[str]:
    """What has the name of something that goes along."""
    schema, name = node.relation.schemaname or "", node.relation.relname
    table = str(QualifiedName(schema, way.tables.get((schema, name), name)))
    for (along,) in connection.execute(_MOVING_ALONG, {"table": table}).fetchall():
        target = Name(kind="relation", what="relation", schema=node.newschema, name=along)
        if _is_kept(way, target) and is_there(connection, way, target):
            yield f"there is a {target.shown} already"


def _is_kept(way: WayBack, name: Name) -> bool:
    is_gone = way.has_dropped and name.kind in ("relation", "constraint")
    return not way.has_freed(name) and not is_own_name(name.name) and not is_gone


def _is_not_null(connection: Connection, way: WayBack, name: Name) -> bool:
    """From PostgreSQL 18 that has a name, which no statement needs to take it away."""
    if name.kind != "constraint":
        return False
    row = connection.execute(_NOT_NULL, way.now(name)).fetchone()
    return row is not None


def is_there(connection: Connection, way: WayBack, name: Name) -> bool:
    """Whether something has the name, with what the statements so far have done to its table's."""
    row = connection.execute(_FOUND[name.kind], way.now(name)).fetchone()
    return bool(row and row[0])


def _parts_let_go(connection: Connection, way: WayBack, node: Any) -> Iterator[str]:
    """Names of partitions' constraints that are free once a statement has dropped the whole they are parts of."""
    commands = node.cmds if kind(node) == "AlterTableStmt" and node.relation.schemaname else ()
    for command in commands:
        if command.subtype.name == "AT_DropConstraint":
            whole = Name(
                kind="constraint",
                what="constraint",
                schema=node.relation.schemaname,
                table=node.relation.relname,
                name=command.name,
            )
            yield from (name for (name,) in connection.execute(_OF_PARTITIONS, way.now(whole)))
