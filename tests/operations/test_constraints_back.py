"""Constraints that were dropped come back where the way back is not the usual one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

KEYS = """
    CREATE SCHEMA shop;
    CREATE TABLE t (id int CONSTRAINT tpk PRIMARY KEY, a int CONSTRAINT tu UNIQUE, self int);
    ALTER TABLE t ADD CONSTRAINT tself FOREIGN KEY (self) REFERENCES t (a);
    COMMENT ON INDEX tpk IS 'the key';
    CREATE TABLE parted (id int, t int CONSTRAINT of_t REFERENCES t (a)) PARTITION BY LIST (id);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
"""


def plan(*changes: str) -> Plan:
    listed = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: drops\nhold: 0s\nretain: 7d\nchanges:\n{listed}", "drops.yaml")


def comes_back(database: Database, *changes: str) -> None:
    """Forth to `retained` and back to `backfilled`; then all of it back."""
    before = database.dump()
    asked = plan(*changes)
    with Engine(database.url) as engine:
        engine.start(asked)
        engine.approve("drops", Phase.CONTRACT, "alice")
        assert engine.advance("drops").state is State.RETAINED
        assert engine.revert("drops").state is State.BACKFILLED
        assert engine.rollback("drops").state is State.ROLLED_BACK
    assert database.dump() == before


@pytest.mark.long
def test_a_key_without_overlaps(database: Database) -> None:
    if database.server.major < 18:
        pytest.skip("WITHOUT OVERLAPS came with PostgreSQL 18")
    database.execute("CREATE EXTENSION btree_gist")
    database.execute("CREATE TABLE t (id int, d daterange, CONSTRAINT tpk PRIMARY KEY (id, d WITHOUT OVERLAPS))")
    comes_back(database, "drop_constraint: {table: t, name: tpk}")


@pytest.mark.long
@pytest.mark.every_server
def test_a_foreign_key_of_a_partitioned_table(database: Database) -> None:
    database.execute(KEYS)
    comes_back(database, "drop_constraint: {table: parted, name: of_t}")


@pytest.mark.parametrize(
    ("new", "rename"),
    [
        pytest.param("z", "rename_table: {from: t, to: z}", marks=pytest.mark.long),
        ("shop.t", "move_table: {table: t, to_schema: shop}"),
    ],
)
def test_behind_another_name_of_the_table(database: Database, new: str, rename: str) -> None:
    database.execute(KEYS)
    comes_back(
        database,
        rename,
        f"drop_constraint: {{table: {new}, name: tpk}}",
        f"drop_constraint: {{table: {new}, name: tself}}",
        "drop_constraint: {table: parted, name: of_t}",
    )


EXCHANGE = """
    CREATE TABLE customers (id int CONSTRAINT customers_pkey PRIMARY KEY, uuid uuid);
    CREATE TABLE orders (id int PRIMARY KEY, customer int CONSTRAINT of_customer REFERENCES customers, who uuid);
    INSERT INTO customers SELECT g, gen_random_uuid() FROM generate_series(1, 9) g;
    INSERT INTO orders SELECT id, id, uuid FROM customers;
"""
NO_REFERENCE = "drop_constraint: {table: orders, name: of_customer}"
NO_KEY = "drop_constraint: {table: customers, name: customers_pkey}"


@pytest.mark.long
@pytest.mark.alike
def test_a_primary_key_is_exchanged_for_another(database: Database) -> None:
    database.execute(EXCHANGE)
    comes_back(
        database,
        NO_REFERENCE,
        NO_KEY,
        "add_primary_key: {table: customers, name: customers_key, columns: [uuid]}",
        "add_foreign_key: {table: orders, name: of_customer, columns: [who], references: {table: customers}}",
    )


@pytest.mark.long
def test_a_table_is_dropped_behind_what_refers_to_it(database: Database) -> None:
    database.execute(EXCHANGE)
    comes_back(database, NO_REFERENCE, "drop_table: {table: customers}")


@pytest.mark.parametrize(
    "changes",
    [
        (NO_KEY,),
        (NO_REFERENCE, NO_KEY.replace("}", ", when: expand}")),
        ("rename_table: {from: orders, to: z}", NO_REFERENCE.replace("orders", "z"), NO_KEY),
    ],
)
def test_a_key_stays_that_is_referred_to_when_it_would_go(database: Database, changes: tuple[str, ...]) -> None:
    database.execute(EXCHANGE)
    with Engine(database.url) as engine:
        refused = engine.check(plan(*changes)).refusals
    assert [refusal.code for refusal in refused] == ["referenced_by_foreign_key"]


def test_a_constraint_stays_that_is_needed(database: Database) -> None:
    database.execute(
        "CREATE TABLE t (id int, a int, CONSTRAINT tk PRIMARY KEY (id)) PARTITION BY LIST (id);"
        "CREATE TABLE t_1 (id int NOT NULL, a int, CONSTRAINT t1k PRIMARY KEY (id));"
        "ALTER TABLE t ATTACH PARTITION t_1 FOR VALUES IN (1);"
        "CREATE VIEW of_all AS SELECT id, a FROM t GROUP BY id;"
        'CREATE MATERIALIZED VIEW "Of One" AS SELECT id, a FROM t_1 GROUP BY id;'
        "CREATE FUNCTION add(n int) RETURNS void LANGUAGE sql BEGIN ATOMIC"
        " INSERT INTO t VALUES (n) ON CONFLICT ON CONSTRAINT tk DO NOTHING; END"
    )
    with Engine(database.url) as engine:
        refused = engine.check(plan("drop_constraint: {table: t, name: tk}")).refusals
    assert {refusal.code for refusal in refused} == {"constraint_needed"}
    found = [refusal.object for refusal in refused]
    assert found == ["function public.add(integer)", "view public.of_all", 'materialized view public."Of One"']
