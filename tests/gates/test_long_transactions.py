"""The gate `long_transactions`: whatever is open for long blocks, and what cannot be seen is no proof."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.gates.long_transactions import Observation, Open, in_words, judge, observe
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import LongTransactions
from crossfade.postgres.connect import connect
from crossfade.postgres.server import EmbeddedServer
from crossfade.workflow import ledger

from ..fixtures.database import fresh_database
from ..fixtures.owner import eventually
from .expanded import KEYED, expand

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..fixtures.servers import Server
    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRY = LongTransactions()
LATER = timedelta(minutes=1, seconds=1)
"""After so long, whatever is open now is open for longer than a minute."""


def opened(seconds: float | None, **keys: Any) -> Open:
    since = None if seconds is None else NOW - timedelta(seconds=seconds)
    return replace(Open(pid=7, name="report", role="bob", database="shop", since=since), **keys)


def judged(*transactions: Open, entry: LongTransactions = ENTRY) -> Judgement:
    return judge(Observation(now=NOW, transactions=transactions), entry)


@pytest.mark.parametrize(
    ("transactions", "verdict"),
    [
        ([], PASS),
        ([opened(0)], PASS),
        ([opened(60)], PASS),
        # Begun after the look at the clock.
        ([opened(-1)], PASS),
        ([opened(60.1)], BLOCKED),
        ([opened(1), opened(3600), opened(1)], BLOCKED),
        ([opened(61, pid=None)], BLOCKED),
        ([opened(None)], UNKNOWN),
        ([opened(1), opened(None)], UNKNOWN),
        ([opened(61), opened(None)], BLOCKED),
    ],
)
def test_one_that_is_old_blocks_and_one_that_is_hidden_is_no_proof(transactions: list[Open], verdict: Verdict) -> None:
    assert judged(*transactions).verdict is verdict
    assert judged(*reversed(transactions)).verdict is verdict


def test_the_reason_names_the_longest_and_says_what_to_do() -> None:
    assert judged().reason == "no transaction is open for longer than 1m"
    prepared = opened(7200, pid=None, name="half-done")
    assert judged(prepared, opened(600), opened(90, name="")).reason == (
        "open for longer than 1m: prepared transaction half-done of role bob in shop, begun 2 h ago;"
        " report (pid 7) of role bob in shop, begun 10 min ago;"
        " (no application_name) (pid 7) of role bob in shop, begun 90 s ago"
    )
    assert judged(*[opened(600)] * 7).reason.endswith("begun 10 min ago and 2 more")
    assert len(judged(*[opened(600)] * 70).evidence["transactions"]) == 50
    assert judged(opened(None)).reason.startswith("1 session cannot be looked into; run: GRANT pg_read_all_stats")
    assert judged(opened(None), opened(None)).evidence["hidden"] == 2


def test_in_words_it_says_how_long() -> None:
    assert in_words(ENTRY) == "no transaction is open for longer than 1m"


def seen(run: Expanded, *, connection: psycopg.Connection[object] | None = None) -> dict[int | str, Judgement]:
    """What a minute later is said of each open transaction, by its pid, or its name if it is prepared."""
    observation = observe(connection or run.connection, run.subject, ENTRY, run.look())
    late = observation.now + LATER
    return {t.pid or t.name: judge(Observation(now=late, transactions=(t,)), ENTRY) for t in observation.transactions}


@pytest.mark.long
@pytest.mark.every_server
def test_sessions_of_every_database_are_seen_while_they_are_in_a_transaction(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    before = seen(run)
    idle, elsewhere, done = run.app("report"), run.database.connect(dbname="postgres"), run.app("done")
    quiet = run.app("autocommit", autocommit=True)
    idle.execute("SELECT count(*) FROM t")
    elsewhere.execute("SELECT 1")
    done.execute("SELECT 1")
    done.commit()
    found = {key: j for key, j in seen(run).items() if key not in before}
    assert set(found) == {idle.info.backend_pid, elsewhere.info.backend_pid}
    assert {j.verdict for j in found.values()} == {BLOCKED}
    assert f"report (pid {idle.info.backend_pid}) of role " in found[idle.info.backend_pid].reason
    assert " in postgres, begun 61 s ago" in found[elsewhere.info.backend_pid].reason
    quiet.execute("SELECT 1")
    idle.rollback()
    assert idle.info.backend_pid not in seen(run)
    elsewhere.rollback()


@pytest.mark.alike
def test_our_own_session_does_not_count_and_each_look_is_a_fresh_one(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    with run.connection.transaction():
        before = set(seen(run))
        assert run.connection.info.backend_pid not in before
        other = run.app("report")
        other.execute("SELECT 1")
        assert other.info.backend_pid in set(seen(run)) - before
        other.rollback()
        assert other.info.backend_pid not in seen(run)


@pytest.mark.alike
def test_what_a_role_may_not_look_into_is_no_proof(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("CREATE ROLE plain_watcher LOGIN; CREATE ROLE allowed_watcher LOGIN IN ROLE pg_read_all_stats")
    theirs, idle = run.app("report"), run.app("idle", autocommit=True)
    theirs.execute("SELECT 1")
    pid = theirs.info.backend_pid
    with ExitStack() as sessions:

        def session(role: str) -> psycopg.Connection[object]:
            return sessions.enter_context(connect(run.database.server.url(run.database.name, user=role)))

        plain, own, allowed = session("plain_watcher"), session("plain_watcher"), session("allowed_watcher")
        own.execute("BEGIN")
        hidden, shown = seen(run, connection=plain), seen(run, connection=allowed)
        assert hidden[pid].verdict is UNKNOWN
        # One that is idle could be in a transaction, as far as that role can tell.
        assert hidden[idle.info.backend_pid].verdict is UNKNOWN
        assert hidden[own.info.backend_pid].verdict is BLOCKED
        assert plain.info.backend_pid not in hidden
        assert shown[pid].verdict is BLOCKED
        assert idle.info.backend_pid not in shown
        # The server's own processes, of which the role may not see the kind either, are none of these.
        with run.database.connect(autocommit=True) as all_seeing:
            query = "SELECT pid FROM pg_stat_activity WHERE backend_type <> 'client backend'"
            assert not {p for (p,) in all_seeing.execute(query)} & set(hidden)
    theirs.rollback()


@pytest.mark.alike
def test_a_session_that_tells_nothing_of_itself_is_no_proof(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    mute = run.app("mute")
    mute.execute("SET track_activities = off")
    mute.commit()
    mute.execute("SELECT 1")
    assert seen(run)[mute.info.backend_pid].verdict is UNKNOWN
    mute.rollback()


def test_a_parallel_query_is_one_transaction(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    other = run.app("report")
    other.execute("SET debug_parallel_query = on")
    other.commit()
    leader = other.info.backend_pid

    def sleep() -> None:
        with pytest.raises(psycopg.errors.QueryCanceled):
            other.execute("SELECT pg_sleep(600)")

    sleeping = threading.Thread(target=sleep)
    sleeping.start()
    try:
        workers = "SELECT pid FROM pg_stat_activity WHERE leader_pid = %s"
        eventually(lambda: bool(run.sql(workers, [leader])), "the worker has begun")
        worker = run.sql(workers, [leader])[0][0]
        found = seen(run)
        assert found[leader].verdict is BLOCKED
        assert worker not in found
    finally:
        other.cancel_safe()
        sleeping.join()
    other.rollback()


@pytest.mark.long
@pytest.mark.alike
def test_a_prepared_transaction_blocks_until_it_is_over(server: Server) -> None:
    """On a server of its own, since the usual one keeps no prepared transactions."""
    if not isinstance(server, EmbeddedServer):
        pytest.skip("prepared transactions are tried on servers that this suite can configure")
    with (
        EmbeddedServer(server.bin_dir, settings={"max_prepared_transactions": 2}) as own,
        fresh_database(own) as database,
    ):
        with connect(database.url) as connection:
            ledger.install(connection)
        run = expand(database, "g", KEYED, "", "")
        app = run.app("report", autocommit=True)
        app.execute("BEGIN; UPDATE t SET other = 1; PREPARE TRANSACTION 'half-done'")
        try:
            found = seen(run)["half-done"]
            assert found.verdict is BLOCKED
            assert found.reason.startswith("open for longer than 1m: prepared transaction half-done of role ")
            assert found.evidence["transactions"][0]["pid"] is None
        finally:
            app.execute("ROLLBACK PREPARED 'half-done'")
        assert "half-done" not in seen(run)
        run.connection.close()


def test_in_front_of_a_phase_it_is_held_as_long_as_it_says(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "gates: {expand: [long_transactions: {older_than: 90d, hold: 1h}]}")

    def verdict() -> tuple[Verdict, bool]:
        (gate,) = run.evaluate(Phase.EXPAND).gates
        return gate.verdict, gate.holding

    assert verdict() == (BLOCKED, True)
    run.sql("UPDATE crossfade.passing SET since = since - interval '1 h' WHERE run_id = %s", [run.subject.run_id])
    assert verdict() == (PASS, False)
    mute = run.app("mute", autocommit=True)
    mute.execute("SET track_activities = off")
    assert verdict() == (UNKNOWN, False)
    mute.close()
    eventually(lambda: verdict() != (UNKNOWN, False), "the session is gone")
    assert verdict() == (BLOCKED, True)
