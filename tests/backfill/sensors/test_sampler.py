"""One look through all sensors: which are on, how one fails, and what a lost connection is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.backfill.sensors.reading import Reading, Sensor
from crossfade.backfill.sensors.sampler import Sampler
from crossfade.plan.throttles import Throttles
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName

from ...fixtures.owner import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...fixtures.database import Database

BRAKE = "CREATE SCHEMA crossfade; CREATE TABLE crossfade.brake (is_on bool, reason text, actor text, since timestamptz)"
BY_DEFAULT = {
    Sensor.BRAKE,
    Sensor.BLOCKED,
    Sensor.REPLICA_LAG,
    Sensor.SLOTS,
    Sensor.ARCHIVE,
    Sensor.OLD_SNAPSHOTS,
    Sensor.DEAD_ROWS,
}
ALL_OFF = dict.fromkeys(Throttles.model_fields, "off")


@pytest.fixture
def sampler(database: Database) -> Callable[..., Sampler]:
    database.execute(BRAKE)
    database.execute("CREATE TABLE public.t AS SELECT 1 AS a; CREATE ROLE plain LOGIN")
    database.execute("GRANT USAGE ON SCHEMA crossfade TO plain; GRANT SELECT ON crossfade.brake TO plain")

    def make(user: str | None = None, own: tuple[int, ...] = (), **limits: Any) -> Sampler:
        url = database.server.url(database.name, user=user) if user else database.url
        relations = [QualifiedName("public", "t")]
        return Sampler(lambda: connect(url), Throttles.model_validate(limits), relations, lambda: own)

    return make


@pytest.mark.every_server
@pytest.mark.parametrize("user", [None, "plain"])
def test_a_quiet_server_gives_no_reason_whatever_the_role(sampler: Callable[..., Sampler], user: str | None) -> None:
    watching = sampler(user)
    with watching.connect() as connection:
        readings = watching.sample(connection)
    assert set(readings) == BY_DEFAULT
    assert set(readings.values()) == {Reading()}


@pytest.mark.every_server
def test_every_sensor_can_be_on_or_off_and_limits_change_while_it_runs(sampler: Callable[..., Sampler]) -> None:
    watching = sampler(max_active_sessions=90, max_checkpoints=60, throttle_sql="SELECT 0")
    with watching.connect() as connection:
        readings = watching.sample(connection)
        assert set(readings) == set(Sensor) - {Sensor.HTTP}
        assert {r.over for r in readings.values()} == {None}
        watching.limits = Throttles.model_validate({**ALL_OFF, "throttle_http": "http://localhost:1/"})
        readings = watching.sample(connection)
    assert set(readings) == {Sensor.BRAKE, Sensor.HTTP}
    assert readings[Sensor.HTTP].over == readings[Sensor.HTTP].near
    assert str(readings[Sensor.HTTP].over).startswith("throttle_http cannot be read: http://localhost:1/: ")


def test_a_sensor_that_fails_says_so_and_the_others_go_on(database: Database, sampler: Callable[..., Sampler]) -> None:
    watching = sampler(throttle_sql="SELECT 1 / 0", max_active_sessions=90)
    database.execute("DROP TABLE crossfade.brake")
    with watching.connect() as connection:
        readings = watching.sample(connection)
    assert readings[Sensor.SQL] == Reading(
        over="throttle_sql cannot be read: division by zero", near="throttle_sql cannot be read: division by zero"
    )
    assert readings[Sensor.BRAKE].over == 'brake cannot be read: relation "crossfade.brake" does not exist'
    assert {s for s, r in readings.items() if r.over} == {Sensor.SQL, Sensor.BRAKE}


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"throttle_sql": "SELECT pg_catalog.pg_sleep(20)"}, "canceling statement due to statement timeout"),
        ({"throttle_sql": "SELECT a FROM public.t"}, "permission denied for table t"),
        ({"max_active_sessions": 90}, "this role needs pg_read_all_stats (or pg_monitor)"),
    ],
)
def test_what_a_role_may_not_see_and_what_takes_too_long(
    database: Database, sampler: Callable[..., Sampler], limits: dict[str, Any], reason: str
) -> None:
    watching = sampler("plain", **ALL_OFF | limits)
    database.connect().execute("SELECT 1")  # the session of another role, which stays open
    with watching.connect() as connection:
        readings = watching.sample(connection)
        reasons = [r.over for r in readings.values() if r.over]
        assert len(reasons) == 1
        assert reasons[0].endswith(f" cannot be read: {reason}")
        assert connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


def test_a_lost_connection_is_for_whoever_owns_it(database: Database, sampler: Callable[..., Sampler]) -> None:
    watching = sampler(throttle_sql="SELECT 0")
    with watching.connect() as connection:
        database.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            watching.sample(connection)


def test_our_sessions_that_hold_others_up_are_given_to_be_cancelled(
    database: Database, sampler: Callable[..., Sampler]
) -> None:
    batch, other = database.connect(), database.connect(autocommit=True)
    watching = sampler(own=(batch.info.backend_pid,), max_blocked="10ms")
    batch.execute("UPDATE public.t SET a = a")
    other.execute("SET lock_timeout = '60s'")
    with watching.connect() as connection:
        other.pgconn.send_query(b"UPDATE public.t SET a = a")
        eventually(lambda: watching.sample(connection)[Sensor.BLOCKED].over is not None, "a waiter")
        reading = watching.sample(connection)[Sensor.BLOCKED]
        assert reading.blockers == (batch.info.backend_pid,)
        assert reading.near is not None
        batch.rollback()
        eventually(lambda: watching.sample(connection)[Sensor.BLOCKED] == Reading(), "nobody to wait")
