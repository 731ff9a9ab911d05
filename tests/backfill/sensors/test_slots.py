"""Replication slots that retain too much, on a table of observations and on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.slots import Observation, Slot, judge, observe

if TYPE_CHECKING:
    from typing import Any

    import psycopg

    from ...fixtures.database import Database

MB = 1024**2


def seen(name: str = "s1", status: str | None = "reserved", retained: int | None = 0, may: int = 100 * MB) -> Slot:
    return Slot(name=name, wal_status=status, retained=retained, may_retain=may)


CASES = [
    ([], 1.0, None),
    ([seen(retained=50 * MB)], 1.0, None),
    (
        [seen(), seen("s2", retained=60 * MB)],
        1.0,
        "replication slot s2 retains 60 MB of WAL, more than 50 % of max_slot_wal_keep_size (100 MB)",
    ),
    (
        [seen(retained=45 * MB)],
        0.8,
        "replication slot s1 retains 45 MB of WAL, not yet below 40 % of max_slot_wal_keep_size (100 MB)",
    ),
    ([seen(retained=40 * MB)], 0.8, None),
    ([seen(status="extended", retained=10 * MB)], 1.0, None),
    ([seen(retained=900 * MB, may=-1 * MB)], 1.0, None),
    ([seen(retained=900 * MB, may=0)], 1.0, None),
    (
        [seen(retained=60 * MB), seen("s2", "unreserved", 10 * MB)],
        1.0,
        "replication slot s2 is about to be lost: 10 MB of WAL retained",
    ),
    ([seen(status="lost", retained=None)], 1.0, None),
    ([seen(status="lost", retained=90 * MB)], 1.0, None),
    ([seen(status=None, retained=None)], 1.0, None),
]


@pytest.mark.parametrize(("slots", "factor", "reason"), CASES)
def test_the_worst_slot_is_named(slots: list[Slot], factor: float, reason: str | None) -> None:
    assert judge(Observation(slots=tuple(slots)), 50, factor) == reason


@pytest.mark.long
@pytest.mark.every_server
def test_a_slot_retains_and_is_lost(
    watched: Database, sensing: psycopg.Connection[Any], blind: psycopg.Connection[Any]
) -> None:
    assert observe(sensing).slots == ()
    watched.execute("SELECT pg_create_physical_replication_slot('kept', true)")
    try:
        assert judge(observe(sensing), 50) is None
        _write_segments(watched, 5)
        reason = judge(observe(blind), 50)
        assert reason is not None
        assert reason.startswith("replication slot kept retains ")
        assert reason.endswith(" of WAL, more than 50 % of max_slot_wal_keep_size (128 MB)")
        _write_segments(watched, 5)
        assert str(judge(observe(sensing), 50)).startswith("replication slot kept is about to be lost: ")
        watched.execute("CHECKPOINT")
        assert [s.wal_status for s in observe(sensing).slots] == ["lost"]
        assert judge(observe(sensing), 50) is None
    finally:
        watched.execute("SELECT pg_drop_replication_slot('kept')")


@pytest.mark.every_server
def test_without_a_limit_there_is_no_share(database: Database) -> None:
    from crossfade.postgres.connect import connect

    with connect(database.url) as connection:
        database.execute("SELECT pg_create_physical_replication_slot('unlimited', true)")
        try:
            (slot,) = observe(connection).slots
        finally:
            database.execute("SELECT pg_drop_replication_slot('unlimited')")
    assert slot.may_retain < 0
    assert judge(Observation(slots=(slot,)), 1) is None


def _write_segments(database: Database, number: int) -> None:
    for _ in range(number):
        database.execute("SELECT pg_logical_emit_message(true, 'test', 'x')")
        database.execute("SELECT pg_switch_wal()")
