"""The gate `violating_writes`: what is noted of whom, what rows there are, and what silence is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.gates.legacy_writes import OpenWriter
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.gates.violating_rows import MOST, Rows
from crossfade.gates.violating_writes import Control, Observation, Writer, judge, observe
from crossfade.operations.step import Phase
from crossfade.plan.gates import ViolatingWrites

from .expanded import Expanded

if TYPE_CHECKING:
    from collections.abc import Callable

PASS, BLOCKED, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.ERROR
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CONTROL = Control(constraint="positive", table="public.t", triggers=2, faults=())
WRITER = Writer(
    relation="public.t",
    constraint_name="positive",
    application_name="api@1.4.0",
    role_name="api",
    address="10.0.0.7",
    noted=3,
    last_at=NOW - timedelta(minutes=2),
    examples=['{"id": 7}'],
)
CLEAR = Observation(
    now=NOW,
    since=NOW - timedelta(hours=1),
    hold=timedelta(minutes=10),
    rows=(Rows(constraint="positive", table="public.t"),),
    controls=(CONTROL,),
)
CASES = {
    "nothing": (CLEAR, PASS, "no write that violates noted since 2026-11-26 11:00:00 UTC"),
    "a recent writer": (
        replace(CLEAR, writers=(WRITER,)),
        BLOCKED,
        (
            "api@1.4.0 (role api, from 10.0.0.7) wrote a row of public.t that violates positive, such as "
            '{"id": 7}, 2 min ago; there has to be none for 10m'
        ),
    ),
    "an older writer": (
        replace(CLEAR, writers=(replace(WRITER, last_at=NOW - timedelta(minutes=11)),)),
        PASS,
        "no write that violates noted since 2026-11-26 11:49:00 UTC",
    ),
    "an open transaction": (
        replace(CLEAR, open_writers=(OpenWriter(pid=7, application_name="", role_name="api"),)),
        BLOCKED,
        "(no application_name) (role api, pid 7) wrote a row that violates in a transaction that is still open",
    ),
    "a prepared transaction": (
        replace(CLEAR, open_writers=(OpenWriter(pid=None, application_name=None, role_name=None),)),
        BLOCKED,
        "a prepared transaction wrote a row that violates and is still open",
    ),
    "one row": (
        replace(CLEAR, rows=(Rows(constraint="positive", table="public.t", violating=1),)),
        BLOCKED,
        "1 row of public.t violates positive",
    ),
    "many rows": (
        replace(CLEAR, rows=(Rows(constraint="positive", table="public.t", violating=MOST + 1),)),
        BLOCKED,
        "more than 100 rows of public.t violate positive",
    ),
    "rows that could not all be read": (
        replace(CLEAR, rows=(Rows(constraint="positive", table="public.t", out_of_time=True),)),
        PASS,
        (
            "no write that violates noted since 2026-11-26 11:00:00 UTC; not all rows of public.t could be looked at "
            "in time; validation will tell"
        ),
    ),
    "a trigger that is missing": (
        replace(CLEAR, controls=(replace(CONTROL, faults=("trigger x on public.t is missing",)),)),
        ERROR,
        "trigger x on public.t is missing: writes that violate are not seen",
    ),
    "nothing that watches": (
        replace(CLEAR, controls=(), rows=()),
        PASS,
        "no table gets a constraint from this plan that a write could violate",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verdict(case: str) -> None:
    observation, verdict, reason = CASES[case]
    found = judge(observation, ViolatingWrites())
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.remembers
    assert found.is_guard is (verdict is ERROR)


# On a server

PLAIN = "CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t VALUES (1, 1, 1)"
CHANGE = '  - add_check: {table: {schema}.t, name: ratio, expression: "a / b > 0"}\n'
PARTED = """
CREATE TABLE t (id int PRIMARY KEY, a int, b int) PARTITION BY RANGE (id);
CREATE TABLE p PARTITION OF t FOR VALUES FROM (0) TO (100);
INSERT INTO t VALUES (1, 1, 1);
"""
OF_ITSELF = '  - add_check: {table: {schema}.t, name: ratio, expression: "a / b > 0", no_inherit: true}\n'
OF_PARENT = "  - add_foreign_key: {table: {schema}.t, name: k, columns: [a], references: {table: {schema}.r}}\n"
CHILDREN = "CREATE TABLE t (id int PRIMARY KEY, a int, b int); CREATE TABLE p (more text) INHERITS (t)"


def judged(run: Expanded) -> Judgement:
    return judge(observe(run.connection, run.subject, ViolatingWrites(), run.look()), ViolatingWrites())


@pytest.fixture
def run(start: Callable[..., Expanded]) -> Expanded:
    return start(PLAIN, change=CHANGE)


@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO t VALUES (2, -1, 1)",
        "UPDATE t SET a = -1",
        "UPDATE t SET b = 0",
        "INSERT INTO t VALUES (1, 1, 1) ON CONFLICT (id) DO UPDATE SET a = -1",
    ],
)
def test_a_write_that_violates_is_let_in_and_names_its_writer_and_row(run: Expanded, write: str) -> None:
    run.sql(write)
    found = judged(run)
    assert found.verdict is BLOCKED
    (writer,) = found.evidence["writers"]
    assert (writer["application_name"], writer["constraint"], writer["relation"]) == (
        "nightly-import",
        "ratio",
        f"{run.schema}.t",
    )
    assert writer["examples"] == ['{"id": 2}' if "VALUES (2" in write else '{"id": 1}']
    assert found.evidence["rows"][0]["violating"] == 1


def test_writes_that_the_constraint_allows_are_not_noted(run: Expanded) -> None:
    run.sql("INSERT INTO t VALUES (2, 2, 1), (3, NULL, 1), (4, 1, NULL)")
    run.sql("UPDATE t SET a = 5; DELETE FROM t WHERE id = 2")
    assert judged(run).verdict is PASS


@pytest.mark.parametrize("ddl", [PARTED, CHILDREN], ids=["partitions", "children"])
def test_a_write_to_a_partition_or_child_is_seen(start: Callable[..., Expanded], ddl: str) -> None:
    run = start(ddl, change=CHANGE)
    run.sql("INSERT INTO p (id, a, b) VALUES (5, -1, 1)")
    assert [w["relation"] for w in judged(run).evidence["writers"]] == [f"{run.schema}.p"]


@pytest.mark.parametrize("change", [OF_ITSELF, OF_PARENT], ids=["check", "foreign key"])
def test_the_rows_of_children_are_not_looked_at_where_they_do_not_matter(
    start: Callable[..., Expanded], change: str
) -> None:
    run = start(CHILDREN + "; CREATE TABLE r (id int PRIMARY KEY)", change=change)
    run.sql("INSERT INTO p (id, a, b) VALUES (5, -1, 1)")
    run.sql("INSERT INTO t (id, a, b) VALUES (6, -1, 1)")
    evidence = judged(run).evidence
    assert [w["examples"] for w in evidence["writers"]] == [['{"id": 6}']]
    assert [r["violating"] for r in evidence["rows"]] == [1]


def test_a_role_without_rights_in_the_ledger_writes_as_before(run: Expanded) -> None:
    run.sql(f"CREATE ROLE {run.schema}; GRANT USAGE ON SCHEMA {run.schema} TO {run.schema}")
    run.sql(f"GRANT ALL ON t TO {run.schema}")
    run.sql(f"SET ROLE {run.schema}; INSERT INTO t VALUES (7, -7, 1)")
    assert judged(run).evidence["writers"][0]["examples"] == ['{"id": 7}']


def test_a_violating_write_in_an_open_transaction_blocks(run: Expanded) -> None:
    app = run.app("api@1.4.0")
    app.execute("UPDATE t SET a = -1")
    found = judged(run)
    assert found.verdict is BLOCKED
    assert [w["pid"] for w in found.evidence["open_transactions"]] == [app.info.backend_pid]
    assert run.gates()["violating_writes"].verdict is BLOCKED
    app.rollback()
    assert judged(run).verdict is PASS


def test_no_name_of_a_column_is_in_the_way(start: Callable[..., Expanded]) -> None:
    change = "  - add_check: {table: {schema}.t, name: positive, expression: r > 0}\n"
    run = start("CREATE TABLE t (id int PRIMARY KEY, r int); INSERT INTO t VALUES (1, -1)", change=change)
    found = judged(run)
    assert found.verdict is BLOCKED, found
    assert "1 row" in found.reason


def test_it_is_one_of_the_default_gates_and_legacy_writes_is_not(run: Expanded) -> None:
    gates = run.gates()
    assert "violating_writes" in gates
    assert "legacy_writes" not in gates


def test_it_holds_for_as_long_as_the_plan_says(start: Callable[..., Expanded]) -> None:
    run = start(PLAIN, "hold: 1h", change=CHANGE)
    gate = run.gates()["violating_writes"]
    assert gate.verdict is BLOCKED
    assert gate.holding


def test_a_disabled_trigger_is_an_error(run: Expanded) -> None:
    ((name,),) = run.sql("SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgname LIKE '%update'")
    run.sql(f'ALTER TABLE t DISABLE TRIGGER "{name}"')
    found = judged(run)
    assert (found.verdict, found.is_guard) == (ERROR, True)
    assert f"trigger {name} on {run.schema}.t is disabled" in found.reason


def test_rows_that_cannot_be_read_in_time_are_left_to_validation(start: Callable[..., Expanded]) -> None:
    slow = "CREATE FUNCTION {schema}.slow(int) RETURNS bool STABLE LANGUAGE plpgsql"
    body = " AS $$ BEGIN PERFORM pg_sleep(60); RETURN true; END $$;"
    run = start(
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);" + slow + body,
        "hold: 0s\ngates: {contract: [{violating_writes: {timeout: 100ms}}]}",
        change="  - add_check: {table: {schema}.t, name: slow, expression: '{schema}.slow(id)'}\n",
    )
    gate = run.gates(Phase.CONTRACT)["violating_writes"]
    assert gate.evidence["rows"][0]["out_of_time"]
    assert "validation will tell" in gate.reason


FOREIGN = """
CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p VALUES (1);
CREATE TABLE t (id int PRIMARY KEY, p int, q int);
CREATE TABLE pair (p int, q int, PRIMARY KEY (p, q));
"""
KEY = "  - add_foreign_key: {table: {schema}.t, name: key, columns: [p], references: {table: {schema}.p}%s}\n"
FULL = (
    "  - add_foreign_key: {table: {schema}.t, name: key, columns: [p, q], references: {table: {schema}.pair}, "
    "match: full}\n"
)
DEFERRED = KEY % ", deferrable: true, initially_deferred: true"


@pytest.mark.parametrize(
    ("change", "write", "noted"),
    [
        (KEY % "", "INSERT INTO t VALUES (1, 7)", True),
        (KEY % "", "INSERT INTO t VALUES (1, 1), (2, NULL)", False),
        (KEY % "", "WITH n AS (INSERT INTO p VALUES (7)) INSERT INTO t VALUES (1, 7)", False),
        (KEY % "", "BEGIN; INSERT INTO t VALUES (1, 7); INSERT INTO p VALUES (7); COMMIT", True),
        (DEFERRED, "BEGIN; INSERT INTO t VALUES (1, 7); INSERT INTO p VALUES (7); COMMIT", False),
        (DEFERRED, "INSERT INTO t VALUES (1, 7)", True),
        (FULL, "INSERT INTO t VALUES (1, 7, NULL)", True),
        (FULL, "INSERT INTO t VALUES (1, NULL, NULL)", False),
    ],
)
def test_what_refers_to_nothing_is_looked_at_when_the_foreign_key_would(
    start: Callable[..., Expanded], change: str, write: str, noted: bool
) -> None:
    run = start(FOREIGN, change=change)
    run.sql(write)
    assert bool(judged(run).evidence["writers"]) is noted


def test_a_row_that_loses_what_it_refers_to_is_found_among_the_rows(start: Callable[..., Expanded]) -> None:
    run = start(FOREIGN, change=KEY % "")
    run.sql("INSERT INTO t VALUES (1, 1); DELETE FROM p")
    found = judged(run)
    assert found.evidence["writers"] == []
    assert (found.verdict, found.reason) == (BLOCKED, f"1 row of {run.schema}.t violates key")


def test_an_update_of_another_column_is_no_violation_of_a_foreign_key(start: Callable[..., Expanded]) -> None:
    run = start(FOREIGN + "INSERT INTO t VALUES (1, 7, 1);", change=KEY % "")
    run.sql("UPDATE t SET q = 2")
    assert judged(run).evidence["writers"] == []
