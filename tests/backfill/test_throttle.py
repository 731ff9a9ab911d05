"""Replica lag as a reason in words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.backfill.throttle import replica_lag
from crossfade.postgres.connect import connect

if TYPE_CHECKING:
    from ..fixtures.database import Database

LIMIT = timedelta(seconds=5)


@pytest.mark.every_server
def test_where_nothing_streams_nothing_lags(shared: Database) -> None:
    with connect(shared.url) as connection:
        assert replica_lag(connection, LIMIT) is None


@pytest.mark.every_server
def test_a_role_that_may_not_see_the_lag_is_told_what_it_needs_and_waits(shared: Database) -> None:
    shared.execute("CREATE ROLE blind LOGIN")
    with connect(shared.server.url(shared.name, user="blind")) as connection:
        assert replica_lag(connection, LIMIT) == (
            "replica lag cannot be read: this role needs pg_read_all_stats (or pg_monitor)"
        )
        shared.execute("GRANT pg_monitor TO blind")
        assert replica_lag(connection, LIMIT) is None


def test_a_sensor_that_fails_is_a_reason_to_wait(shared: Database) -> None:
    with connect(shared.url) as connection, connection.transaction(force_rollback=True):
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT FROM nothing")
        reason = replica_lag(connection, LIMIT)
    assert reason is not None
    assert reason.startswith("replica lag cannot be read: ")


def test_a_lost_connection_is_for_whoever_owns_it(shared: Database) -> None:
    with connect(shared.url) as connection, shared.connect(autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            replica_lag(connection, LIMIT)
