"""A run does not turn back where somebody else has what comes back, or renamed it: nothing is done then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.errors import BaselineChanged
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..fixtures.long import few_named

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

SETUP = """
CREATE TABLE t (id int PRIMARY KEY, x int, y int, u int);
CREATE INDEX ui ON t (u);
CREATE TABLE q9 (id int);
CREATE SCHEMA shop;
"""
TAKEN = {
    "a column": (
        "drop_column: {table: t, column: x}",
        "ALTER TABLE t ADD COLUMN x int",
        "ALTER TABLE t DROP COLUMN x",
        "column x of public.t",
    ),
    "a renamed column": (
        "rename_column: {table: t, from: x, to: z}",
        "ALTER TABLE t ADD COLUMN x int",
        "ALTER TABLE t DROP COLUMN x",
        "column x of public.t",
    ),
    "a table": ("drop_table: {table: q9}", "CREATE TABLE q9 (id int)", "DROP TABLE q9", "public.q9"),
    "a table that moved": (
        "move_table: {table: q9, to_schema: shop}",
        "ALTER VIEW q9 RENAME TO q8; CREATE TABLE q9 (id int)",
        "DROP TABLE q9; ALTER VIEW q8 RENAME TO q9",
        "public.q9",
    ),
    "an index that is gone": (
        "replace_index: {name: ui, columns: [u, y]}",
        "ALTER INDEX ui RENAME TO another",
        "ALTER INDEX another RENAME TO ui",
        "index public.ui",
    ),
}


def plan(change: str) -> Plan:
    gates = "gates: {contract: [{approval: {role: dba, mode: observe}}]}"
    return parse_plan(f"crossfade: 1\nname: back\nhold: 0s\nretain: 7d\n{gates}\nchanges:\n  - {change}\n", "back.yaml")


@pytest.mark.parametrize(
    ("change", "theirs", "away", "named"),
    few_named(TAKEN, {"a renamed column", "a table that moved", "an index that is gone"}),
)
def test_what_takes_a_name_that_comes_back_is_told_before_anything_is_done(
    database: Database, change: str, theirs: str, away: str, named: str
) -> None:
    database.execute(SETUP)
    before = database.dump()
    with Engine(database.url) as engine:
        assert engine.advance(plan(change), to=State.RETAINED).state is State.RETAINED
        database.execute(sql.SQL(theirs))
        with pytest.raises(BaselineChanged) as refused:
            engine.revert("back")
        assert named in refused.value.message
        assert engine.status("back").state is State.RETAINED
        database.execute(sql.SQL(away))
        assert engine.revert("back").state is State.BACKFILLED
        engine.rollback("back", discard=True)
    assert database.dump() == before


@pytest.mark.long
def test_a_partitions_constraint_that_goes_with_its_parents_is_in_nobodys_way(database: Database) -> None:
    database.execute(
        "CREATE TABLE t (tenant int, id int, PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);"
        "CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1)"
    )
    before = database.dump()
    with Engine(database.url) as engine:
        to_bigint = plan("change_type: {table: t, column: id, to: bigint}")
        assert engine.advance(to_bigint, to=State.RETAINED).state is State.RETAINED
        assert engine.revert("back").state is State.BACKFILLED
        engine.rollback("back")
    assert database.dump() == before
