"""When the rows will be done: as likely as not, and in nine cases of ten; or why that cannot be known. Pure.

The rate is that of the time in which batches were done: pauses, throttles and closed hours are no part of it, so it
does not fall while nothing happens. What is left is divided by it, stretched by the share of the time that was
throttled lately, and walked through the hours in which batches may run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

FEWEST_BATCHES = 20
"""With fewer there is nothing to judge by."""
LEAST_FRACTION = 0.005
"""With less done neither."""
_ROLLING = 5
"""Intervals whose mean is one sample of the rate; a single one may be a single batch."""
_HALF_LIFE = 5
"""Intervals after which a rate counts half."""
_SLOW = 0.1
"""The quantile of the rate that is as slow as one case in ten."""
_MOST_THROTTLED = 0.99


class Opening(Protocol):
    """The hours in which batches may run."""

    def finish_of(self, at: datetime, working_seconds: float) -> datetime | None:
        """When so much time will have been worked from an instant on; None if never."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of the work: rows that were done, and the seconds in which batches were being done."""

    rows: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What an estimate is made from."""

    now: datetime
    """With a zone."""
    remaining: float
    """Rows, also those of relations that come before."""
    fraction: float | None
    """What is done, from 0 to 1."""
    batches: int
    """Done so far."""
    intervals: Sequence[Interval]
    """Of the last ten minutes of work, the latest first."""
    throttled_share: float
    """Of the last hour, from 0 to 1: time that was throttled, of that and of work."""
    hours: Opening
    blocked: str | None = None
    """Why nothing is being done just now, where it is not known when that will end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """When it will be done."""

    p50: datetime | None = None
    p90: datetime | None = None
    """Never before `p50`."""
    reason: str | None = None
    """Why one of them is missing."""


def estimate(outlook: Outlook) -> Eta:
    """When what is left will be done; for more rows never earlier."""
    unknown = _unknown(outlook)
    if unknown is not None:
        return Eta(reason=unknown)
    usual, slow = rates(outlook.intervals)
    if slow <= 0:
        return Eta(reason="no row was done lately")
    p50, p90 = _finish(outlook, usual), _finish(outlook, slow)
    if p50 is None:
        return Eta(reason="it will not be done in the hours in which batches may run")
    return Eta(p50=p50, p90=p90, reason=None if p90 else "it may not be done in the hours in which batches may run")


def _unknown(outlook: Outlook) -> str | None:
    if outlook.blocked is not None:
        return f"blocked: {outlook.blocked}"
    if outlook.batches < FEWEST_BATCHES or not outlook.intervals:
        return "too few batches"
    if outlook.fraction is not None and outlook.fraction < LEAST_FRACTION:
        return "too few rows are done"
    return None


def _finish(outlook: Outlook, rate: float) -> datetime | None:
    going = 1.0 - min(max(outlook.throttled_share, 0.0), _MOST_THROTTLED)
    return outlook.hours.finish_of(outlook.now, max(outlook.remaining, 0.0) / rate / going)


def rates(intervals: Sequence[Interval]) -> tuple[float, float]:
    """Rows a second: the usual rate, in which the latest intervals count most, and that of a slow case in ten."""
    usable = [i for i in intervals if i.seconds > 0]
    if not usable:
        return 0.0, 0.0
    weights = [0.5 ** (age / _HALF_LIFE) for age in range(len(usable))]
    usual = _rate([(w * i.rows, w * i.seconds) for w, i in zip(weights, usable, strict=True)])
    size = min(_ROLLING, len(usable))
    rolling = sorted(
        _rate([(i.rows, i.seconds) for i in usable[first : first + size]]) for first in range(len(usable) - size + 1)
    )
    return usual, min(usual, rolling[int(_SLOW * (len(rolling) - 1))])


def _rate(parts: Sequence[tuple[float, float]]) -> float:
    return sum(rows for rows, _ in parts) / sum(seconds for _, seconds in parts)
