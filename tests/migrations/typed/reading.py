"""Statements as changes, over the schema and the enums that others have made before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.migrations.script import Script, Source
from crossfade.migrations.typed import Entry, Enums, Typed, typed_all
from crossfade.plan.load import parse_plan
from crossfade.plan.written import written
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema

if TYPE_CHECKING:
    from crossfade.migrations.script import SqlStatement

FILE = Path("migration.sql")
Before = tuple[Schema, Enums]


def statements(sql: str) -> tuple[SqlStatement, ...]:
    script = Script(source=Source(FILE, sql))
    assert not script.unreadable
    return script.statements


def after(sql: str, before: Before | None = None) -> Before:
    """The schema and the enums once these statements are through."""
    schema, enums = before or (Schema.of(Catalog(server_version=150000)), Enums())
    for statement in statements(sql):
        enums = enums.after(statement.tree, schema)
        _, schema = schema.foresee_tree(statement.tree)
    return schema.seen_by_others(), enums


def read(sql: str, before: Before) -> tuple[Typed, ...]:
    """What the statements come to; every entry of every reading is one that a plan takes."""
    schema, enums = before
    every, schemas = statements(sql), []
    for statement in every:
        schemas.append(schema)
        _, schema = schema.foresee_tree(statement.tree)
    found = typed_all(every, schemas, enums)
    for entry in (e for typed in found for reading in typed.readings for e in reading.entries):
        readable(entry)
    return found


def readable(entry: Entry) -> None:
    """A plan with the entry reads back as it is."""
    (change,) = parse_plan(written("p", [entry]), "plan.yaml").changes
    assert change.kind in entry


def changes(sql: str, before: Before) -> list[Entry]:
    """The entries of what the statements come to, as lists and dicts."""
    return [entry for typed in read(sql, before) for entry in typed.entries]
