"""A literal in a plan is read as the type of its column, as where plain SQL assigns it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from ..fixtures.database import Database

TYPES = """
CREATE TYPE status AS ENUM ('new', 'done');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN code AS varchar(3) CHECK (value <> '');
CREATE DOMAIN codes AS code[];
"""
LITERALS = {
    "status": "'new'",
    "int": "'5'",
    "jsonb": "'{}'",
    "status[]": "'{new,done}'",
    "varchar(3)": "'abc  '",
    "char(4)": "'ab'",
    "bit(3)": "'101'",
    "interval minute": "'5'",
    "pair": "'(1,x)'",
    "code": "'abc'",
    "codes": "'{a,b}'",
    "text": "E'it''s \\n' COLLATE \"C\"",
}
VALUES = ", ".join(LITERALS.values())


@pytest.mark.long
@pytest.mark.every_server
def test_a_fill_of_any_type_is_what_an_assignment_gives(database: Database) -> None:
    """For rows of before and for what an old version writes."""
    columns = ", ".join(f"c{n} {name}" for n, name in enumerate(LITERALS))
    database.execute(f"{TYPES} CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    database.execute(f"CREATE TABLE plain (id int, {columns}); INSERT INTO plain VALUES (1, {VALUES}), (2, {VALUES})")
    changes = [
        {"add_column": {"table": "t", "name": f"c{n}", "type": name, "fill": literal, "nullable": False}}
        for n, (name, literal) in enumerate(LITERALS.items())
    ]
    with Engine(database.url) as engine:
        engine.advance(
            parse_plan(json.dumps({"crossfade": 1, "name": "literals", "changes": changes}), "literals.yaml"),
            to=State.EXPANDED,
        )
        database.execute("INSERT INTO t (id) VALUES (2)")
        engine.advance("literals", to=State.BACKFILLED)
    assert database.execute("SELECT t::text FROM t ORDER BY id") == database.execute("SELECT p::text FROM plain p")


EVERYWHERE = """
crossfade: 1
name: everywhere
hold: 0s
changes:
  - set_not_null: {table: t, column: needed, fill: "'new'"}
  - add_check: {table: t, name: done, expression: "fixed = 'done'", fix: {fixed: "'done'"}}
  - change_type: {table: t, column: retyped, to: jsonb, into: doc, using: "'{}'", reverse: "'7'"}
  - split_column: {table: t, from: split, reverse: "'8'", into: {kind: {type: status, using: "'new'"}}}
  - drop_column: {table: t, column: dropped, reverse: "'done'"}
"""


def test_so_is_every_other_expression_of_a_plan(database: Database) -> None:
    """What old versions write, what new versions write, and what rows of before get."""
    database.execute(
        f"{TYPES} CREATE TABLE t (id int PRIMARY KEY, needed status, fixed status, retyped int, split int, "
        "dropped status); INSERT INTO t VALUES (1, NULL, 'new', 1, 1, 'new')"
    )
    with Engine(database.url) as engine:
        plan = parse_plan(EVERYWHERE, "everywhere.yaml")
        assert engine.check(plan).refusals == ()
        engine.advance(plan, to=State.EXPANDED)
        database.execute("INSERT INTO t (id, fixed, doc, kind) VALUES (2, 'done', '[]', 'done')")
        engine.advance("everywhere", to=State.BACKFILLED)
    assert database.execute("SELECT needed, fixed, retyped, doc, split, kind, dropped FROM t ORDER BY id") == [
        ("new", "done", 1, {}, 1, "new", "new"),
        ("new", "done", 7, [], 8, "done", "done"),
    ]
