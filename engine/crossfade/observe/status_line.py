"""The one line that says where a backfill stands, and how often it is said. Pure."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from crossfade.observe.situation import span

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console, ConsoleOptions, RenderResult

    from crossfade.observe.figures import Figures, RunProgress

_AT_FIRST = 60.0
_LATER = 180.0
_UNITS = ("B", "kB", "MB", "GB")


def due(since_last: float, elapsed: float, eta_seconds: float | None) -> bool:
    """Whether the line is to be said again, so many seconds after the last time and since the backfill began.

    Every second in the first minute and when a minute or less is left, every 5 s around that for three minutes, and
    every 10 s in between.
    """
    near = min(elapsed, elapsed if eta_seconds is None else eta_seconds)
    every = 1.0 if near <= _AT_FIRST else 5.0 if near <= _LATER else 10.0
    return since_last >= every


def status_line(progress: RunProgress) -> str:
    """Everything about a backfill in one line; its parts are separated by a semicolon and a space."""
    return "; ".join(status_parts(progress))


def status_parts(progress: RunProgress) -> tuple[str, ...]:
    """The parts of the line."""
    took = "" if progress.batch_ms is None else f" @ {progress.batch_ms:.0f} ms ({progress.target_ms:.0f} ms)"
    wal = "?" if progress.wal_per_second is None else f"{amount(progress.wal_per_second)}/s"
    return (
        f"Rows: {rows(progress)}",
        f"Batch: {progress.batch_rows:,}{took}",
        f"Quarantine: {progress.quarantined:,}",
        f"Workers: {progress.workers}",
        f"Time: {span(progress.elapsed_seconds)}, {span(progress.working_seconds)} work",
        f"WAL: {wal}",
        f"State: {progress.state}",
        f"ETA: {eta(progress)}",
    )


class StatusLines:
    """The parts over as many lines as they need, for a terminal; none is broken that would fit on a line."""

    def __init__(self, progress: RunProgress, indent: int) -> None:
        self._parts = status_parts(progress)
        self._indent = indent

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """A text for each line."""
        from rich.padding import Padding
        from rich.text import Text

        indent = (0, 0, 0, self._indent)
        line = ""
        for part in self._parts:
            longer = f"{line}; {part}" if line else part
            if line and self._indent + len(longer) + 1 > options.max_width:
                yield Padding(Text(f"{line};"), indent)
                longer = part
            line = longer
        yield Padding(Text(line), indent)


def rows(figures: Figures) -> str:
    """Rows done, of how many, and what percentage that is."""
    of = "" if figures.rows_estimated is None else f"/{figures.rows_estimated:,}"
    share = "" if figures.fraction is None else f" {percent(figures.fraction)}"
    return f"{figures.rows_done:,}{of}{share}"


def percent(fraction: float) -> str:
    """A percentage with one decimal, which is 100.0% only for the whole."""
    return f"{100 * (fraction if fraction >= 1 else min(fraction, 0.999)):.1f}%"


def eta(figures: Figures) -> str:
    """When it will be done as likely as not, and in nine cases of ten; or why that cannot be said."""
    if figures.eta_p50 is None:
        if figures.eta_seconds == 0:
            return "done"
        return "N/A" if figures.eta_reason is None else f"N/A ({figures.eta_reason})"
    now = figures.eta_p50 - timedelta(seconds=figures.eta_seconds or 0)
    p90 = "?" if figures.eta_p90 is None else _clock(figures.eta_p90, now)
    return f"{span(figures.eta_seconds)}, {_clock(figures.eta_p50, now)} (p90 {p90})"


def _clock(at: datetime, now: datetime) -> str:
    """A time in UTC; its day only where that is not today."""
    there, here = at.astimezone(UTC), now.astimezone(UTC)
    return f"{there:%H:%M:%S}Z" if there.date() == here.date() else f"{there:%Y-%m-%d %H:%M:%S}Z"


def amount(size: float) -> str:
    """Bytes as a display shows them."""
    for unit in _UNITS[:-1]:
        if size < 1024:
            return f"{size:.0f} {unit}" if unit in ("B", "kB") or size >= 100 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"
