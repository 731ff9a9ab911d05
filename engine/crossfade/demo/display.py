"""How the demo is shown: live on a terminal, as lines elsewhere; and the table of what was measured.

with display(console) as listener:
    result = run_demo(rows, keep, listener)
show_result(console, result)
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from crossfade.demo.happenings import AppCounters, Chapter, Happening, Listener
from crossfade.demo.narration import Narrator
from crossfade.demo.terminal import TerminalDisplay
from crossfade.observe.events import BatchDone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from crossfade.demo.result import DemoResult, Kept

SECONDS_BETWEEN_FIGURES = 10.0
LABEL_WIDTH = 36


def display(console: Console) -> AbstractContextManager[Listener]:
    """A listener that shows the demo on this console, for as long as the block lasts."""
    live = console.is_terminal and not console.is_dumb_terminal
    return TerminalDisplay(console) if live else _lines(console)


@contextmanager
def _lines(console: Console) -> Iterator[Listener]:
    yield LineDisplay(console)


class LineDisplay:
    """A line for whatever happens, and one with the figures every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = self._figures_said = time.monotonic()
        self._narrator = Narrator()
        self._apps: dict[str, AppCounters] = {}
        self._batch: BatchDone | None = None

    def __call__(self, happening: Happening) -> None:
        """Hear one happening."""
        match happening:
            case Chapter(title=title, text=text):
                self._say(f"{title}: {text}")
            case AppCounters():
                self._apps[happening.instance] = happening
                self._say_figures()
            case BatchDone():
                self._batch = happening
            case _:
                line = self._narrator.line(happening)
                if line is not None:
                    self._say(f"  {line}")

    def _say_figures(self) -> None:
        now = time.monotonic()
        if now - self._figures_said < SECONDS_BETWEEN_FIGURES:
            return
        self._figures_said = now
        parts = [
            f"api {a.version}: {a.statements:,} statements, {a.failed:,} failed, longest {a.longest_ms:.1f} ms"
            for a in tuple(self._apps.values())
            if a.live
        ]
        if self._batch is not None and self._batch.rows_estimated:
            parts.append(f"backfill: {self._batch.rows_done:,} of {self._batch.rows_estimated:,} rows")
        self._say("  " + "; ".join(parts))

    def _say(self, text: str) -> None:
        self._console.print(Text(f"{time.monotonic() - self._begun:5.1f} s  {text}"), soft_wrap=True)


def show_result(console: Console, result: DemoResult) -> None:
    """The table of what was measured, what went wrong if anything did, and how to look inside a kept server."""
    console.print()
    console.print(Text("What was measured", style="bold"))
    if console.is_terminal:
        table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
        for label, value in _measured(result):
            table.add_row(Text(label), Text(value))
        console.print(table)
    else:
        for label, value in _measured(result):
            console.print(Text(f"{label:<{LABEL_WIDTH}}  {value}"), soft_wrap=True)
    problems = tuple(result.problems())
    for problem in problems:
        console.print(Text(problem, style="red"), soft_wrap=True)
    if not problems:
        console.print(Text("No statement failed, no fact was lost, and the schema is as it should be.", style="green"))
    if result.kept is not None:
        _show_kept(console, result.kept)


def _measured(result: DemoResult) -> Iterator[tuple[str, str]]:
    ratio = f" ({result.p99_ms_during / result.p99_ms_idle:.1f}× of idle)" if result.p99_ms_idle else ""
    yield "state at the end", result.state.value
    yield "users", f"{result.rows:,}"
    yield "statements of the apps", f"{result.statements:,}"
    yield "statements that failed", f"{result.failed_statements:,}"
    yield "longest statement", f"{result.longest_statement_ms:.1f} ms"
    yield "p99 of a statement, idle", f"{result.p99_ms_idle:.2f} ms"
    yield "p99 from expand to contract", f"{result.p99_ms_during:.2f} ms{ratio}"
    yield "attempts at locks", f"{result.lock_attempts:,}"
    yield "batches of the backfill", f"{result.batches:,}"
    yield "rows that differ or lost a fact", f"{result.parity_mismatches:,}"
    yield "contract while 1.4.0 was live", "blocked" if result.blocked_by else "not blocked"
    yield "schema against plain RENAME COLUMN", "the same" if result.schema_equal else "not the same"
    yield "seconds", f"{result.seconds:.1f}"


def _show_kept(console: Console, kept: Kept) -> None:
    lines = (
        ("The server is still running.", ""),
        ("look inside", kept.psql),
        ("the run", kept.status),
        ("stop it", kept.stop),
    )
    console.print()
    for label, command in lines:
        # A command is one line, however long, so that it can be copied.
        console.print(Text(f"{label:<12} {command}".rstrip()), soft_wrap=True)
