"""A WAL archive that falls behind, on a table of observations and on a real server whose archive_command fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.archive import Observation, judge, observe
from crossfade.postgres.connect import connect

from ...fixtures.owner import eventually

if TYPE_CHECKING:
    from typing import Any

    import psycopg

    from ...fixtures.database import Database

MB = 1024**2


def seen(
    archived: str | None = None,
    failed: str | None = None,
    *,
    segments: int = 0x105,
    segment: int = 16 * MB,
    fails: bool = False,
) -> Observation:
    """`segments` of WAL are finished; the one after has begun."""
    written = segments * segment + 42
    return Observation(last_archived=archived, last_failed=failed, fails=fails, written=written, segment=segment)


FULL = "000000010000000100000004"
"""The segment number 0x104: the last that is finished."""
BEHIND = "0000000100000000000000DB"
"""0xDB: 0x29 = 41 segments less."""

CASES = [
    (seen(), 1.0, None),
    (seen(FULL), 1.0, None),
    (seen("0000000100000001000000FF"), 1.0, None),
    (seen("0000000100000000000000DC"), 1.0, None),
    (seen(BEHIND), 1.0, "656 MB of WAL (41 files) wait to be archived, more than 640 MB"),
    (
        seen(BEHIND, FULL, fails=True),
        1.0,
        "656 MB of WAL (41 files) wait to be archived, more than 640 MB; the last attempt to archive failed",
    ),
    (seen("0000000100000000000000DE"), 0.8, "608 MB of WAL (38 files) wait to be archived, not yet below 512 MB"),
    (seen("0000000100000000000000E4"), 0.8, None),
    (seen("0000000700000000000000DB.partial"), 1.0, "656 MB of WAL (41 files) wait to be archived, more than 640 MB"),
    (seen("0000000100000000000000DB.00000028.backup"), 1.0, judge(seen(BEHIND), 640 * MB)),
    (seen("00000002.history"), 1.0, None),
    (
        seen("00000002.history", "0000000100000000000000DC", fails=True),
        1.0,
        "656 MB of WAL (41 files) wait to be archived, more than 640 MB; the last attempt to archive failed",
    ),
    (seen(failed="000000010000000100000004", fails=True), 1.0, None),
    (seen("000000010000000000000002", segments=4, segment=1024 * MB), 1.0, None),
    (
        seen("000000010000000000000001", segments=4, segment=1024 * MB),
        1.0,
        "2 GB of WAL (2 files) wait to be archived, more than 640 MB",
    ),
    (seen("000000010000000000000003", segments=4, segment=1024 * MB), 1.0, None),
    (
        seen("000000010000000000000003", segments=6, segment=1024 * MB),
        1.0,
        "2 GB of WAL (2 files) wait to be archived, more than 640 MB",
    ),
]


@pytest.mark.parametrize(("observation", "factor", "reason"), CASES)
def test_segments_that_wait_are_counted(observation: Observation, factor: float, reason: str | None) -> None:
    assert judge(observation, 640 * MB, factor) == reason


@pytest.mark.every_server
def test_an_archive_command_that_fails_makes_a_backlog(
    watched: Database, sensing: psycopg.Connection[Any], blind: psycopg.Connection[Any]
) -> None:
    for _ in range(4):
        watched.execute("SELECT pg_logical_emit_message(true, 'test', 'x')")
        watched.execute("SELECT pg_switch_wal()")
    eventually(lambda: judge(_on(sensing), 48 * MB) is not None, "the archiver to fail")
    for connection in (sensing, blind):
        reason = judge(_on(connection), 48 * MB)
        assert reason is not None
        assert "wait to be archived, more than 48 MB; the last attempt to archive failed" in reason
    assert judge(_on(sensing), 100_000 * MB) is None


@pytest.mark.every_server
def test_where_nothing_is_archived_there_is_nothing_to_see(database: Database) -> None:
    with connect(database.url) as connection:
        assert observe(connection) is None


def _on(connection: psycopg.Connection[Any]) -> Observation:
    seen = observe(connection)
    assert seen is not None
    return seen
