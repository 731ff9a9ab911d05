"""Old transactions beside many dead rows, on a table of observations and with real ones."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors import dead_rows
from crossfade.backfill.sensors.old_snapshots import Holder, Observation, judge, observe
from crossfade.postgres.names import QualifiedName

from ...fixtures.owner import eventually

if TYPE_CHECKING:
    from typing import Any

    import psycopg

    from ...fixtures.database import Database

T = QualifiedName("public", "t")
TEN_MINUTES = timedelta(minutes=10)
UNREADABLE = "old snapshots cannot be read: this role needs pg_read_all_stats (or pg_monitor)"


def relation(live: int, dead: int) -> dead_rows.Relation:
    return dead_rows.Relation(schema="public", name="t", live=live, dead=dead, is_due=False, is_vacuumed=False)


BLOATED = relation(700_000, 300_000)


def old(minutes: float, detail: str | None = "psql") -> Holder:
    return Holder(holder="session 7", detail=detail, age=timedelta(minutes=minutes))


def look(connection: psycopg.Connection[Any], own: list[int]) -> Observation:
    return observe(connection, dead_rows.observe(connection, [T]), own)


CASES = [
    (Observation(), 1.0, None),
    (Observation(relation=relation(800_000, 200_000), oldest=old(60)), 1.0, None),
    (Observation(relation=relation(10_000, 90_000), oldest=old(60)), 1.0, None),
    (Observation(relation=BLOATED), 1.0, None),
    (Observation(relation=BLOATED, oldest=old(10)), 1.0, None),
    (
        Observation(relation=BLOATED, oldest=old(10.5)),
        1.0,
        "session 7 (psql) is 10.5 min old, more than 10 min, and keeps dead rows: 30 % of public.t are dead",
    ),
    (
        Observation(relation=BLOATED, oldest=old(9, ""), may_see=False),
        0.8,
        "session 7 is 9 min old, not yet below 8 min, and keeps dead rows: 30 % of public.t are dead",
    ),
    (Observation(relation=BLOATED, oldest=old(8)), 0.8, None),
    (Observation(relation=BLOATED, may_see=False), 1.0, UNREADABLE),
    (Observation(relation=BLOATED, oldest=old(1), may_see=False), 1.0, UNREADABLE),
    (Observation(relation=relation(800_000, 200_000), may_see=False), 1.0, None),
]


@pytest.mark.parametrize(("observation", "factor", "reason"), CASES)
def test_the_oldest_transaction_is_named(observation: Observation, factor: float, reason: str | None) -> None:
    assert judge(observation, TEN_MINUTES, factor) == reason


@pytest.mark.every_server
def test_sessions_and_prepared_transactions_hold_dead_rows(
    watched: Database, sensing: psycopg.Connection[Any], blind: psycopg.Connection[Any]
) -> None:
    reader, writer = watched.connect(application_name="report"), watched.connect()
    reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
    watched.execute("CREATE TABLE t AS SELECT FROM generate_series(1, 250000)")
    assert look(sensing, []).oldest is None, "nobody is looked for while few rows are dead"
    watched.execute("DELETE FROM t WHERE random() < 0.6")
    eventually(lambda: judge(look(sensing, []), timedelta(0)) is not None, "the statistics to arrive")
    reason = judge(look(sensing, []), timedelta(0))
    assert reason is not None
    assert reason.startswith(f"session {reader.info.backend_pid} (report) is ")
    assert judge(look(sensing, []), TEN_MINUTES) is None
    assert judge(look(blind, []), TEN_MINUTES) == UNREADABLE

    writer.execute("CREATE TABLE written ()")
    writer.execute("PREPARE TRANSACTION 'half-done'")
    try:
        seen = look(sensing, [reader.info.backend_pid])
        assert seen.oldest is not None
        assert (seen.oldest.holder, seen.oldest.detail) == ("prepared transaction half-done", "crossfade")
        assert str(judge(look(blind, []), timedelta(0))).startswith("prepared transaction half-done")
    finally:
        watched.connect(autocommit=True).execute("ROLLBACK PREPARED 'half-done'")
    writer.rollback()
    assert look(sensing, [reader.info.backend_pid]).oldest is None
    reader.rollback()
    writer.execute("SELECT 1")
    assert look(sensing, []).oldest is None, "an open transaction that sees nothing and has written nothing"


@pytest.mark.every_server
def test_a_vacuum_holds_nothing_back_and_is_seen_at_work(watched: Database, sensing: psycopg.Connection[Any]) -> None:
    watched.execute("CREATE TABLE t AS SELECT FROM generate_series(1, 250000)")
    watched.execute("DELETE FROM t WHERE random() < 0.6")
    eventually(lambda: dead_rows.observe(sensing, [T]).relations[0].share > 0.5, "the statistics to arrive")
    vacuuming = watched.connect(autocommit=True)
    vacuuming.execute("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1")
    vacuuming.pgconn.send_query(b"VACUUM t")
    eventually(lambda: dead_rows.observe(sensing, [T]).relations[0].is_vacuumed, "the vacuum to begin")
    assert look(sensing, []).oldest is None
    assert str(dead_rows.judge(dead_rows.observe(sensing, [T]), 30)).endswith("; a vacuum is at work")
    watched.execute("SELECT pg_terminate_backend(%s, 5000)", [vacuuming.info.backend_pid])
