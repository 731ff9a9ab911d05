"""What an index calls its columns after contract, where the same plan exchanges them: what the table calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.operations.acks import ACKS
from crossfade.operations.indexes import attribute_names
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from ..fixtures.database import Database

TABLES = """
CREATE TABLE t (a int NOT NULL, b int NOT NULL); CREATE INDEX t_old ON t (b);
CREATE TABLE p (a int NOT NULL, b int NOT NULL) PARTITION BY RANGE (b); CREATE TABLE p1 PARTITION OF p DEFAULT;
INSERT INTO t SELECT g, g FROM generate_series(1, 20) g; INSERT INTO p SELECT g, g FROM generate_series(1, 20) g;
"""
TWINS = """
changes:
  - change_type: {table: t, column: a, to: bigint, using: a + 1, reverse: a - 1}
  - change_type: {table: p, column: a, to: bigint, using: a + 1, reverse: a - 1}
"""
INDEXES = """
  - create_index: {table: t, name: t_plain, columns: [b, a], include: [a], where: a > 0}
  - create_index: {table: p, name: p_plain, columns: [{column: a, order: desc}]}
  - replace_index: {name: t_old, columns: [a, b]}
  - add_unique: {table: t, name: t_some, columns: [a], where: a > 0}
  - add_unique: {table: t, name: t_key, columns: [b, a]}
  - add_unique: {table: p, name: p_key, columns: [a, b]}
  - add_primary_key: {table: t, name: t_pkey, columns: [a]}
"""
CALLED = """
SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 1
"""
AFTER = [
    ("p1_a_b_key", ["a", "b"]),
    ("p1_a_idx", ["a"]),
    ("p_key", ["a", "b"]),
    ("p_plain", ["a"]),
    ("t_key", ["b", "a"]),
    ("t_old", ["a", "b"]),
    ("t_pkey", ["a"]),
    ("t_plain", ["b", "a", "a1"]),
    ("t_some", ["a"]),
]


@pytest.mark.long
@pytest.mark.alike
def test_an_index_over_columns_that_are_exchanged_has_their_names_in_the_end(database: Database) -> None:
    database.execute(TABLES)
    before = database.dump()
    plan = parse_plan(f"crossfade: 1\nname: it\nhold: 0s\nretain: 1h\n{TWINS}{INDEXES}", "it.yaml")
    with Engine(database.url) as engine:
        engine.start(plan, acks=ACKS)
        engine.approve("it", Phase.CONTRACT, "alice")
        assert engine.advance("it").state is State.RETAINED
        named = [found for found in database.execute(CALLED) if not found[0].startswith("crossfade")]
        assert named == AFTER
        assert engine.revert("it").state is State.BACKFILLED
        assert engine.rollback("it").state is State.ROLLED_BACK
    assert database.execute(CALLED) == [("t_old", ["b"])]
    assert database.dump() == before


def test_the_same_column_again_has_a_number_that_finds_room_behind_it() -> None:
    long = "ü" * 31 + "x"
    found = list(attribute_names.changes(["a", None, "b", "a", "a"], {"a": "twin"}, {"a": long}))
    assert found == [("twin", long), ("twin1", "ü" * 31 + "1"), ("twin2", "ü" * 31 + "2")]


def test_columns_that_keep_their_names_are_left_alone() -> None:
    assert list(attribute_names.changes(["a", "b", None], {"a": "c"}, {"a": "c"})) == []
