"""What a partitioned twin and its table owe each other while others write, and what preflight refuses."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.errors import InvalidPlan, RowsFailed, VerificationFailed
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..fixtures.long import few_of

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLE = """
    CREATE TABLE orders (id int, year int, what text, PRIMARY KEY (id, year));
    INSERT INTO orders SELECT g, 2024 + g % 3, 'w' FROM generate_series(1, 30) g;
"""
OTHERS = ", orders_others: default"
HERE, THERE = "SELECT * FROM orders ORDER BY id, year", "SELECT * FROM {} ORDER BY id, year"


def plan(others: str = OTHERS) -> Plan:
    return parse_plan(
        "crossfade: 1\nname: parts\nretain: 7d\nhold: 0s\nbackfill: {batch_rows: 10}\nchanges:\n- partition_table: "
        "{table: orders, by: range, key: [year], partitions: {orders_2024: {from: 2024, to: 2025}" + others + "}}\n",
        "plan.yaml",
    )


def begin(engine: Engine, written: Plan, to: State) -> None:
    engine.start(written)
    engine.approve("parts", Phase.CONTRACT, "alice")
    assert engine.advance("parts", to=to).state is to


def other(database: Database) -> str:
    """The table that stands aside: the twin, or what was the table."""
    rows = database.execute(
        "SELECT relname FROM pg_class WHERE relname ~ '^crossfade_(twin|was)' AND relkind IN ('r', 'p')"
    )
    return str(rows[0][0])


def assert_in_step(database: Database) -> None:
    assert database.execute(HERE) == database.execute(THERE.format(other(database)))


WRITES = (
    "INSERT INTO orders VALUES (100, 2024, 'new'), (101, 1999, NULL)",
    "INSERT INTO orders VALUES (1, 2025, 'again') ON CONFLICT (id, year) DO UPDATE SET what = excluded.what",
    "INSERT INTO orders VALUES (1, 2025, 'never') ON CONFLICT DO NOTHING",
    "UPDATE orders SET what = what || id",
    "UPDATE orders SET year = year + 1 WHERE id > 5",
    "UPDATE orders SET id = -id",
    "WITH gone AS (DELETE FROM orders WHERE id = -3 RETURNING *) INSERT INTO orders SELECT 3, year, 'moved' FROM gone",
    "DELETE FROM orders WHERE year = 2026",
    "TRUNCATE orders",
    "INSERT INTO orders VALUES (-70, 2024, 'last')",
)


@pytest.mark.long
@pytest.mark.alike
def test_every_kind_of_write_is_followed_in_either_direction(database: Database) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        begin(engine, plan(), State.EXPANDED)
        # Rows that no batch has copied yet get there by their first write, or not at all.
        database.execute("UPDATE orders SET what = 'touched' WHERE id <= 15")
        database.execute("DELETE FROM orders WHERE id > 25")
        assert engine.advance("parts", to=State.BACKFILLED).state is State.BACKFILLED
        for state in (State.BACKFILLED, State.RETAINED):
            if state is State.RETAINED:
                assert engine.contract("parts").state is State.RETAINED
            assert_in_step(database)
            for statement in WRITES:
                database.execute(statement)
                assert_in_step(database)
            database.execute("INSERT INTO orders SELECT g, 2024 + g % 3, 'w' FROM generate_series(1, 30) g")
        database.execute("TRUNCATE orders_2024")
        assert_in_step(database)
        assert engine.revert("parts").state is State.BACKFILLED
        database.execute("DELETE FROM orders WHERE id = 1")
        assert_in_step(database)


@pytest.mark.long
@pytest.mark.alike
def test_a_row_that_is_deleted_while_it_is_copied_does_not_come_back(database: Database) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine, database.connect(autocommit=True) as writer:
        begin(engine, plan(), State.EXPANDED)
        with writer.transaction():
            writer.execute("DELETE FROM orders WHERE id = 5")
            writer.execute("UPDATE orders SET what = 'new' WHERE id = 6")
            copying = threading.Thread(target=engine.advance, args=("parts",), kwargs={"to": State.BACKFILLED})
            copying.start()
            wait_for_lock(database)
        copying.join()
        assert engine.status("parts").state is State.BACKFILLED
    assert_in_step(database)
    assert database.execute("SELECT id FROM orders WHERE id = 5") == []


def wait_for_lock(database: Database) -> None:
    """Until a batch waits for a row of the writer."""
    until = time.monotonic() + 30
    with database.connect(autocommit=True) as look:
        while not look.execute(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO%crossfade_twin%'"
        ).fetchall():
            assert time.monotonic() < until, "no batch came"


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize("statement", ["DELETE FROM orders WHERE id = 5", "UPDATE orders SET year = 2030 WHERE id = 5"])
def test_a_writer_with_a_snapshot_from_before_the_copy_has_to_try_again(database: Database, statement: str) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine, database.connect() as writer:
        begin(engine, plan(), State.EXPANDED)
        writer.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        writer.execute("SELECT count(*) FROM orders")
        assert engine.advance("parts", to=State.BACKFILLED).state is State.BACKFILLED
        with pytest.raises(psycopg.errors.SerializationFailure):
            writer.execute(statement.encode())
        writer.rollback()
        writer.execute(statement.encode())
        writer.commit()
    assert_in_step(database)


@pytest.mark.long
@pytest.mark.alike
def test_a_row_without_a_partition_is_written_and_keeps_contract_from_beginning(database: Database) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        engine.start(plan(others=""))
        told = {c.code: c.message for c in engine.check(plan(others="")).cautions}
        assert told.keys() >= {"rows_without_partition", "violating_rows"}
        assert told["violating_rows"].startswith("it has 20 rows that none of `partitions` is for.")
        assert engine.advance("parts", to=State.EXPANDED).state is State.EXPANDED
        database.execute("DELETE FROM orders WHERE year <> 2024")
        database.execute("INSERT INTO orders VALUES (500, 2024, 'x'), (501, 1999, 'y')")
        database.execute("UPDATE orders SET year = 1999 WHERE id = 500")
        with pytest.raises(RowsFailed, match="no partition of relation"):
            engine.advance("parts", to=State.BACKFILLED)
        database.execute("DELETE FROM orders WHERE year = 1999")
        assert engine.advance("parts", to=State.BACKFILLED).state is State.BACKFILLED
    assert_in_step(database)


BEHIND = ("DELETE FROM {} WHERE id = 5", "INSERT INTO {} VALUES (-1, 2024)", "UPDATE {} SET what = 'other'")


@pytest.mark.long
@pytest.mark.parametrize("behind", few_of(BEHIND, BEHIND[2:]))
def test_a_twin_that_somebody_wrote_to_is_not_put_in_the_tables_place(database: Database, behind: str) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        begin(engine, plan(), State.BACKFILLED)
        database.execute(behind.format(other(database)))
        with pytest.raises(VerificationFailed):
            engine.contract("parts")


OTHER_FORMS = {
    "by: list, key: [year], partitions: {p: {in: [2024, 2025, null]}, q: default}": "IN (2024, 2025, NULL)",
    "by: hash, key: [id], partitions: {p: {modulus: 2, remainder: 0}, q: {modulus: 2, remainder: 1}}": (
        "WITH (modulus 2, remainder 0)"
    ),
    "by: range, key: [year, id], partitions: {p: {from: [MINVALUE, MINVALUE], to: [2025, MAXVALUE]}, q: default}": (
        "FROM (MINVALUE, MINVALUE) TO (2025, MAXVALUE)"
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("form", few_of(OTHER_FORMS, {next(iter(OTHER_FORMS))}))
def test_every_form_of_bounds_is_the_one_that_the_plan_says(database: Database, form: str) -> None:
    database.execute(TABLE)
    entry = f"crossfade: 1\nname: parts\nhold: 0s\nchanges:\n- partition_table: {{table: orders, {form}}}\n"
    before = database.execute(HERE)
    with Engine(database.url) as engine:
        written = parse_plan(entry, "plan.yaml")
        told = {c.code for c in engine.check(written).cautions}
        assert not told & {"rows_without_partition", "violating_rows"}
        begin(engine, written, State.CONTRACTED)
    bounds = "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'p'"
    assert database.execute(bounds) == [(f"FOR VALUES {OTHER_FORMS[form]}",)]
    assert database.execute(HERE) == before


WRONG = {
    "by: list, key: [a, b], partitions: {p: default}": "by list over one column only",
    "by: range, key: [a, a], partitions: {p: default}": "is listed twice",
    "by: range, key: [a], partitions: {p: {in: [1]}}": "these are bounds by list",
    "by: range, key: [a, b], partitions: {p: {from: 1, to: 2}}": "the key has 2 columns",
    "by: range, key: [a], partitions: {p: {from: 1}}": "not clear which rows",
    "by: hash, key: [a], partitions: {p: default}": "no default partition",
    "by: hash, key: [a], partitions: {p: {modulus: 2, remainder: 2}}": "smaller than the modulus",
    "by: list, key: [a], partitions: {p: default, q: default}": "two partitions are `default`",
}


@pytest.mark.parametrize("form", WRONG)
def test_what_makes_no_partitions_is_told_by_the_plan(form: str) -> None:
    with pytest.raises(InvalidPlan, match=WRONG[form]):
        parse_plan(f"crossfade: 1\nname: parts\nchanges:\n- partition_table: {{table: orders, {form}}}\n", "plan.yaml")


REFUSED = {
    "no_primary_key": "CREATE TABLE orders (id int, year int)",
    "partition_key_not_unique": "CREATE TABLE orders (id int PRIMARY KEY, year int NOT NULL)",
    "no_such_column": "CREATE TABLE orders (id int PRIMARY KEY)",
    "unsupported_table": "CREATE UNLOGGED TABLE orders (id int, year int, PRIMARY KEY (id, year))",
    "unsupported_constraint": "CREATE TABLE orders (id int, year int, PRIMARY KEY (id, year) DEFERRABLE)",
    "not_validated": TABLE + "ALTER TABLE orders ADD CHECK (id > 0) NOT VALID",
    "self_reference": TABLE + "ALTER TABLE orders ADD up int, ADD FOREIGN KEY (up, year) REFERENCES orders",
    "row_security": TABLE + "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
    "rule": TABLE + "CREATE RULE r AS ON DELETE TO orders DO INSTEAD NOTHING",
    "table_dependent": TABLE + "CREATE FUNCTION f(orders) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "publication": TABLE + "CREATE PUBLICATION p FOR TABLE orders",
    "replica_identity": TABLE + "ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_pkey",
    "materialized_view": TABLE + "CREATE MATERIALIZED VIEW v AS SELECT * FROM orders",
    "trigger_form": TABLE
    + "CREATE OR REPLACE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    + "CREATE TRIGGER t AFTER INSERT ON orders REFERENCING NEW TABLE AS n FOR EACH ROW EXECUTE FUNCTION t()",
    "name_taken": TABLE + "CREATE TABLE orders_2024 ()",
}


@pytest.mark.long
def test_what_cannot_travel_is_refused_by_name(database: Database) -> None:
    with Engine(database.url) as engine:
        for code, setup in REFUSED.items():
            database.execute(setup)
            assert code in refusals(engine)
            database.execute("DROP TABLE orders CASCADE; DROP TABLE IF EXISTS orders_2024")


def refusals(engine: Engine) -> set[str]:
    return {r.code for r in engine.check(plan()).refusals}
