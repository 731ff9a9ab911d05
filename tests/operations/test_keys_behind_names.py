"""Unique constraints and primary keys: behind another name of their table, and where rows do not fulfil them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.errors import StepFailed
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

SETUP = """
    CREATE SCHEMA shop;
    CREATE TABLE u (a int, b int, c int);
    CREATE TABLE parted (a int NOT NULL, b int) PARTITION BY RANGE (a);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
    CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
    INSERT INTO u SELECT g, g, g FROM generate_series(1, 9) g;
"""


def plan(*changes: str) -> Plan:
    listed = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: keys\nhold: 0s\nretain: 7d\nchanges:\n{listed}", "keys.yaml")


def backfilled(engine: Engine, asked: Plan) -> None:
    engine.start(asked)
    engine.advance("keys", to=State.BACKFILLED)
    engine.approve("keys", Phase.CONTRACT, "alice")


@pytest.mark.parametrize(
    ("new", "name"),
    [
        ("z", "rename_table: {from: u, to: z}"),
        pytest.param("shop.u", "move_table: {table: u, to_schema: shop}", marks=pytest.mark.long),
    ],
)
def test_behind_another_name_of_the_table(database: Database, new: str, name: str) -> None:
    database.execute(SETUP)
    before = database.dump()
    asked = plan(
        name,
        f"add_unique: {{table: {new}, name: once, columns: [b]}}",
        f"add_unique: {{table: {new}, name: partly, columns: [c], where: c > 5}}",
        f"add_primary_key: {{table: {new}, name: whole, columns: [a]}}",
    )
    with Engine(database.url) as engine:
        backfilled(engine, asked)
        assert engine.contract("keys").state is State.RETAINED
        after = database.dump()
        assert engine.revert("keys").state is State.BACKFILLED
        assert engine.rollback("keys").state is State.ROLLED_BACK
    schema, _, table = new.rpartition(".")
    for made in ("CONSTRAINT whole PRIMARY KEY (a)", "CONSTRAINT once UNIQUE (b)", "UNIQUE INDEX partly"):
        assert made in after
    assert f"ALTER TABLE ONLY {schema or 'public'}.{table}" in after
    assert database.dump() == before


@pytest.mark.parametrize(
    "bad",
    [
        "UPDATE u SET b = NULL WHERE a = 3",
        pytest.param("UPDATE u SET a = 4, b = 4 WHERE a = 3", marks=pytest.mark.long),
    ],
)
def test_what_proves_a_key_falls_with_it(database: Database, bad: str) -> None:
    database.execute(SETUP)
    database.execute(bad)
    asked = plan("add_primary_key: {table: u, name: whole, columns: [a, b]}")
    with Engine(database.url) as engine:
        told = [c.code for c in engine.check(asked).cautions]
        assert told == (["violating_rows"] if "NULL" in bad else ["duplicates"])
        backfilled(engine, asked)
        with pytest.raises(StepFailed) as failed:
            engine.contract("keys")
        assert str(failed.value.hint).startswith("Nothing is enforced.")
        assert database.execute("SELECT conname FROM pg_constraint WHERE conrelid = 'u'::regclass") == []
        database.execute("INSERT INTO u VALUES (NULL, NULL, NULL)")
        database.execute("DELETE FROM u WHERE a IS NULL OR b IS NULL OR a = 4")
        assert engine.contract("keys").state is State.RETAINED
    assert "CONSTRAINT whole PRIMARY KEY (a, b)" in database.dump()


def test_no_partition_keeps_the_index_of_a_key_that_another_refuses(database: Database) -> None:
    database.execute(SETUP)
    database.execute("INSERT INTO parted VALUES (1, 1), (11, 11), (11, 11)")
    with Engine(database.url) as engine:
        backfilled(engine, plan("add_unique: {table: parted, name: once, columns: [a, b]}"))
        with pytest.raises(StepFailed):
            engine.contract("keys")
        assert database.execute("SELECT 1 FROM pg_index WHERE indrelid = 'parted_1'::regclass") == []
        database.execute("DELETE FROM parted WHERE a = 11")
        assert engine.contract("keys").state is State.RETAINED
