"""When batches wait and for which reason: the state machine, sample by sample."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.reading import Reading, Sensor
from crossfade.backfill.throttle import CALM_SECONDS, STALE_SECONDS, Cause, Throttle

if TYPE_CHECKING:
    from collections.abc import Mapping


LIMIT = timedelta(seconds=5)
LAG, DEAD, BRAKE = Sensor.REPLICA_LAG, Sensor.DEAD_ROWS, Sensor.BRAKE
CALM = Reading()


def over(what: str) -> Reading:
    return Reading(over=f"{what} over", near=f"{what} near")


def near(what: str) -> Reading:
    return Reading(near=f"{what} near")


# Each case: samples as (second, readings, the reason after it).
Samples = list[tuple[float, dict[Sensor, Reading], str | None]]
CASES: dict[str, Samples] = {
    "nothing to wait for": [(0, {LAG: CALM, DEAD: CALM}, None), (1, {}, None)],
    "near a limit is not over it": [(0, {LAG: near("lag")}, None)],
    "begins at once": [(0, {LAG: CALM}, None), (0.1, {LAG: over("lag")}, "lag over")],
    "ends after five calm seconds": [
        (0, {LAG: over("lag")}, "lag over"),
        (1, {LAG: CALM}, "lag over"),
        (5.9, {LAG: CALM}, "lag over"),
        (6, {LAG: CALM}, None),
        (7, {LAG: CALM}, None),
    ],
    "near the limit it goes on": [
        (0, {LAG: over("lag")}, "lag over"),
        (60, {LAG: near("lag")}, "lag near"),
        (120, {LAG: near("lag")}, "lag near"),
        (121, {LAG: CALM}, "lag near"),
        (126, {LAG: CALM}, None),
    ],
    "calm seconds have to be in a row": [
        (0, {LAG: over("lag")}, "lag over"),
        (1, {LAG: CALM}, "lag over"),
        (5, {LAG: near("lag")}, "lag near"),
        (6, {LAG: CALM}, "lag near"),
        (10.9, {LAG: CALM}, "lag near"),
        (11, {LAG: CALM}, None),
    ],
    "a relapse begins anew": [
        (0, {LAG: over("lag")}, "lag over"),
        (1, {LAG: CALM}, "lag over"),
        (5, {LAG: over("lag")}, "lag over"),
        (6, {LAG: CALM}, "lag over"),
        (10, {LAG: CALM}, "lag over"),
        (11, {LAG: CALM}, None),
    ],
    "every sensor has to be calm": [
        (0, {LAG: over("lag"), DEAD: near("dead")}, "lag over"),
        (1, {LAG: CALM, DEAD: near("dead")}, "dead near"),
        (30, {LAG: CALM, DEAD: CALM}, "dead near"),
        (35, {LAG: CALM, DEAD: CALM}, None),
    ],
    "what is over goes before what is near": [
        (0, {LAG: over("lag"), DEAD: CALM}, "lag over"),
        (1, {LAG: near("lag"), DEAD: over("dead")}, "dead over"),
        (2, {LAG: near("lag"), DEAD: near("dead")}, "lag near"),
    ],
    "a sensor that is switched off is calm": [
        (0, {LAG: over("lag")}, "lag over"),
        (1, {}, "lag over"),
        (6, {}, None),
    ],
    "the brake ends at once": [
        (0, {BRAKE: over("brake")}, "brake over"),
        (1, {BRAKE: CALM}, None),
    ],
    "the brake hides what is still there": [
        (0, {LAG: over("lag")}, "lag over"),
        (1, {LAG: CALM, BRAKE: over("brake")}, "brake over"),
        (2, {LAG: CALM, BRAKE: CALM}, "lag over"),
        (6, {LAG: CALM, BRAKE: CALM}, None),
    ],
    "other sensors calm down under the brake": [
        (0, {LAG: over("lag"), BRAKE: over("brake")}, "brake over"),
        (1, {LAG: CALM, BRAKE: over("brake")}, "brake over"),
        (6, {LAG: CALM, BRAKE: over("brake")}, "brake over"),
        (7, {LAG: near("lag"), BRAKE: CALM}, None),
    ],
    "a sensor that fails is a reason like any other": [
        (0, {LAG: Reading.unreadable(LAG, "no rights")}, "replica lag cannot be read: no rights"),
        (1, {LAG: CALM}, "replica lag cannot be read: no rights"),
        (6, {LAG: CALM}, None),
    ],
}


@pytest.mark.parametrize("samples", CASES.values(), ids=CASES)
def test_the_reason_after_each_sample(samples: Samples) -> None:
    throttle = Throttle()
    for at, readings, reason in samples:
        throttle = throttle.after(readings, 1000 + at)
        assert (at, throttle.reason) == (at, reason)


@pytest.mark.parametrize("n", range(len(Sensor)))
def test_the_first_in_the_fixed_order_is_named(n: int) -> None:
    order = list(Sensor)
    readings: Mapping[Sensor, Reading] = {s: over(s) for s in reversed(order[n:])}
    assert Throttle().after(readings, 0).cause == Cause(sensor=order[n], reason=f"{order[n]} over")


def test_the_order_is_fixed() -> None:
    assert [s.name.lower() for s in Sensor] == [
        *("brake", "http", "sql", "blocked", "replica_lag", "slots", "archive", "active_sessions"),
        *("old_snapshots", "dead_rows", "checkpoints"),
    ]


def test_readings_that_are_too_old_are_a_reason_too() -> None:
    assert Throttle().reason_at(1e9) is None, "nothing has been read yet: whoever begins reads first"
    calm = Throttle().after({LAG: CALM}, 100)
    assert calm.reason_at(100 + STALE_SECONDS) is None
    assert calm.reason_at(112) == "the throttles have not been read for 12 s"
    assert Throttle().after({LAG: over("lag")}, 100).reason_at(112) == "lag over"
    assert CALM_SECONDS == 5
