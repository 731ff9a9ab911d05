"""The demo on a terminal: its story scrolls by above, and below stand the phase line, the backfill, and the apps."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from crossfade.demo.happenings import AppCounters, Chapter, Happening, Listener, Remark
from crossfade.demo.narration import Narrator
from crossfade.observe.events import BatchDone, StateChanged

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

FRAMES_PER_SECOND = 8
RATE_SECONDS = 2.0
"""The rate shown is that of the last so many seconds."""
BAR_WIDTH = 30
_STATIONS = ("planned", "expanded", "backfilled", "retained", "contracted")
_ON_THE_WAY = {"expanding": 1, "backfilling": 2, "reverting": 2, "contracting": 3, "dropping": 4}


class TerminalDisplay:
    """A context manager that gives the listener."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = time.monotonic()
        self._narrator = Narrator()
        self._state = ""
        self._apps: dict[str, AppCounters] = {}
        self._batches: deque[tuple[float, BatchDone]] = deque()
        self._live = Live(
            console=console, get_renderable=self._frame, refresh_per_second=FRAMES_PER_SECOND, transient=True
        )

    def __enter__(self) -> Listener:
        self._live.start(refresh=True)
        return self._hear

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def _hear(self, happening: Happening) -> None:
        match happening:
            case Chapter(title=title, text=text):
                self._console.print(Text.assemble("\n", (title, "bold"), f"  {text}"))
            case AppCounters():
                self._apps[happening.instance] = happening
            case BatchDone():
                self._note_batch(happening)
            case _:
                if isinstance(happening, StateChanged):
                    self._state = happening.target
                line = self._narrator.line(happening)
                if line is not None:
                    style = "" if isinstance(happening, Remark) else "dim"
                    self._console.print(Padding(Text(line, style=style), (0, 0, 0, 2)))

    def _note_batch(self, batch: BatchDone) -> None:
        now = time.monotonic()
        self._batches.append((now, batch))
        while now - self._batches[0][0] > RATE_SECONDS:
            self._batches.popleft()

    def _frame(self) -> RenderableType:
        return Group(Text(), self._phase_line(), *self._backfill(), *self._app_table())

    def _phase_line(self) -> Text:
        line = Text("  ")
        going_to = _ON_THE_WAY.get(self._state)
        reached = going_to - 1 if going_to else _STATIONS.index(self._state) if self._state in _STATIONS else -1
        for place, station in enumerate(_STATIONS):
            if place <= reached:
                line.append(f"● {station}", style="green")
            elif place == going_to:
                line.append(f"◐ {self._state}", style="bold cyan")
            else:
                line.append(f"○ {station}", style="dim")
            line.append("  ")
        line.append(f"{time.monotonic() - self._begun:.0f} s", style="dim")
        return line

    def _backfill(self) -> list[RenderableType]:
        batches = tuple(self._batches)
        if not batches:
            return []
        (since, first), (until, last) = batches[0], batches[-1]
        total = max(last.rows_estimated or 0, last.rows_done)
        rate = (last.rows_done - first.rows_done) / (until - since) if until > since else 0.0
        row = Table.grid(padding=(0, 2, 0, 0))
        if self._state == "backfilling" and last.rows_done < total:
            eta = f"{(total - last.rows_done) / rate:.0f} s left" if rate else ""
            done, words = last.rows_done, f"{last.rows_done:,} of {total:,} rows  {rate:,.0f} rows/s  {eta}"
        else:
            done, words = total, f"{last.rows_done:,} rows filled"
        row.add_row("  backfill", ProgressBar(total=total, completed=done, width=BAR_WIDTH), Text(words))
        return [row]

    def _app_table(self) -> list[RenderableType]:
        apps = sorted(self._apps.values(), key=lambda a: a.version)
        if not apps:
            return []
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        for heading, width in (("  app", 11), ("knows", 13), ("is", 7)):
            table.add_column(heading, min_width=width)
        for heading in ("statements", "failed", "longest"):
            table.add_column(heading, justify="right")
        for app in apps:
            table.add_row(
                f"  api {app.version}",
                app.column,
                "running" if app.live else "gone",
                f"{app.statements:,}",
                Text(f"{app.failed:,}", style="red" if app.failed else "green"),
                f"{app.longest_ms:.1f} ms",
                style="" if app.live else "dim",
            )
        return [table]
