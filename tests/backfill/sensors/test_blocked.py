"""Sessions that wait for a batch of ours, on a table of observations and with real ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.blocked import Observation, Waiter, blockers, judge, observe

from ...fixtures.owner import eventually

if TYPE_CHECKING:
    from typing import Any

    import psycopg

    from ...fixtures.database import Database

LIMIT = timedelta(milliseconds=250)


def seen(pid: int, milliseconds: float | None, ours: int = 1, application: str | None = "api") -> Waiter:
    waited = None if milliseconds is None else timedelta(milliseconds=milliseconds)
    return Waiter(pid=pid, application=application, waited=waited, blockers=[ours])


CASES = [
    ([], 1.0, None, ()),
    ([seen(7, 250)], 1.0, None, ()),
    ([seen(7, None)], 1.0, None, ()),
    ([seen(7, 251)], 1.0, "session 7 (api) has waited 251 ms for a batch, more than 250 ms", (1,)),
    ([seen(7, 1500, application="")], 1.0, "session 7 has waited 1.5 s for a batch, more than 250 ms", (1,)),
    (
        [seen(7, 251, 2), seen(8, 900), seen(9, 100, 3)],
        1.0,
        "session 8 (api) has waited 900 ms for a batch, more than 250 ms; 2 more wait",
        (1, 2),
    ),
    ([seen(7, 220)], 0.8, "session 7 (api) has waited 220 ms for a batch, not yet below 200 ms", ()),
    ([seen(7, 200)], 0.8, None, ()),
]


@pytest.mark.parametrize(("waiters", "factor", "reason", "ours"), CASES)
def test_who_waits_too_long_is_named(
    waiters: list[Waiter], factor: float, reason: str | None, ours: tuple[int, ...]
) -> None:
    observation = Observation(waiters=tuple(waiters))
    assert judge(observation, LIMIT, factor) == reason
    assert blockers(observation, LIMIT) == ours


@pytest.mark.every_server
def test_a_session_that_waits_for_ours_is_seen_by_any_role(
    watched: Database, sensing: psycopg.Connection[Any], blind: psycopg.Connection[Any]
) -> None:
    watched.execute("CREATE TABLE t AS SELECT 1 AS a")
    batch, other = watched.connect(), watched.connect(application_name="api")
    second = watched.connect(application_name="job")
    ours = batch.info.backend_pid
    batch.execute("UPDATE t SET a = a")
    with ThreadPoolExecutor() as threads:
        try:
            waiting = threads.submit(other.execute, "UPDATE t SET a = a")
            eventually(lambda: len(observe(sensing, [ours]).waiters) == 1, "a waiter")
            eventually(lambda: judge(observe(blind, [ours]), LIMIT) is not None, "a long wait")
            reason = judge(observe(blind, [ours]), LIMIT)
            assert reason is not None
            assert reason.startswith(f"session {other.info.backend_pid} (api) has waited ")
            assert blockers(observe(sensing, [ours, 0]), LIMIT) == (ours,)
            assert observe(sensing, []).waiters == ()
            assert observe(sensing, [second.info.backend_pid]).waiters == ()
            assert observe(sensing, [ours, other.info.backend_pid]).waiters == (), "who is ours waits for nobody"
        finally:
            batch.rollback()
        waiting.result(60)
    assert observe(sensing, [ours]).waiters == ()
