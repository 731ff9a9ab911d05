"""Two shapes of which the new one tells less: the old one keeps what it has until somebody writes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from .life.leftovers import assert_nothing_left

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


DEFAULTED = """
CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL DEFAULT 'no name', cents numeric(8, 2) DEFAULT 0,
    at timestamptz DEFAULT now());
"""
BESIDE = """crossfade: 1
name: beside
hold: 0s
changes:
  - split_column: {table: t, from: name, reverse: "first || ' ' || last", into: {
      first: {type: text, using: "split_part(name, ' ', 1)"}, last: {type: text, using: "split_part(name, ' ', 2)"}}}
  - change_type: {table: t, column: cents, to: numeric, into: amount, using: cents / 100.0, reverse: amount * 100}
  - change_type: {table: t, column: at, to: date, into: day}
"""


def test_what_an_insert_leaves_to_a_constant_default_is_nobodys_in_particular(database: Database) -> None:
    database.execute(DEFAULTED)
    plan = parse_plan(BESIDE, "plan.yaml")
    with Engine(database.url) as engine:
        assert [c.object for c in engine.check(plan).cautions if c.code == "volatile_default"] == ["public.t.at"]
        engine.start(plan)
        engine.advance(plan.name, to=State.EXPANDED)
    noted = "SELECT column_name, kind FROM crossfade.legacy_writes ORDER BY at"
    database.execute("INSERT INTO t (id) VALUES (1)")
    database.execute("INSERT INTO t (id, first, last, amount, day) VALUES (2, 'Ada', 'B', 1.5, '2026-01-01')")
    assert database.execute(noted) == []
    assert database.execute("SELECT first, last, amount, day = at::date FROM t ORDER BY id") == [
        ("no", "name", 0, True),
        ("Ada", "B", Decimal("1.5"), True),
    ]
    database.execute("INSERT INTO t (id, name) VALUES (3, 'Old One')")
    database.execute("INSERT INTO t (id, cents) VALUES (4, 7)")
    assert database.execute(noted) == [("name", "legacy"), ("cents", "legacy")]
    with Engine(database.url) as engine:
        engine.rollback(plan.name, discard=True)
        assert_nothing_left(database, engine)


def test_an_old_column_may_come_from_no_column_at_all(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'a', 'b')")
    change = """merge_columns: {table: t, from: [a, b], into: c, type: text, using: a || b,
        reverse: {a: c, b: "'none'"}}"""
    plan = parse_plan(f"crossfade: 1\nname: none\nhold: 0s\nretain: 7d\nchanges:\n  - {change}\n", "p.yaml")
    with Engine(database.url) as engine:
        engine.start(plan)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        engine.advance(plan.name, to=State.RETAINED)
        database.execute("INSERT INTO t (id, c) VALUES (2, 'new'); UPDATE t SET c = 'set' WHERE id = 1")
        engine.revert(plan.name)
    assert database.execute("SELECT a, b, c FROM t ORDER BY id") == [("set", "b", "set"), ("new", "none", "new")]
