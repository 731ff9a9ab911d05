"""What somebody else makes on a column that a run is going to drop stops it before that, and nothing is stuck."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.errors import BaselineChanged, WouldDiscard, WrongState
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..fixtures.long import few_of

if TYPE_CHECKING:
    from ..fixtures.database import Database

TABLE: LiteralString = """
CREATE TABLE t (id int PRIMARY KEY, a int, n int);
CREATE TABLE o (id int PRIMARY KEY, a int); CREATE VIEW v AS SELECT id, a FROM t;
INSERT INTO t SELECT g, g, g FROM generate_series(1, 4) g
"""
RENAME = "rename_column: {table: t, from: a, to: b}"
PLAN = parse_plan(f"crossfade: 1\nname: deps\nhold: 0s\nretain: 7d\nchanges:\n  - {RENAME}\n", "p.yaml")
MADE = [
    ("CREATE VIEW w AS SELECT b FROM t", "view public.w", "DROP VIEW w"),
    ("CREATE MATERIALIZED VIEW w AS SELECT b FROM t", "materialized view public.w", "DROP MATERIALIZED VIEW w"),
    (
        "CREATE POLICY p ON o USING (EXISTS (SELECT FROM t WHERE t.b = o.a))",
        "policy p on public.o",
        "DROP POLICY p ON o",
    ),
    (
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(b) FROM t; END",
        "function public.f()",
        "DROP FUNCTION f",
    ),
    ("CREATE PUBLICATION p FOR TABLE t (id, b)", "publication p", "DROP PUBLICATION p"),
    ("CREATE STATISTICS s ON b, n FROM t", "statistics public.s", "DROP STATISTICS s"),
    (
        "ALTER TABLE t ADD g int GENERATED ALWAYS AS (b + 1) STORED",
        "column public.t.g was added",
        "ALTER TABLE t DROP g",
    ),
]


def bring(database: Database, to: State) -> None:
    with Engine(database.url) as engine:
        engine.start(PLAN, ["dependents"])
        engine.approve("deps", Phase.CONTRACT, "alice")
        assert engine.advance("deps", to=to).state is to


@pytest.mark.long
@pytest.mark.every_server
def test_what_needs_the_new_column_stops_a_run_before_it_hides(database: Database) -> None:
    database.execute(TABLE)
    bring(database, State.EXPANDED)
    with Engine(database.url) as engine:
        for make, said, away in MADE:
            database.execute(make)
            with pytest.raises(BaselineChanged) as stopped:
                engine.advance("deps")
            assert len(stopped.value.changes) == 1
            assert stopped.value.changes[0].startswith(said)
            with pytest.raises(WrongState, match="cannot be accepted"):
                engine.accept_changes("deps")
            database.execute(away)
        # One that needs a column which stays is none of its business.
        database.execute("CREATE VIEW w AS SELECT a, n FROM t")
        assert engine.advance("deps").state is State.RETAINED
        database.execute("CREATE VIEW x AS SELECT b FROM t; UPDATE crossfade.runs SET retain_until = now()")
        assert engine.contract("deps").state is State.CONTRACTED


def over_the_hidden_column(database: Database) -> None:
    ((hidden,),) = database.execute("SELECT attname FROM pg_attribute WHERE attname LIKE 'crossfade_twin_%'")
    database.execute(sql.SQL("CREATE VIEW w AS SELECT {} FROM t").format(sql.Identifier(hidden)))


@pytest.mark.long
def test_what_needs_a_hidden_column_leaves_the_run_retained(database: Database) -> None:
    database.execute(TABLE)
    bring(database, State.RETAINED)
    over_the_hidden_column(database)
    database.execute("UPDATE crossfade.runs SET retain_until = now()")
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged, match=r"before it begins to drop, .*: view public\.w"):
            engine.contract("deps")
        assert engine.status("deps").state is State.RETAINED
        database.execute("DROP VIEW w")
        assert engine.contract("deps").state is State.CONTRACTED


def test_a_table_without_a_log_and_a_function_that_is_not_ours_any_more_stop_a_run(database: Database) -> None:
    database.execute(TABLE)
    bring(database, State.EXPANDED)
    ((function,),) = database.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'crossfade_update_%'")
    replace = sql.SQL(
        "CREATE OR REPLACE FUNCTION crossfade.{}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    )
    database.execute(replace.format(sql.Identifier(function)))
    database.execute("ALTER TABLE t SET UNLOGGED")
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged) as stopped:
            engine.advance("deps")
        table, trigger = stopped.value.changes
        assert table == "table public.t: persistence logged became unlogged"
        assert trigger.endswith('_update" on public.t calls a function that is another one now')
        assert engine.rollback("deps").state is State.ROLLED_BACK


@pytest.mark.long
def test_a_run_that_is_dropping_goes_on_once_the_way_is_free(database: Database) -> None:
    database.execute(TABLE)
    bring(database, State.RETAINED)
    over_the_hidden_column(database)
    database.execute("UPDATE crossfade.runs SET state = 'dropping'")
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged, match=r"view public\.w"):
            engine.contract("deps")
        database.execute("DROP VIEW w")
        assert engine.contract("deps").state is State.CONTRACTED
        with pytest.raises(WrongState):
            engine.revert("deps")


@pytest.mark.long
def test_a_run_that_has_dropped_nothing_yet_can_be_reverted(database: Database) -> None:
    database.execute(TABLE)
    bring(database, State.RETAINED)
    database.execute("UPDATE crossfade.runs SET state = 'dropping'")
    with Engine(database.url) as engine:
        assert engine.revert("deps").state is State.BACKFILLED
        assert engine.rollback("deps").state is State.ROLLED_BACK


@pytest.mark.long
def test_what_needs_a_table_that_goes_stops_a_run_before_it_hides(database: Database) -> None:
    database.execute(TABLE)
    change = "partition_table: {table: t, by: hash, key: [id], partitions: {t_0: {modulus: 1, remainder: 0}}}"
    plan = parse_plan(f"crossfade: 1\nname: parts\nhold: 0s\nretain: 7d\nchanges:\n  - {change}\n", "p.yaml")
    with Engine(database.url) as engine:
        engine.start(plan)
        engine.approve("parts", Phase.CONTRACT, "alice")
        engine.advance("parts", to=State.BACKFILLED)
        database.execute("CREATE VIEW w AS SELECT count(*) FROM t")
        with pytest.raises(BaselineChanged, match=r"view public\.w, which uses public\.t, was added"):
            engine.contract("parts")
        database.execute("DROP VIEW w")
        assert engine.contract("parts").state is State.RETAINED
        database.execute("CREATE VIEW w AS SELECT count(*) FROM t; UPDATE crossfade.runs SET retain_until = now()")
        assert engine.contract("parts").state is State.CONTRACTED


OTHERWISE: LiteralString = """
    ALTER PUBLICATION p SET TABLE t (id, a) WHERE (id > 3);
    ALTER STATISTICS s OWNER TO pg_monitor;
"""


@pytest.mark.long
@pytest.mark.every_server
@pytest.mark.parametrize("to", few_of([State.BACKFILLED, State.RETAINED], {State.RETAINED}), ids=str)
def test_what_is_made_anew_may_not_be_another_one_by_then(database: Database, to: State) -> None:
    database.execute(TABLE)
    database.execute(
        "CREATE PUBLICATION p FOR TABLE t (id, a); CREATE STATISTICS s ON a, n FROM t;"
        " CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        " CREATE TRIGGER g AFTER UPDATE ON t FOR EACH ROW WHEN (NEW.a > 3) EXECUTE FUNCTION f()"
    )
    change = "change_type: {table: t, column: a, to: bigint}"
    text = f"crossfade: 1\nname: deps\nhold: 0s\nretain: 7d\nchanges:\n  - {change}\n"
    acks = ("dependents", "publications", "triggers", "trigger_effects")
    with Engine(database.url) as engine:
        engine.start(parse_plan(text, "p.yaml"), acks)
        engine.approve("deps", Phase.CONTRACT, "alice")
        assert engine.advance("deps", to=to).state is to
        database.execute(OTHERWISE)
        if to is State.RETAINED:
            database.execute("ALTER TABLE t DISABLE TRIGGER g")
        before = database.dump()
        with pytest.raises((BaselineChanged, WouldDiscard)) as stopped:
            _ = engine.revert("deps") if to is State.RETAINED else engine.advance("deps")
    for said in ("publication p, .* is defined otherwise now", "statistics public.s, .* has another owner now"):
        assert re.search(said, str(stopped.value))
    assert ("trigger g on public.t: state" in str(stopped.value)) is (to is State.RETAINED)
    assert database.dump() == before
