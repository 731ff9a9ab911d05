"""Partitions that leave or come during a run: nothing of ours stays on them, and inserts into them go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

from crossfade import Engine
from crossfade.errors import BaselineChanged
from crossfade.observe.events import StepStarted
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..fixtures.long import few_of

if TYPE_CHECKING:
    from crossfade.observe.events import Event

    from ..fixtures.database import Database

SETUP = """
CREATE TABLE t (id int NOT NULL, qty int NOT NULL DEFAULT 0, UNIQUE (id, qty)) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20);
CREATE INDEX t_qty_idx ON t (qty, (qty + id)) INCLUDE (id);
COMMENT ON COLUMN t.qty IS 'how many';
COMMENT ON INDEX t_qty_idx IS 'by number';
INSERT INTO t SELECT g, g FROM generate_series(0, 19) g;
"""
COME = """
CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (20) TO (30);
CREATE TABLE t4 (LIKE t INCLUDING ALL);
ALTER TABLE t ATTACH PARTITION t4 FOR VALUES FROM (30) TO (40);
"""
DETACH = "ALTER TABLE t DETACH PARTITION t2"


def backfilled(engine: Engine, change: str = "change_type: {table: t, column: qty, to: bigint}") -> None:
    text = f"crossfade: 1\nname: p\nhold: 0s\nretain: 7d\nchanges:\n  - {change}\n"
    engine.start(parse_plan(text, "p.yaml"))
    engine.advance("p", to=State.BACKFILLED)
    engine.approve("p", Phase.CONTRACT, "alice")


def drop_now(database: Database, engine: Engine) -> State:
    database.execute("UPDATE crossfade.runs SET retain_until = now() WHERE name = 'p'")
    return engine.contract("p").state


def columns(database: Database, table: str) -> dict[str, str]:
    rows = database.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
        [table],
    )
    return dict(rows)


def indexes(database: Database, table: str) -> list[tuple[str, str]]:
    rows = database.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s ORDER BY 1", [table])
    return [(name, definition) for name, definition in rows]


@pytest.mark.alike
@pytest.mark.parametrize("way", ["rollback", pytest.param("contract", marks=pytest.mark.long)])
def test_a_partition_detached_before_contract_takes_inserts_again(database: Database, way: str) -> None:
    database.execute(SETUP)
    before = indexes(database, "t2")
    with Engine(database.url) as engine:
        backfilled(engine)
        database.execute(DETACH)
        if way == "rollback":
            assert engine.rollback("p").state is State.ROLLED_BACK
        else:
            engine.accept_changes("p")
            assert engine.contract("p").state is State.RETAINED
        database.execute("INSERT INTO t2 VALUES (100, 1)")
        if way == "contract":
            assert drop_now(database, engine) is State.CONTRACTED
        assert engine.orphans() == ()
    assert columns(database, "t2") == {"id": "integer", "qty": "integer"}
    assert indexes(database, "t2") == before
    assert "crossfade_" not in database.dump()


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize("way", few_of(["revert", "contract"], {"revert"}))
def test_a_partition_detached_while_retained_keeps_the_new_shape(database: Database, way: str) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        backfilled(engine)
        assert engine.contract("p").state is State.RETAINED
        database.execute(DETACH)
        if way == "contract":
            engine.accept_changes("p")
            assert drop_now(database, engine) is State.CONTRACTED
            assert columns(database, "t2") == {"id": "integer", "qty": "bigint"}
            assert engine.orphans() == ()
        else:
            assert engine.revert("p").state is State.BACKFILLED
            assert engine.rollback("p").state is State.ROLLED_BACK
            # What had a user's name is a user's data.
            (kept,) = columns(database, "t2").keys() - {"id", "qty"}
            assert kept.startswith("crossfade_old_")
            left = [found.split()[1] for found in engine.orphans() if found.startswith("column")]
            assert left == [f"public.t2.{kept}"]
        database.execute("INSERT INTO t2 VALUES (100, 1)")


def test_a_column_that_the_plan_drops_stays_on_a_detached_partition_until_it_was_dropped(database: Database) -> None:
    database.execute(SETUP)
    database.execute("ALTER TABLE t ADD COLUMN note text DEFAULT 'old'")
    with Engine(database.url) as engine:
        backfilled(engine, "drop_column: {table: t, column: note}")
        assert engine.contract("p").state is State.RETAINED
        database.execute(DETACH)
        assert engine.revert("p").state is State.BACKFILLED
        assert engine.rollback("p").state is State.ROLLED_BACK
    (kept,) = columns(database, "t2").keys() - {"id", "qty"}
    rows = database.execute(f'SELECT DISTINCT "{kept}" FROM t2')
    assert rows == [("old",)]


OF_ITS_OWN = {
    "indexes": "CREATE INDEX own ON t2 (qty, id)",
    "a key": "ALTER TABLE t ADD PRIMARY KEY (id, qty)",
    "constraints": """
        ALTER TABLE t ADD CONSTRAINT few CHECK (qty < 100); ALTER TABLE t2 ADD CHECK (qty > 9);
        CREATE TABLE q (qty int PRIMARY KEY); INSERT INTO q SELECT generate_series(0, 19);
        ALTER TABLE t ADD FOREIGN KEY (qty) REFERENCES q;
        ALTER TABLE t2 ALTER qty SET DEFAULT 5, ALTER qty SET STATISTICS 7;
        COMMENT ON COLUMN t2.qty IS 'its own';
    """,
}


def shape(database: Database, table: str) -> list[tuple[object, ...]]:
    """What a table's columns, indexes and constraints are like, but for what is ours."""
    rows = database.execute(
        "SELECT a.attname, format_type(a.atttypid, NULL), a.attnotnull, a.attstattarget,"
        " pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)"
        " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attname !~ 'crossfade_'"
        " ORDER BY 1",
        [table],
    )
    constraints = database.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = to_regclass(%s) AND pg_get_constraintdef(oid) !~ 'crossfade_' ORDER BY 1",
        [table],
    )
    return [*rows, *((n, d) for n, d in indexes(database, table) if "crossfade_" not in d), *constraints]


@pytest.mark.alike
@pytest.mark.parametrize("way", ["revert", pytest.param("contract", marks=pytest.mark.long)])
@pytest.mark.parametrize("own", few_of(OF_ITS_OWN.values(), {OF_ITS_OWN["constraints"]}), ids=OF_ITS_OWN)
def test_a_partition_detached_before_contract_keeps_its_shape(database: Database, own: LiteralString, way: str) -> None:
    database.execute(SETUP)
    database.execute(own)
    with Engine(database.url) as engine:
        backfilled(engine)
        database.execute(DETACH)
        before = shape(database, "t2")
        engine.accept_changes("p")
        assert engine.contract("p").state is State.RETAINED
        if way == "contract":
            assert drop_now(database, engine) is State.CONTRACTED
        else:
            assert engine.revert("p").state is State.BACKFILLED
            assert engine.rollback("p").state is State.ROLLED_BACK
        assert engine.orphans() == ()
    assert shape(database, "t2") == before
    assert "crossfade_" not in database.dump()


@pytest.mark.long
@pytest.mark.alike
def test_indexes_that_are_being_built_go_on_without_a_partition_that_was_detached(database: Database) -> None:
    database.execute(SETUP)
    text = "crossfade: 1\nname: p\nhold: 0s\nchanges:\n  - change_type: {table: t, column: qty, to: bigint}\n"
    with Engine(database.url) as engine:
        engine.start(parse_plan(text, "p.yaml"))
        engine.advance("p", to=State.EXPANDED)
        database.execute(DETACH)
        before = shape(database, "t2")
        engine.accept_changes("p")
        engine.approve("p", Phase.CONTRACT, "alice")
        assert engine.advance("p").state is State.CONTRACTED
        assert engine.orphans() == ()
    assert shape(database, "t2") == before
    assert "crossfade_" not in database.dump()


@pytest.mark.long
@pytest.mark.every_server
def test_partitions_that_came_are_as_without_the_run(database: Database) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        backfilled(engine)
        database.execute(COME)
        database.execute("INSERT INTO t VALUES (25, 5), (35, 5)")
        assert engine.contract("p").state is State.RETAINED
        assert drop_now(database, engine) is State.CONTRACTED
        assert engine.orphans() == ()
    found = database.dump()
    database.execute("DROP TABLE t CASCADE; " + SETUP.replace("qty int", "qty bigint") + COME)
    assert sorted(found.splitlines()) == sorted(database.dump().splitlines())


@pytest.mark.long
@pytest.mark.every_server
@pytest.mark.parametrize("when", [State.BACKFILLED, State.RETAINED])
def test_partitions_that_came_are_as_without_a_run_that_is_rolled_back(database: Database, when: State) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        backfilled(engine)
        if when is State.RETAINED:
            assert engine.contract("p").state is when
        database.execute(COME)
        if when is State.RETAINED:
            assert engine.revert("p").state is State.BACKFILLED
        assert engine.rollback("p").state is State.ROLLED_BACK
        assert engine.orphans() == ()
    found = database.dump()
    database.execute("DROP TABLE t CASCADE; " + SETUP + COME)
    assert sorted(found.splitlines()) == sorted(database.dump().splitlines())


@pytest.mark.long
@pytest.mark.every_server
def test_what_somebody_made_on_a_twin_of_a_detached_partition_does_not_hold_the_run_up(database: Database) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        backfilled(engine)
        database.execute(DETACH + "; CREATE VIEW v AS SELECT * FROM t2")
        assert engine.rollback("p").state is State.ROLLED_BACK
        database.execute("INSERT INTO t2 VALUES (100, 1)")
        tables = [found.split()[1].rpartition(".")[0] for found in engine.orphans() if found.startswith("column")]
        assert tables == ["public.t2"]


@pytest.mark.long
@pytest.mark.alike
def test_a_detached_partition_keeps_no_type_of_ours_from_going(database: Database) -> None:
    database.execute("CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE t (id int, m mood) PARTITION BY RANGE (id)")
    database.execute("CREATE TABLE t2 PARTITION OF t DEFAULT; INSERT INTO t VALUES (1, 'b')")
    with Engine(database.url) as engine:
        backfilled(engine, "remove_enum_values: {type: mood, map: {b: a}}")
        database.execute(DETACH)
        assert engine.rollback("p").state is State.ROLLED_BACK
        assert engine.orphans() == ()
    assert "crossfade_" not in database.dump()


@pytest.mark.long
@pytest.mark.alike
def test_a_revert_passes_over_the_index_of_a_partition_that_was_dropped(database: Database) -> None:
    database.execute(SETUP)
    database.execute("CREATE INDEX t2_own ON t2 (qty)")
    with Engine(database.url) as engine:
        backfilled(engine)
        assert engine.contract("p").state is State.RETAINED
        database.execute("DROP TABLE t2")
        assert engine.revert("p").state is State.BACKFILLED
        assert engine.rollback("p").state is State.ROLLED_BACK
    assert "crossfade_" not in database.dump()


def of_its_own(database: Database) -> list[tuple[object, ...]]:
    """The definitions of what the detached partition has by names of its own."""
    return database.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname ~ '^own'"
        " UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE indexname ~ '^own'"
        " UNION ALL SELECT stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxname ~ '^own'"
        " ORDER BY 1, 2"
    )


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize("when", few_of([State.BACKFILLED, State.RETAINED], {State.BACKFILLED}))
def test_what_is_on_a_detached_partition_keeps_its_names(database: Database, when: State) -> None:
    database.execute(
        SETUP + "CREATE INDEX own_idx ON t2 (qty) WHERE id > 1; CREATE STATISTICS own_st ON id, qty FROM t2"
    )
    database.execute("ALTER TABLE t2 ADD CONSTRAINT own_ck CHECK (qty > -1), ADD CONSTRAINT own_uq UNIQUE (qty, id)")
    with Engine(database.url) as engine:
        backfilled(engine, "change_type: {table: t, column: qty, to: bigint, into: number}")
        if when is State.RETAINED:
            assert engine.contract("p").state is State.RETAINED
        database.execute(DETACH)
        before = of_its_own(database)
        assert len(before) == 5
        if when is State.BACKFILLED:
            engine.accept_changes("p")
            assert engine.contract("p").state is State.RETAINED
        assert engine.revert("p").state is State.BACKFILLED
        assert engine.rollback("p").state is State.ROLLED_BACK
    assert of_its_own(database) == before


UNIQUE = {
    "a constraint": ("add_unique: {table: t, name: k, columns: [id, qty]}", "constraint/k"),
    "some rows": ("add_unique: {table: t, name: k, columns: [id, qty], where: id > 0}", "attach/public.t2"),
    "a key": ("add_primary_key: {table: t, name: k, columns: [id, qty]}", "constraint/k"),
}


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize("before", few_of(["index/public.t1", None], {None}), ids=["not built", "built"])
@pytest.mark.parametrize(("change", "made_of_it"), few_of(UNIQUE.values(), {UNIQUE["some rows"]}), ids=UNIQUE)
def test_nothing_is_unique_on_a_partition_that_left_meanwhile(
    database: Database, change: str, made_of_it: str, before: str | None
) -> None:
    database.execute(SETUP.replace(", UNIQUE (id, qty)", ""))
    database.execute("CREATE TABLE t3 PARTITION OF t DEFAULT PARTITION BY RANGE (id)")
    database.execute("CREATE TABLE t31 PARTITION OF t3 DEFAULT")
    found = indexes(database, "t2")

    def meanwhile(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step.endswith(before or made_of_it):
            database.execute(DETACH)

    with Engine(database.url, emit=meanwhile) as engine:
        backfilled(engine, change)
        with pytest.raises(BaselineChanged, match="detached"):
            engine.advance("p")
    if before is not None:
        database.execute("INSERT INTO t2 SELECT * FROM t2")
    with Engine(database.url) as engine:
        engine.accept_changes("p")
        assert engine.advance("p").state is State.RETAINED
        database.execute("INSERT INTO t2 SELECT * FROM t2")
        assert engine.revert("p").state is State.BACKFILLED
    assert indexes(database, "t2") == found


@pytest.mark.long
def test_a_key_that_a_detached_partition_refers_to_is_told_before_a_revert(database: Database) -> None:
    if database.server.major < 18:
        pytest.skip("before PostgreSQL 18 partitions get their foreign keys one by one, and lose them so")
    database.execute(SETUP + "CREATE TABLE q (id int PRIMARY KEY); INSERT INTO q SELECT generate_series(0, 19);")
    database.execute("ALTER TABLE t ADD FOREIGN KEY (qty) REFERENCES q")
    with Engine(database.url) as engine:
        backfilled(engine, "change_type: {table: q, column: id, to: bigint, follow_references: true}")
        assert engine.contract("p").state is State.RETAINED
        database.execute(DETACH)
        engine.accept_changes("p")
        with pytest.raises(BaselineChanged, match=r"t_qty_fkey of public\.t2 refers to q_pkey of public\.q"):
            engine.revert("p")
        database.execute("ALTER TABLE t2 DROP CONSTRAINT t_qty_fkey")
        assert engine.revert("p").state is State.BACKFILLED
