"""Replicas that fall behind, on a table of observations and with a real replica."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.replica_lag import Observation, Replica, judge, observe
from crossfade.postgres.connect import connect

from ...fixtures.database import fresh_database
from ...fixtures.owner import eventually
from ...fixtures.replica import replica

if TYPE_CHECKING:
    from ...fixtures.servers import Server

MB = 1024**2
FIVE = timedelta(seconds=5)


def seen(name: str = "r1", state: str | None = "streaming", lag: float | None = 0, behind: int | None = MB) -> Replica:
    return Replica(name=name, state=state, lag=None if lag is None else timedelta(seconds=lag), behind=behind)


CASES = [
    ([], 1.0, None),
    ([seen(lag=None)], 1.0, None),
    ([seen(lag=5)], 1.0, None),
    ([seen(lag=7.25)], 1.0, "replica r1 is 7.2 s behind, more than 5 s"),
    ([seen(lag=4.5)], 1.0, None),
    ([seen(lag=4.5)], 0.8, "replica r1 is 4.5 s behind, not yet below 4 s"),
    ([seen(lag=4)], 0.8, None),
    ([seen(lag=900), seen("r2", lag=9000)], 1.0, "replica r2 is 2.5 h behind, more than 5 s"),
    ([seen(lag=900, behind=0)], 1.0, None),
    ([seen(lag=900, behind=None)], 1.0, None),
    ([seen(behind=256 * MB)], 1.0, None),
    ([seen(), seen("r2", behind=300 * MB)], 1.0, "replica r2 is 300 MB of WAL behind, more than 256 MB"),
    ([seen(behind=250 * MB)], 0.8, "replica r1 is 250 MB of WAL behind, not yet below 204.8 MB"),
    ([seen(lag=6), seen("r2", "catchup", None, 3 * 1024 * MB)], 1.0, "replica r2 is catching up, 3 GB behind"),
    ([seen(lag=6, state=None)], 1.0, "replica lag cannot be read: this role needs pg_read_all_stats (or pg_monitor)"),
]


@pytest.mark.parametrize(("replicas", "factor", "reason"), CASES)
def test_the_worst_replica_is_named(replicas: list[Replica], factor: float, reason: str | None) -> None:
    assert judge(Observation(replicas=tuple(replicas)), FIVE, 256 * MB, factor) == reason


def test_each_limit_may_be_off() -> None:
    late, far = Observation(replicas=(seen(lag=60),)), Observation(replicas=(seen(behind=900 * MB),))
    assert judge(late, None, 256 * MB) is None
    assert judge(far, FIVE, None) is None


@pytest.mark.long
@pytest.mark.every_server
def test_a_replica_that_replays_late_is_named_until_it_has_caught_up(server: Server) -> None:
    limit = timedelta(milliseconds=500)
    with fresh_database(server) as database, connect(database.url) as connection, replica(server) as made:
        assert [r.name for r in observe(connection).replicas] == ["replica_1"]
        made.delay("1h")
        database.execute("CREATE TABLE t (a int)")

        def is_late() -> bool:
            database.execute("INSERT INTO t VALUES (1)")
            reason = judge(observe(connection), limit, None)
            return reason is not None and reason.startswith("replica replica_1 is ") and "more than 500 ms" in reason

        eventually(is_late, "the replica to be late")
        assert judge(observe(connection), None, 1) is not None
        made.delay("0")
        eventually(lambda: judge(observe(connection), limit, 1) is None, "the replica to catch up")
        made.stop()
        assert observe(connection) == Observation(replicas=())


@pytest.mark.every_server
def test_a_role_without_rights_is_told_what_it_needs_once_there_is_a_replica(server: Server) -> None:
    with fresh_database(server) as database:
        database.execute("CREATE ROLE blind LOGIN")
        with connect(server.url(database.name, user="blind")) as connection:
            assert judge(observe(connection), FIVE, MB) is None
            with replica(server):
                reason = judge(observe(connection), FIVE, MB)
                assert reason == "replica lag cannot be read: this role needs pg_read_all_stats (or pg_monitor)"
                database.execute("GRANT pg_monitor TO blind")
                assert [r.state for r in observe(connection).replicas] == ["streaming"]


@pytest.mark.every_server
def test_a_logical_subscriber_is_no_replica(server: Server) -> None:
    with fresh_database(server) as source, fresh_database(server) as target, connect(source.url) as connection:
        for database in (source, target):
            database.execute("CREATE TABLE t (a int PRIMARY KEY)")
        source.execute("CREATE PUBLICATION p FOR TABLE t")
        source.execute("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        target.execute(
            f"CREATE SUBSCRIPTION s CONNECTION '{source.url}' PUBLICATION p WITH (create_slot = false, slot_name = s)"
        )
        try:
            query = "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'"
            eventually(lambda: source.execute(query) == [(True,)], "the subscriber to stream")
            assert observe(connection) == Observation(replicas=())
        finally:
            target.execute("ALTER SUBSCRIPTION s DISABLE")
            target.execute("ALTER SUBSCRIPTION s SET (slot_name = NONE)")
            target.execute("DROP SUBSCRIPTION s")
