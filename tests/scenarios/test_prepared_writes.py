"""What a write that a session has prepared, without types for its parameters, does once its column has another type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from ..fixtures.database import Database

PLAN = parse_plan(
    """
crossfade: 1
name: other-types
hold: 0s
retain: 7d
changes:
  - change_type: {table: t, column: wider, to: bigint}
  - change_type: {table: t, column: digits, to: text, reverse: digits::int}
  - change_type: {table: t, column: number, to: int, using: number::int}
  - remove_enum_values: {type: mood, map: {sad: ok}}
""",
    "plan.yaml",
)


@pytest.mark.alike
def test_it_keeps_the_types_of_its_parameters(database: Database) -> None:
    database.execute(
        "CREATE TYPE mood AS ENUM ('ok', 'sad');"
        "CREATE TABLE t (id int PRIMARY KEY, wider int, digits int, number text, feels mood);"
        "INSERT INTO t VALUES (1, 1, 1, '1', 'sad')"
    )
    app = database.connect(autocommit=True)
    prepare(app)
    with Engine(database.url) as engine:
        engine.start(PLAN)
        engine.approve(PLAN.name, Phase.CONTRACT, "anna")
        assert engine.advance(PLAN.name).state is State.RETAINED
    app.execute("EXECUTE wider (2)")
    app.execute("EXECUTE digits (2)")
    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        app.execute("EXECUTE wider (3000000000)")
    for _ in range(2):
        with pytest.raises(psycopg.errors.DatatypeMismatch):
            app.execute("EXECUTE number ('2')")
        with pytest.raises(psycopg.errors.DatatypeMismatch):
            app.execute("EXECUTE feels ('ok')")
    app.execute("DEALLOCATE ALL")
    prepare(app)
    for write in ("wider (3000000000)", "digits ('2')", "number ('2')", "feels ('ok')"):
        app.execute(f"EXECUTE {write}".encode())
    assert database.execute("SELECT wider, digits, number, feels::text FROM t") == [(3000000000, "2", 2, "ok")]


def prepare(app: psycopg.Connection[tuple[object, ...]]) -> None:
    """A write of each column."""
    for column in ("wider", "digits", "number", "feels"):
        app.execute(f"PREPARE {column} AS UPDATE t SET {column} = $1 WHERE id = 1".encode())
