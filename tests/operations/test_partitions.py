"""Partitions that come and go beside other changes of the plan."""

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
    CREATE SCHEMA old;
    CREATE TABLE p (id int NOT NULL, k int NOT NULL, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
    CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
    CREATE TABLE p3 (id int NOT NULL, k int NOT NULL, v text);
    INSERT INTO p SELECT g, g % 20 FROM generate_series(1, 100) g;
    INSERT INTO p3 SELECT g, 20 FROM generate_series(1, 100) g;
"""
DETACH = "detach_partition: {table: p, partition: p1}"
ATTACH = "attach_partition: {table: p, partition: p3, bounds: FOR VALUES FROM (20) TO (30)}"


def plan(*changes: str, retain: str = "7d") -> Plan:
    listed = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: parts\nhold: 0s\nretain: {retain}\nchanges:\n{listed}", "parts.yaml")


def codes(database: Database, *changes: str) -> list[str]:
    with Engine(database.url) as engine:
        return [r.code for r in engine.check(plan(*changes)).refusals]


def hidden(engine: Engine, asked: Plan, end: State = State.RETAINED) -> None:
    """As far as `retained`, or further."""
    assert engine.expand(asked).state is State.EXPANDED
    assert engine.backfill("parts").state is State.BACKFILLED
    engine.approve("parts", Phase.CONTRACT, "alice")
    assert engine.contract("parts").state is end


def partitions(database: Database) -> list[str]:
    """Of p."""
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'p'::regclass ORDER BY 1"
    return [name for (name,) in database.execute(query)]


@pytest.mark.long
def test_a_partition_is_detached_before_it_is_dropped(database: Database) -> None:
    database.execute(SETUP)
    before = database.dump()
    asked = plan(DETACH, "drop_table: {table: p1}")
    with Engine(database.url) as engine:
        hidden(engine, asked)
        assert partitions(database) == ["p2"]
        assert database.execute("SELECT to_regclass('p1')") == [(None,)]
        assert engine.revert("parts").state is State.BACKFILLED
        assert partitions(database) == ["p1", "p2"]
        assert database.dump() == before


@pytest.mark.long
def test_rows_that_are_referred_to_are_not_detached(database: Database) -> None:
    database.execute(SETUP)
    database.execute(
        "CREATE TABLE r (id int, k int, CONSTRAINT to_p FOREIGN KEY (id, k) REFERENCES p); INSERT INTO r VALUES (1, 1)"
    )
    with Engine(database.url) as engine:
        said = next(c.message for c in engine.check(plan(DETACH)).cautions if c.code == "rows_referred_to")
        assert said.startswith("contract stops if rows of public.r refer to its rows by to_p; move or delete them")
        with pytest.raises(StepFailed, match="23503"):
            hidden(engine, plan(DETACH))
        assert "p1" in partitions(database)
        database.execute("DELETE FROM r")
        assert engine.contract("parts").state is State.RETAINED
        assert "p1" not in partitions(database)


@pytest.mark.long
def test_a_partition_is_detached_and_gone(database: Database) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        hidden(engine, plan(DETACH, "drop_table: {table: p1}", retain="0s"), State.CONTRACTED)
    assert partitions(database) == ["p2"]
    assert "p1" not in database.dump()


@pytest.mark.parametrize(
    "changes",
    [
        (DETACH, "rename_table: {from: p1, to: p9}"),
        (DETACH, "move_table: {table: p1, to_schema: old}"),
        (DETACH, "create_index: {table: p1, name: i, columns: [v]}"),
        (DETACH, "rename_column: {table: p, from: v, to: w}"),
        ("drop_column: {table: p, column: v}", DETACH),
    ],
)
def test_what_would_reach_a_partition_that_is_to_leave_is_refused(database: Database, changes: tuple[str, ...]) -> None:
    database.execute(SETUP)
    assert "not_together" in codes(database, *changes)


@pytest.mark.parametrize(
    "change", ["drop_column: {table: p, column: v}", "detach_partition: {table: p, partition: p2}", ATTACH]
)
def test_what_comes_behind_a_detaching_is_not(database: Database, change: str) -> None:
    database.execute(SETUP)
    assert codes(database, DETACH, change) == []


def test_a_partition_that_leaves_keeps_its_bounds_until_contract(database: Database) -> None:
    database.execute(SETUP)
    beside = ATTACH.replace("(20) TO (30)", "(-5) TO (1)")
    for changes in (DETACH, beside), (DETACH, beside, "drop_table: {table: p1}"):
        with Engine(database.url) as engine:
            (refusal,) = engine.check(plan(*changes)).refusals
        assert 'partition "public.p3" would overlap partition "public.p1"' in refusal.message
        assert "Until contract it also has public.p1 FOR VALUES FROM (0) TO (10)" in str(refusal.instead)
    default = ATTACH.replace("FOR VALUES FROM (20) TO (30)", "DEFAULT")
    assert codes(database, DETACH, default) == codes(database, default, DETACH) == ["default_partition"]


@pytest.mark.parametrize(
    "change",
    [
        "add_check: {table: p3, name: c, expression: v <> 'x', fix: {k: k + 1}}",
        "add_primary_key: {table: p3, name: p3_pkey, columns: [id, k]}",
        "set_not_null: {table: p3, column: v, fill: \"'x'\"}",
        "drop_not_null: {table: p, column: v}",
        "drop_column: {table: p3, column: w}",
    ],
)
def test_a_table_is_not_attached_before_it_is_what_the_plan_makes_of_it(database: Database, change: str) -> None:
    database.execute(SETUP)
    database.execute("UPDATE p SET v = 'x'; ALTER TABLE p ALTER v SET NOT NULL; ALTER TABLE p3 ADD w int")
    assert "not_together" in codes(database, change, ATTACH)


@pytest.mark.parametrize(
    "changes",
    [
        ("rename_table: {from: p, to: z}", ATTACH.replace("table: p,", "table: z,")),
        pytest.param(
            ("move_table: {table: p, to_schema: old}", ATTACH.replace("table: p,", "table: old.p,")),
            marks=pytest.mark.long,
        ),
        pytest.param(("rename_table: {from: p3, to: z}", ATTACH.replace("p3", "z")), marks=pytest.mark.long),
        ("move_table: {table: p3, to_schema: old}", ATTACH.replace("p3", "old.p3")),
    ],
)
def test_a_table_is_attached_under_the_names_until_contract(database: Database, changes: tuple[str, ...]) -> None:
    database.execute(SETUP)
    before = database.dump()
    with Engine(database.url) as engine:
        hidden(engine, plan(*changes))
        query = "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = inhparent WHERE c.relkind = 'p'"
        assert database.execute(query) == [(3,)]
        assert engine.revert("parts").state is State.BACKFILLED
        assert engine.rollback("parts").state is State.ROLLED_BACK
    assert database.dump() == before


def test_nothing_is_attached_to_a_table_whose_columns_are_exchanged(database: Database) -> None:
    database.execute(SETUP)
    assert "in_another_run" in codes(database, "rename_column: {table: p, from: v, to: w}", ATTACH)


REFUSED_BOUNDS = {
    "FOR VALUES FROM (15) TO (30)": ("p", 'partition "public.p3" would overlap partition "public.p2"'),
    "FOR VALUES FROM (30) TO (20)": ("p", 'empty range bound specified for partition "public.p3"'),
    "FOR VALUES IN (20)": ("p", "invalid bound specification for a range partition"),
    "FOR VALUES FROM ('x') TO ('y')": ("p", "invalid input syntax for type integer"),
    "DEFAULT": ("q", 'partition "public.p3" conflicts with existing default partition "public.q1"'),
}


@pytest.mark.long
def test_bounds_are_tried_beside_those_that_there_are(database: Database) -> None:
    database.execute(SETUP)
    database.execute("""
        CREATE TABLE p4 (LIKE p3);
        CREATE TABLE q (id int NOT NULL, k int NOT NULL, v text) PARTITION BY LIST ((k % 7));
        CREATE TABLE q1 PARTITION OF q DEFAULT;
        CREATE TABLE t (k text COLLATE "C") PARTITION BY RANGE (k);
        CREATE TABLE t1 (k text COLLATE "C");
    """)
    with Engine(database.url) as engine:
        for bounds, (parent, words) in REFUSED_BOUNDS.items():
            asked = plan(f'attach_partition: {{table: {parent}, partition: p3, bounds: "{bounds}"}}')
            (refusal,) = engine.check(asked).refusals
            assert refusal.object == f"bounds of attach_partition on public.{parent}"
            assert words in refusal.message
    beside = ATTACH.replace("p3", "p4").replace("30", "40")
    assert codes(database, ATTACH, beside.replace("20", "25")) == ["expression"]
    assert codes(database, ATTACH, beside.replace("20", "30")) == []
    # In the order of the column's own collation.
    assert codes(database, "attach_partition: {table: t, partition: t1, bounds: FOR VALUES FROM ('Z') TO ('a')}") == []


MOVING = (
    "add_check: {table: p, name: c, expression: k > 4, fix: {k: k + 10}}",
    "add_check: {table: p1, name: c, expression: k > 4, fix: {k: k + 10}}",
    "add_foreign_key: {table: p1, name: c, columns: [k], references: {table: numbers}, fix: {k: '0'}}",
    "add_domain_check: {domain: word, name: c, expression: value > 'a', fix: lower(value)}",
    "set_not_null: {table: q, column: r, fill: \"'b'\"}",
    "sql: {backfill: {table: q1, set: {r: lower(r)}, where: r <> lower(r)}}",
    "update_rows: {table: q1, set: {r: lower(r)}, where: r <> lower(r)}",
)


def test_no_batch_is_to_move_a_row_to_another_partition(database: Database) -> None:
    database.execute(SETUP)
    database.execute("""
        CREATE DOMAIN word AS text;
        CREATE TABLE q (id int, r word) PARTITION BY LIST (lower(r));
        CREATE TABLE q1 PARTITION OF q DEFAULT;
        CREATE TABLE numbers (k int PRIMARY KEY);
    """)
    for change in MOVING:
        assert codes(database, change) == ["partition_key"], change
    assert codes(database, "add_check: {table: p, name: c, expression: k > 4, fix: {v: v}}") == []
    assert codes(database, "add_check: {table: p, name: c, expression: k > 4}") == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("row", "table"), [("INSERT INTO p3 VALUES (7, 40)", "p3"), ("INSERT INTO p VALUES (7, 25)", "others")]
)
def test_no_proof_stays_in_force_that_rows_violate(database: Database, row: str, table: str) -> None:
    database.execute(SETUP)
    database.execute("CREATE TABLE others PARTITION OF p DEFAULT")
    database.execute(row)
    with Engine(database.url) as engine:
        found = [c.message for c in engine.check(plan(ATTACH)).cautions if c.code == "violating_rows"]
        assert len(found) == 1
        assert found[0].startswith("it has 1 row ")
        with pytest.raises(StepFailed) as failed:
            engine.expand(plan(ATTACH))
        assert str(failed.value.hint).startswith("Nothing is enforced.")
        checks = "SELECT conrelid::regclass::text FROM pg_constraint WHERE conname LIKE 'crossfade%'"
        assert database.execute(checks) == ([] if table == "p3" else [("p3",)])
        database.execute("DELETE FROM p WHERE k = 25; DELETE FROM p3 WHERE k = 40")
        assert engine.expand("parts").state is State.EXPANDED
    assert partitions(database) == ["others", "p1", "p2", "p3"]


def test_the_default_partition_takes_what_it_takes_until_right_before_the_attaching(database: Database) -> None:
    database.execute(SETUP)
    database.execute("CREATE TABLE others PARTITION OF p DEFAULT")
    with Engine(database.url) as engine:
        told = engine.explain(plan(ATTACH))
    what = [step.id.partition("/")[2] for step in told.program.steps]
    assert what[-3:] == ["default/add", "default/validate", "attach"]
    assert "refused_meanwhile" in [caution.code for caution in told.cautions]
