"""Times and spans as the reasons of gates say them. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))


def moment(at: datetime) -> str:
    """A time on the database's clock, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in one unit: `3 s ago`, `12 min ago`."""
    # The clock was read before the evidence, so the newest evidence may be a little ahead of it.
    span = max(now - at, timedelta())
    for unit, length in _UNITS:
        if span >= 2 * length:
            return f"{span // length} {unit} ago"
    return f"{span // timedelta(seconds=1)} s ago"
