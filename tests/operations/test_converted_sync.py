"""Two shapes of which the new one tells less: the old one keeps what it has until somebody writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from ..fixtures.database import Database

LOWER = "change_type: {table: t, column: a, to: text, into: b, using: lower(a), reverse: b}"
SPLIT = """split_column: {table: t, from: a, into: {b: {type: text, using: "lower(left(a, 1))"},
    c: {type: text, using: "lower(substr(a, 2))"}}, reverse: "concat(b, c)"}"""


@pytest.mark.parametrize("change", [LOWER, SPLIT], ids=["one column", "two columns"])
def test_the_backfill_leaves_the_old_shape_as_it_is(change: str, database: Database) -> None:
    """What the old side gives is no reason to go the way back; what a new version writes is."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'Ada'), (2, 'Bob')")
    plan = parse_plan(f"crossfade: 1\nname: lower\nchanges:\n  - {change}\n", "p.yaml")
    with Engine(database.url) as engine:
        engine.advance(plan, to=State.BACKFILLED)
        assert database.execute("SELECT a, b FROM t ORDER BY id")[0] in {("Ada", "ada"), ("Ada", "a")}
        database.execute("UPDATE t SET b = 'x' WHERE id = 1")
        assert database.execute("SELECT left(a, 1) FROM t ORDER BY id") == [("x",), ("B",)]
        database.execute("UPDATE t SET a = 'Eve' WHERE id = 1")
        assert database.execute("SELECT a, left(b, 1) FROM t WHERE id = 1") == [("Eve", "e")]
        engine.rollback("lower")
    assert database.execute("SELECT a FROM t ORDER BY id") == [("Eve",), ("Bob",)]
