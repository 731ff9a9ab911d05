"""The brake, on a table of rows and from a real one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.brake import Observation, judge, observe

if TYPE_CHECKING:
    from typing import Any

    import psycopg

    from ...fixtures.database import Database

SINCE = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
CASES = [
    (Observation(is_on=False, reason="over", actor="ann", since=SINCE), None),
    (
        Observation(is_on=True, reason="incident 42", actor="ann", since=SINCE),
        "the brake is on since 2026-11-24 09:30 UTC by ann: incident 42",
    ),
    (Observation(is_on=True, reason=None, actor=None, since=None), "the brake is on"),
]


@pytest.mark.parametrize(("observation", "reason"), CASES)
def test_the_reason_says_who_and_why(observation: Observation, reason: str | None) -> None:
    assert judge(observation) == reason


@pytest.mark.every_server
def test_the_row_of_the_ledger(watched: Database, sensing: psycopg.Connection[Any]) -> None:
    watched.execute(BRAKE)
    assert observe(sensing) is None
    watched.execute("INSERT INTO crossfade.brake VALUES (true, 'incident 42', 'ann', '2026-11-24 10:30+01')")
    assert observe(sensing) == Observation(is_on=True, reason="incident 42", actor="ann", since=SINCE)


BRAKE = "CREATE SCHEMA crossfade; CREATE TABLE crossfade.brake (is_on bool, reason text, actor text, since timestamptz)"
