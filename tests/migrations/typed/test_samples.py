"""What Prisma and both generations of Drizzle write for one change each: plans that a database of theirs takes.

Nothing speaks against them there, and the schema that each leaves, told by the model from the statements of all its
steps, is the one that the tool's own statements leave. Of readings that take several plans, the first is looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade.plan.load import parse_plan
from crossfade.plan.written import written
from crossfade.postgres.catalog import Table
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.forecast import Schema
from crossfade.workflow.engine import Engine

from ...fixtures.samples import DIFFS, INIT
from .reading import after, read, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.workflow.program import Program

    from ...fixtures.database import Database

EMPTY = frozenset(
    {
        *("enum_rename_map", "rename_field_with_map", "rename_model_with_map"),
        *("rename_column", "rename_table", "rename_ts_key_only"),
    }
)
"""For these the tool writes nothing by itself: the database keeps its names, or it asks first."""


def files(*tools: str) -> list[Path]:
    return [path for tool in tools for path in sorted((DIFFS / tool).glob("*.sql"))]


@pytest.mark.parametrize("tools", [("prisma",), ("drizzle", "drizzle-1")])
def test_every_change_gets_a_plan(tools: tuple[str, ...], database: Database) -> None:
    init = INIT[tools[0]].read_text()
    before = after(init)
    with database.connect(autocommit=True) as connection:
        connection.execute(init.encode())
        there = Schema.of(read_catalog(connection, [(n.schema, n.name) for n in before[0].tables]))
    done = set[str]()
    with Engine(database.url) as engine:
        for path in files(*tools):
            changing = [typed for typed in read(path.read_text(), before) if typed.entries]
            assert (changing == []) == (path.stem in EMPTY), path
            assert not any(typed.is_sql for typed in changing), path
            for readings in zip(*(typed.readings for typed in changing), strict=False):
                in_turn = any(reading.in_turn for reading in readings)
                entries = [entry for reading in readings for entry in reading.entries]
                text = written("sample", entries[:1] if in_turn else entries)
                if text not in done:
                    program = engine.explain(parse_plan(text, path.name)).program
                    assert in_turn or shape(of_program(program, there)) == shape(of_statements(path, there)), path
                done.add(text)


def of_statements(path: Path, schema: Schema) -> Schema:
    for statement in statements(path.read_text()):
        _, schema = schema.foresee_tree(statement.tree)
    return schema


def of_program(program: Program, schema: Schema) -> Schema:
    for step in program.steps:
        for statement in step.statements:
            _, schema = schema.foresee(statement.text)
    return schema


def shape(schema: Schema) -> dict[str, list[str]]:
    """What an application sees of its tables; the order of columns apart."""
    tables = (t for t in schema.tables.values() if t.name.schema == "public" and t.kind == "table")
    return {table.name.name: sorted(lines(table)) for table in tables}


def lines(table: Table) -> Iterator[str]:
    for column in table.columns:
        kind = column.type.removeprefix("public.")
        yield f"column {column.name} {kind} {column.not_null} {column.default is not None} {column.generated}"
    for constraint in table.constraints:
        if constraint.kind != "not_null":
            yield f"{constraint.kind} {constraint.name} {constraint.columns} {constraint.validated}"
    for index in table.indexes:
        # One of ours is put below the key by a block that the model does not look into.
        if not index.name.name.startswith("crossfade_"):
            yield f"index {index.name} {index.columns} {index.unique} {index.constraint}"
