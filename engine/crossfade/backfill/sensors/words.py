"""Numbers in the sensors' reasons: durations, sizes, and how a limit is named. Pure."""

from __future__ import annotations

from datetime import timedelta

_KILO = 1024
NEEDS_PG_MONITOR = "this role needs pg_read_all_stats (or pg_monitor)"


def more_than(limit: str, factor: float) -> str:
    """How a limit, already multiplied by the factor, is named where it is exceeded."""
    return f"more than {limit}" if factor >= 1 else f"not yet below {limit}"


def duration(span: timedelta) -> str:
    """A measured duration in the unit that suits it: `240 ms`, `7.2 s`, `12.5 min`, `3.1 h`."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{_short(seconds)} s"
    return f"{_short(seconds / 60)} min" if seconds < 7200 else f"{_short(seconds / 3600)} h"


def size(amount: float) -> str:
    """A measured number of bytes in the unit that suits it: `640 MB`, `1.5 GB`."""
    unit = "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < _KILO:
            break
        amount, unit = amount / _KILO, larger
    return f"{_short(amount)} {unit}"


def percent(share: float) -> str:
    """A share of 1: `37.5 %`."""
    return f"{_short(share * 100)} %"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
