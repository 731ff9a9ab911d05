"""Sessions of others at work, on a table of observations and with real ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.active_sessions import Observation, judge, observe

from ...fixtures.owner import eventually

if TYPE_CHECKING:
    from typing import Any

    import psycopg

    from ...fixtures.database import Database

UNREADABLE = "active sessions cannot be read: this role needs pg_read_all_stats (or pg_monitor)"
CASES = [
    (0, 0, 1.0, None),
    (10, 0, 1.0, None),
    (11, 0, 1.0, "11 active sessions, more than 10"),
    (11, 3, 1.0, "11 active sessions, more than 10"),
    (9, 0, 0.8, "9 active sessions, not yet below 8"),
    (8, 0, 0.8, None),
    (0, 1, 1.0, UNREADABLE),
]


@pytest.mark.parametrize(("active", "hidden", "factor", "reason"), CASES)
def test_too_many_are_counted(active: int, hidden: int, factor: float, reason: str | None) -> None:
    assert judge(Observation(active=active, hidden=hidden), 10, factor) == reason


@pytest.mark.long
@pytest.mark.every_server
def test_only_sessions_of_others_that_are_at_work_count(
    watched: Database, sensing: psycopg.Connection[Any], blind: psycopg.Connection[Any]
) -> None:
    busy, idle = watched.connect(), watched.connect()
    idle.execute("SELECT 1")
    assert observe(sensing, []) == Observation(active=0, hidden=0)
    with ThreadPoolExecutor() as threads:
        sleeping = threads.submit(busy.execute, "SELECT pg_sleep(600)")
        try:
            eventually(lambda: observe(sensing, []).active == 1, "a session at work")
            assert observe(sensing, [busy.info.backend_pid]).active == 0
            assert judge(observe(blind, []), 1) == UNREADABLE
        finally:
            watched.execute("SELECT pg_cancel_backend(%s)", [busy.info.backend_pid])
        assert sleeping.exception(60) is not None


@pytest.mark.every_server
def test_the_servers_own_processes_are_no_sessions(blind: psycopg.Connection[Any]) -> None:
    # A session of the test before may be about to end.
    eventually(lambda: observe(blind, []) == Observation(active=0, hidden=0), "nobody but the server itself")
