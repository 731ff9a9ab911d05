"""Whether a backfill waits, and the one reason for it: a pure state machine over what the sensors say.

Waiting begins at once with the first sensor that is over its limit. It ends after every sensor has been well below its
limit for `CALM_SECONDS`, so that a value around the limit does not stop and start the batches; the brake alone ends at
once. Of several reasons the first in the order of `Sensor` is the one that is named.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crossfade.backfill.sensors.reading import Reading, Sensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

CALM_SECONDS = 5.0
"""How long every sensor has to be well below its limit before batches go on."""
STALE_SECONDS = 5.0
"""Readings that are older than this say nothing."""

_OTHERS = tuple(s for s in Sensor if s is not Sensor.BRAKE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A sensor, and why it makes the batches wait."""

    sensor: Sensor
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """The state after the latest readings. Before the first there is nothing to wait for, and nothing known either."""

    brake: Cause | None = None
    other: Cause | None = None
    """What there is to wait for besides, remembered while the brake is on."""
    calm_since: float | None = None
    """Since when every sensor has been well below its limit while batches still wait; monotonic, in seconds."""
    sampled_at: float | None = None
    """When the latest readings were taken; monotonic, in seconds."""

    @property
    def cause(self) -> Cause | None:
        """The sensor and its reason. Measured values change the reason at every sample; the sensor stays."""
        return self.brake or self.other

    @property
    def reason(self) -> str | None:
        """Why to wait, in words; None to go on."""
        return None if self.cause is None else self.cause.reason

    def after(self, readings: Mapping[Sensor, Reading], now_monotonic: float) -> Throttle:
        """The state after one more sample, taken at this moment."""
        sampled = Throttle(brake=_first(readings, (Sensor.BRAKE,), _over), sampled_at=now_monotonic)
        over = _first(readings, _OTHERS, _over)
        if over is not None or self.other is None:
            return replace(sampled, other=over)
        near = _first(readings, _OTHERS, _near)
        if near is not None:
            return replace(sampled, other=near)
        calm_since = now_monotonic if self.calm_since is None else self.calm_since
        if now_monotonic - calm_since >= CALM_SECONDS:
            return sampled
        return replace(sampled, other=self.other, calm_since=calm_since)

    def reason_at(self, now_monotonic: float) -> str | None:
        """Why to wait at this moment: as `reason`, but readings that are too old are a reason too."""
        if self.reason is None and self.sampled_at is not None and now_monotonic - self.sampled_at > STALE_SECONDS:
            return f"the throttles have not been read for {now_monotonic - self.sampled_at:.0f} s"
        return self.reason


def _first(
    readings: Mapping[Sensor, Reading], sensors: Iterable[Sensor], reason_of: Callable[[Reading], str | None]
) -> Cause | None:
    reasons = ((s, reason_of(readings[s])) for s in sensors if s in readings)
    return next((Cause(sensor=s, reason=reason) for s, reason in reasons if reason is not None), None)


def _over(reading: Reading) -> str | None:
    return reading.over


def _near(reading: Reading) -> str | None:
    return reading.near
