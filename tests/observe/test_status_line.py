"""The status line, and how often it is said."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from crossfade.observe.status_line import StatusLines, amount, due, eta, percent, status_line

from .figures import run_progress

FIGURES = replace(
    run_progress(),
    eta_seconds=125.0,
    eta_p50=datetime(2026, 6, 1, 12, 2, 5, tzinfo=UTC),
    eta_p90=datetime(2026, 6, 2, 0, 0, 1, tzinfo=UTC),
)
LINE = (
    "Rows: 12,345/30,000 41.2%; Batch: 987 @ 38 ms (50 ms); Quarantine: 2; Workers: 3; Time: 1m05s, 42s work; "
    "WAL: 4.0 MB/s; State: backfilling; ETA: 2m05s, 12:02:05Z (p90 2026-06-02 00:00:01Z)"
)


@pytest.mark.parametrize(
    ("since", "elapsed", "eta_seconds", "is_due"),
    [
        (0.9, 10, None, False),
        (1.0, 10, None, True),
        (1.0, 60, 9999, True),
        (4.9, 61, None, False),
        (5.0, 61, None, True),
        (5.0, 180, 9999, True),
        (9.9, 181, None, False),
        (10.0, 181, None, True),
        (10.0, 99_999, 99_999, True),
        (5.0, 99_999, 181, False),
        (5.0, 99_999, 180, True),
        (4.9, 99_999, 61, False),
        (1.0, 99_999, 60, True),
        (1.0, 99_999, 0, True),
        (0.9, 99_999, 0, False),
    ],
)
def test_it_is_said_often_at_the_beginning_and_at_the_end(
    since: float, elapsed: float, eta_seconds: float | None, is_due: bool
) -> None:
    assert due(since, elapsed, eta_seconds) is is_due


def test_the_line_has_everything() -> None:
    assert status_line(FIGURES) == LINE


def test_what_is_not_known_is_not_made_up() -> None:
    unknown = replace(
        run_progress(),
        rows_estimated=None,
        fraction=None,
        batch_ms=None,
        wal_per_second=None,
        eta_reason="too few batches",
    )
    assert status_line(unknown) == (
        "Rows: 12,345; Batch: 987; Quarantine: 2; Workers: 3; Time: 1m05s, 42s work; WAL: ?; State: backfilling; "
        "ETA: N/A (too few batches)"
    )


def test_a_terminal_gets_it_in_lines_that_fit() -> None:
    shown = io.StringIO()
    Console(file=shown, width=80, color_system=None).print(StatusLines(FIGURES, indent=4))
    lines = [line.rstrip() for line in shown.getvalue().splitlines()]
    assert all(len(line) <= 80 and line.startswith("    ") for line in lines)
    assert " ".join(line.strip() for line in lines) == LINE
    assert all(line.endswith(";") for line in lines[:-1])


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.0, "0.0%"), (0.4123, "41.2%"), (0.9996, "99.9%"), (0.99999, "99.9%"), (1.0, "100.0%")]
)
def test_only_the_whole_is_a_hundred_percent(fraction: float, text: str) -> None:
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (2048, "2 kB"), (4 * 1024**2, "4.0 MB"), (300 * 1024**2, "300 MB"), (5 * 1024**3, "5.0 GB")],
)
def test_an_amount_is_short(size: float, text: str) -> None:
    assert amount(size) == text


def test_the_end_is_called_done() -> None:
    assert eta(replace(run_progress(), eta_seconds=0.0)) == "done"
