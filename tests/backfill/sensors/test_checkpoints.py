"""Requested checkpoints of the last minute, on a table of counts and on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.checkpoints import Count, Observation, after, judge, observe

from ...fixtures.owner import eventually

if TYPE_CHECKING:
    from typing import Any

    import psycopg

    from ...fixtures.database import Database


def seen(*counts: tuple[int, float]) -> Observation:
    observation = Observation()
    for requested, at in counts:
        observation = after(observation, Count(requested=requested, at=at))
    return observation


THREE = "3 checkpoints requested in the last minute, more than 2"
CASES = [
    (seen(), 1.0, None),
    (seen((100, 0)), 1.0, None),
    (seen((100, 0), (102, 30)), 1.0, None),
    (seen((100, 0), (103, 30)), 1.0, THREE),
    (seen((100, 0), (101, 30), (103, 60)), 1.0, THREE),
    (seen((100, 0), (101, 30), (103, 61)), 1.0, None),
    (seen((100, 0), (103, 600)), 1.0, None),
    (seen((100, 0), (102, 30)), 0.8, "2 checkpoints requested in the last minute, not yet below 1.6"),
    (seen((100, 0), (3, 30)), 1.0, None),
    (seen((100, 0), (3, 30), (6, 40)), 1.0, THREE),
]


@pytest.mark.parametrize(("observation", "factor", "reason"), CASES)
def test_those_of_the_last_minute_count(observation: Observation, factor: float, reason: str | None) -> None:
    assert judge(observation, 2, factor) == reason


@pytest.mark.every_server
def test_a_requested_checkpoint_is_seen_by_any_role(watched: Database, blind: psycopg.Connection[Any]) -> None:
    history = [observe(blind, Observation())]
    watched.execute("CHECKPOINT")

    def is_seen() -> bool:
        history.append(observe(blind, history[-1]))
        return judge(history[-1], 0) == "1 checkpoint requested in the last minute, more than 0"

    eventually(is_seen, "the checkpoint to be counted")
