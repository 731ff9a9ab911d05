"""The gate `table_activity`: whose counters have moved, and when rest says nothing."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from crossfade.errors import DatabaseUnreachable
from crossfade.gates.relation_counts import Counts, Missing, Target, User
from crossfade.gates.table_activity import Observation, in_words, judge, observe
from crossfade.gates.verdict import GateResult, Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import TableActivity
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.server import EmbeddedServer
from crossfade.workflow import ledger

from ..fixtures.database import fresh_database
from ..fixtures.owner import eventually
from .expanded import KEYED, expand

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..fixtures.servers import Server
    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def entry(**keys: object) -> TableActivity:
    return TableActivity.model_validate({"hold": "7d", **keys})


BOTH = entry(table="shop.orders")
READS = entry(table="shop.orders", counting=("reads",))
WRITES = entry(table="shop.orders", counting=("writes",))
INDEX = entry(index="shop.orders_by_day")
READER = User(pid=7, application_name="report", role="bob", writes=False)
WRITER = User(pid=None, application_name=None, role=None, writes=True)


def days(ago: float | None) -> datetime | None:
    return None if ago is None else NOW - ago * DAY


def observed(
    reads: float | None = None, writes: float | None = None, *, since: float = 30, lost: str | None = None, **keys: Any
) -> Observation:
    counts = Counts(
        target=Target(oid=1, name=QualifiedName("shop", "orders"), is_index=False),
        at=NOW,
        before={},
        after={},
        reads={"seq_scan": 5},
        writes={"n_tup_ins": 2},
        relations=1,
    )
    begun = days(since)
    assert begun is not None
    moved = {"reads": days(reads), "writes": days(writes)}
    return Observation(counts=replace(counts, **keys), moved_at=moved, since=begun, lost=lost)


@pytest.mark.parametrize(
    ("observation", "wanted", "verdict", "clear"),
    [
        (observed(), BOTH, PASS, 30),
        (observed(since=0), BOTH, PASS, 0),
        (observed(7), BOTH, PASS, 7),
        (observed(6.9), BOTH, BLOCKED, 6.9),
        (observed(20, 6.9), BOTH, BLOCKED, 6.9),
        (observed(1, 2), BOTH, BLOCKED, 1),
        (observed(20, 9), BOTH, PASS, 9),
        (observed(1, 20), WRITES, PASS, 20),
        (observed(20, 1), READS, PASS, 20),
        (observed(1, 20), READS, BLOCKED, 1),
        (observed(1), INDEX, BLOCKED, 1),
        (observed(), INDEX, PASS, 30),
        (observed(since=0, lost="it was reset"), BOTH, UNKNOWN, 0),
        (observed(1, since=0, lost="it was reset"), BOTH, BLOCKED, 0),
        (observed(uncounted="track_counts is off"), BOTH, UNKNOWN, None),
        (observed(1, uncounted="track_counts is off"), BOTH, UNKNOWN, None),
        (observed(users=(READER,)), BOTH, BLOCKED, None),
        (observed(users=(READER,)), READS, BLOCKED, None),
        (observed(users=(READER,)), WRITES, PASS, 30),
        (observed(users=(WRITER,)), WRITES, BLOCKED, None),
        (observed(users=(WRITER,)), READS, PASS, 30),
        (Missing(reason="there is no table shop.orders"), BOTH, ERROR, None),
    ],
)
def test_what_has_moved_within_the_hold_blocks_and_no_doubt_passes(
    observation: Observation | Missing, wanted: TableActivity, verdict: Verdict, clear: float | None
) -> None:
    judgement = judge(observation, wanted)
    assert judgement.verdict is verdict
    assert judgement.clear_since == days(clear)


def test_the_reason_says_since_when_by_whom_and_how_long() -> None:
    assert judge(observed(20), BOTH).reason == (
        "no reads and no writes of table shop.orders seen since 2026-02-09 12:00:00 UTC by pg_stat_all_tables"
    )
    assert judge(observed(2, 3), BOTH).reason == (
        "reads and writes of table shop.orders were counted, as a look 2 d ago found; there have to be none for 7d"
    )
    assert judge(observed(users=(READER, WRITER)), BOTH).reason == (
        "table shop.orders is used in a transaction that is still open: report (pid 7) of role bob;"
        " a prepared transaction"
    )
    assert judge(observed(users=(READER,) * 7), BOTH).reason.endswith(" and 2 more")
    assert judge(observed(lost="it was reset"), BOTH).reason.startswith(
        "table shop.orders: it was reset since the look"
    )


def test_in_words_it_says_what_counts() -> None:
    assert in_words(BOTH) == "no reads and no writes of table shop.orders, as the server counts them"
    assert in_words(WRITES) == "no writes of table shop.orders, as the server counts them"
    assert in_words(INDEX) == "no reads of index shop.orders_by_day, as the server counts them"


OTHERS = """
CREATE TABLE other (id int PRIMARY KEY, day int);
INSERT INTO other SELECT n, n FROM generate_series(1, 100) n;
CREATE INDEX other_day ON other (day);
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
CREATE INDEX parts_id ON parts (id);
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
CREATE VIEW seen AS SELECT * FROM other;
"""


def begun(start: Callable[..., Expanded], what: str) -> Expanded:
    """A run with a gate about a relation, at rest."""
    run = start(KEYED + OTHERS, f"gates: {{expand: [table_activity: {{{what}, hold: 10m}}]}}")
    _flushed(run)
    return run


def _flushed(run: Expanded) -> None:
    """What a session did is counted once it has ended, at the latest."""
    run.database.close()
    ours = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name IN ('', 'nightly-import', 'app')"
        " AND backend_type = 'client backend'"
    )
    eventually(lambda: run.connection.execute(ours).fetchone() == (0,), "the sessions have ended")


def do(run: Expanded, statement: str) -> None:
    """Use a table, until the use is counted."""
    with run.app("app", autocommit=True) as app:
        app.execute(statement.encode())
    _flushed(run)


def gate(run: Expanded, *, record: bool = True) -> GateResult:
    return run.gates(Phase.EXPAND, record=record)["table_activity"]


def pass_time(run: Expanded) -> None:
    """As if everything in the ledger were older."""
    for table, column in (("counters", "moved_at"), ("passing", "since"), ("passing", "seen_at")):
        change = sql.SQL("UPDATE crossfade.{table} SET {column} = {column} - interval '10 min' WHERE run_id = %s")
        names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
        run.connection.execute(change.format(**names), [run.subject.run_id])


def rests(found: GateResult) -> bool:
    return found.verdict is PASS or found.holding


@pytest.mark.every_server
@pytest.mark.parametrize(
    ("what", "use"),
    [
        ("table: {}.other", "SELECT * FROM other"),
        ("table: {}.other", "SELECT * FROM other WHERE id = 7"),
        ("table: {}.other", "INSERT INTO other VALUES (0, 0)"),
        ("table: {}.other", "UPDATE other SET day = 0 WHERE id = 7"),
        ("table: {}.other", "DELETE FROM other WHERE id = 8"),
        ("table: {}.parts", "INSERT INTO part1 VALUES (1)"),
        ("table: {}.parent", "SELECT * FROM child"),
        ("index: {}.other_day", "SET enable_seqscan = off; SELECT * FROM other WHERE day = 7"),
        ("index: {}.parts_id", "SET enable_seqscan = off; SELECT * FROM part1 WHERE id = 7"),
    ],
)
def test_use_between_two_looks_blocks_until_there_was_none_for_the_hold(
    start: Callable[..., Expanded], what: str, use: str
) -> None:
    run = begun(start, what.format("{schema}"))
    first = gate(run)
    assert (first.verdict, first.holding) == (BLOCKED, True)
    pass_time(run)
    assert gate(run).verdict is PASS
    do(run, use)
    moved = gate(run)
    assert (moved.verdict, moved.holding) == (BLOCKED, False)
    assert gate(run).verdict is BLOCKED
    pass_time(run)
    assert gate(run).verdict is PASS


@pytest.mark.parametrize(
    ("what", "use"),
    [
        ("table: {}.other", "SELECT * FROM parent"),
        ("table: {}.other, counting: [writes]", "SELECT * FROM other"),
        ("table: {}.other, counting: [reads]", "INSERT INTO other VALUES (0, 0)"),
        ("index: {}.other_day", "SELECT * FROM other WHERE id = 7"),
        ("table: {}.other", "VACUUM other"),
    ],
)
def test_use_of_something_else_does_not_count(start: Callable[..., Expanded], what: str, use: str) -> None:
    run = begun(start, what.format("{schema}"))
    gate(run)
    pass_time(run)
    do(run, use)
    assert gate(run).verdict is PASS


@pytest.mark.alike
def test_an_open_transaction_that_used_the_table_blocks(start: Callable[..., Expanded]) -> None:
    run = begun(start, "table: {schema}.parts")
    gate(run)
    pass_time(run)
    app = run.app("report")
    app.execute("SELECT * FROM part1")
    found = gate(run)
    assert found.verdict is BLOCKED
    assert f": report (pid {app.info.backend_pid}) of role " in found.reason
    app.rollback()


@pytest.mark.alike
@pytest.mark.parametrize("reset", ["pg_stat_reset()", "pg_stat_reset_single_table_counters('other'::regclass)"])
def test_after_a_reset_the_time_begins_anew(start: Callable[..., Expanded], reset: str) -> None:
    run = begun(start, "table: {schema}.other")
    gate(run)
    pass_time(run)
    assert gate(run).verdict is PASS
    do(run, f"SELECT {reset}")
    found = gate(run)
    assert not rests(found)
    assert "reset" in found.reason or found.verdict is BLOCKED
    assert found.passing_since is not None
    assert found.passing_since > run.subject.created_at
    pass_time(run)
    assert gate(run).verdict is PASS


def test_a_table_of_the_same_name_is_another_one(start: Callable[..., Expanded]) -> None:
    run = begun(start, "table: {schema}.parent")
    gate(run)
    pass_time(run)
    do(run, "DROP TABLE parent CASCADE; CREATE TABLE parent (id int)")
    found = gate(run)
    assert (found.verdict, found.holding) == (UNKNOWN, False)


def test_a_look_that_is_not_recorded_leaves_nothing(start: Callable[..., Expanded]) -> None:
    run = begun(start, "table: {schema}.other")
    counters = "SELECT counter, seen, moved_at FROM crossfade.counters WHERE run_id = %s ORDER BY counter"
    assert "from the first crossfade gate or contract on" in gate(run, record=False).reason
    assert run.sql(counters, [run.subject.run_id]) == []
    gate(run)
    kept = run.sql(counters, [run.subject.run_id])
    assert [name for name, _, _ in kept] == ["reads", "server", "writes"]
    do(run, "SELECT * FROM other")
    assert not rests(gate(run, record=False))
    assert run.sql(counters, [run.subject.run_id]) == kept
    assert not rests(gate(run))


def judged(run: Expanded, wanted: TableActivity, connection: psycopg.Connection[Any] | None = None) -> Judgement:
    look = run.look(Phase.EXPAND, record=False)
    return judge(observe(connection or run.connection, run.subject, wanted, look), wanted)


def test_a_relation_that_is_not_there_is_an_error_with_the_nearest_name(start: Callable[..., Expanded]) -> None:
    run = start(KEYED + OTHERS)

    def reason(**keys: str) -> str:
        found = judged(run, entry(**keys))
        assert (found.verdict, found.clear_since) == (ERROR, None)
        return found.reason

    s = run.schema
    assert reason(table=f"{s}.othr") == f"there is no table {s}.othr; did you mean {s}.other?"
    assert reason(index=f"{s}.other_dy") == f"there is no index {s}.other_dy; did you mean {s}.other_day?"
    assert reason(table="zzzzzzzz") == "there is no table zzzzzzzz"
    assert reason(table=f"{s}.seen") == f"{s}.seen is no table but a view, of which nothing is counted"
    assert reason(table=f"{s}.other_day") == f"{s}.other_day is no table but a index; write `index:` for it"
    assert reason(index=f"{s}.other") == f"{s}.other is no index but a table; write `table:` for it"


@pytest.mark.alike
def test_a_name_without_a_schema_is_looked_for_as_our_role_does_and_rights_do_not_matter(
    start: Callable[..., Expanded],
) -> None:
    run = start(KEYED + OTHERS)
    wanted = entry(table="other")
    assert judged(run, wanted).verdict is ERROR
    run.sql("DROP ROLE IF EXISTS activity_watcher; CREATE ROLE activity_watcher LOGIN")
    run.sql(f"ALTER ROLE activity_watcher SET search_path = {run.schema}")
    run.sql(
        "GRANT USAGE ON SCHEMA crossfade TO activity_watcher; GRANT SELECT ON crossfade.counters TO activity_watcher"
    )
    run.sql(f"GRANT USAGE ON SCHEMA {run.schema} TO activity_watcher")
    do(run, "SELECT * FROM other")
    with connect(run.database.server.url(run.database.name, user="activity_watcher")) as connection:
        found = judged(run, wanted, connection)
        assert found.verdict is PASS
        assert found.evidence["relation"] == f"table {run.schema}.other"
        counters = {row["counter"]: row["value"] for row in found.evidence["counters"]}
        assert counters["seq_scan"] > 0
        assert counters["n_tup_ins"] == 100
        assert (found.evidence["last_read"] is not None) == (connection.info.server_version >= 160000)


def test_what_goes_uncounted_is_no_proof(start: Callable[..., Expanded]) -> None:
    run = start(KEYED + OTHERS)
    wanted = entry(table=f"{run.schema}.other")
    run.sql(
        "DROP ROLE IF EXISTS uncounted_app; CREATE ROLE uncounted_app LOGIN;"
        "ALTER ROLE uncounted_app SET track_counts = 0"
    )
    found = judged(run, wanted)
    assert (found.verdict, found.clear_since) == (UNKNOWN, None)
    assert "what uncounted_app does is not counted" in found.reason
    run.sql("DROP ROLE uncounted_app")
    assert judged(run, wanted).verdict is PASS
    run.connection.execute("SET track_counts = off")
    assert "track_counts is off" in judged(run, wanted).reason


@pytest.mark.long
@pytest.mark.alike
def test_after_a_crash_the_time_begins_anew(server: Server) -> None:
    """On a server of its own, one session of which is killed."""
    if not isinstance(server, EmbeddedServer):
        pytest.skip("a crash is tried on servers that this suite started")
    with EmbeddedServer(server.bin_dir, settings={"synchronous_commit": "on"}) as own, fresh_database(own) as database:
        with connect(database.url) as connection:
            ledger.install(connection)
        run = expand(
            database, "g", KEYED + OTHERS, "gates: {expand: [table_activity: {table: g.child, hold: 10m}]}", ""
        )
        gate(run)
        assert rests(gate(run))
        os.kill(run.app("victim").info.backend_pid, signal.SIGKILL)
        eventually(lambda: _is_gone(run.connection), "the server has ended every session")
        run.connection.close()
        again = replace(run, connection=_reconnected(database.url))
        found = gate(again)
        assert (found.verdict, found.holding) == (UNKNOWN, False)
        assert "the server's statistics were reset" in found.reason
        again.connection.close()


def _is_gone(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def _reconnected(url: str) -> psycopg.Connection[Any]:
    made: list[psycopg.Connection[Any]] = []

    def is_up() -> bool:
        try:
            made.append(connect(url))
        except DatabaseUnreachable:
            return False
        return True

    eventually(is_up, "the server is up again")
    return made[0]
