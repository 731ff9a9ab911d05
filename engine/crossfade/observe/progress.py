"""Progress while a command works: a live display on a terminal, log lines elsewhere.

Both are context managers with an `emit` to be given to the engine. Events may come from any thread. What is worth
keeping (a step done, a state reached) is printed above the live lines and stays. How far a backfill is comes from the
lookout's figures; without them only its relation is known.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self

from crossfade.observe.event_log import REPEAT_SECONDS, log_listener
from crossfade.observe.events import (
    BackfillTrouble,
    BatchDone,
    Event,
    GatesEvaluated,
    StateChanged,
    StepDone,
    Vacuumed,
    Verified,
)
from crossfade.observe.logging import get_logger
from crossfade.observe.situation import Situation, span
from crossfade.observe.status_line import StatusLines, due, status_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from rich.console import Console, RenderableType

    from crossfade.observe.figures import RunProgress
    from crossfade.observe.lookout import Lookout

_BAR_WIDTH = 36
_BLOCKERS_SHOWN = 5
_TICK_SECONDS = 1.0
_SHARES = ("fraction", "verified_share")


class Progress(Protocol):
    """What shows how far a command is, while it is entered."""

    def emit(self, event: Event) -> None:
        """Take in an event."""

    def suspended(self) -> AbstractContextManager[None]:
        """Leave the terminal alone meanwhile, for a question."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class LoggedProgress:
    """Log records: each event, and every so often what is going on."""

    def __init__(self, lookout: Lookout, seconds: float = REPEAT_SECONDS) -> None:
        """What goes on is said after so many seconds, the figures of a backfill as often as they are due."""
        self._seconds = seconds
        self._lookout = lookout
        self._situation = Situation(clock=time.monotonic)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._listen = log_listener()
        self._thread = threading.Thread(target=self._repeat, name="crossfade-progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def emit(self, event: Event) -> None:
        """Take in an event."""
        with self._lock:
            self._situation.apply(event)
            self._listen(event)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Say nothing meanwhile."""
        with self._lock:
            yield

    def _repeat(self) -> None:
        logger = get_logger()
        said = time.monotonic()
        while not self._over.wait(min(_TICK_SECONDS, self._seconds)):
            now = time.monotonic()
            with self._lock:
                record = self._record(now - said)
                if record is not None:
                    said = now
                    logger.info(record.pop("event"), **record)

    def _record(self, since: float) -> dict[str, Any] | None:
        """What is to be said after so many seconds; None where it is not yet time."""
        run = self._situation.run
        figures = None if self._situation.step else self._lookout.latest(run)
        if figures is None:
            facts = still(self._situation) if since >= self._seconds else None
            return None if facts is None else {"event": "still_working", **facts}
        if not due(since, self._lookout.elapsed_seconds(run), figures.eta_seconds):
            return None
        return {"event": "backfill_progress", "line": status_line(figures), "run": run, **_fields(figures)}


def still(situation: Situation) -> dict[str, Any] | None:
    """What goes on, as a record's fields; None where nothing has begun."""
    facts: dict[str, Any] = {"run": situation.run, "state": situation.state or None}
    if situation.step is not None:
        facts |= {"step": situation.step, "title": situation.title, "seconds": round(situation.step_seconds)}
    if situation.blockers:
        facts["blockers"] = [str(b) for b in situation.blockers]
    if situation.gate is not None:
        facts |= {"phase": situation.gate.phase, "waits_for": situation.gate.reason}
    if situation.waits_for is not None:
        facts["waits_for"] = situation.waits_for
    if situation.relation is not None:
        facts |= {"phase": "backfill", "relation": situation.relation}
    return {name: value for name, value in facts.items() if value is not None} if situation.run else None


def _fields(figures: RunProgress) -> dict[str, Any]:
    """The figures by the names that `status --json` has; what is not known is left out."""
    known = {name: value for name, value in figures.as_json().items() if value is not None}
    return {n: round(v, 4 if n in _SHARES else 1) if isinstance(v, float) else v for n, v in known.items()}


class LiveProgress:
    """A few lines on a terminal that follow what goes on."""

    def __init__(self, console: Console, lookout: Lookout) -> None:
        from rich.live import Live

        self._console = console
        self._lookout = lookout
        self._situation = Situation(clock=time.monotonic)
        self._lock = threading.RLock()
        self._live = Live(get_renderable=self._picture, console=console, refresh_per_second=8, transient=True)
        self._verdict: tuple[str, str] | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def emit(self, event: Event) -> None:
        """Take in an event."""
        with self._lock:
            title = self._situation.title
            self._situation.apply(event)
            line = self._worth_keeping(event, title)
        if line is not None:
            self._console.print(*line, soft_wrap=True)
        if not isinstance(event, BatchDone):
            self._live.refresh()  # batches come faster than anyone reads; the timer draws them

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Take the live lines away meanwhile."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def _worth_keeping(self, event: Event, title: str | None) -> tuple[str, ...] | None:
        match event:
            case StateChanged():
                return (f"{event.run}: {event.source} → {event.target}",)
            case StepDone():
                waited = f", waited {event.lock_wait_ms:.0f} ms for its locks" if event.lock_wait_ms >= 1 else ""
                return (f"  ✓ {title or event.step} ({event.duration_ms:.0f} ms{waited})",)
            case Verified():
                mark = "✗" if event.mismatches else "✓"
                return (f"  {mark} compared every row of {event.relation}: {event.mismatches} differ",)
            case BackfillTrouble():
                return (f"  ! {event.relation}: {event.message}",)
            case GatesEvaluated() if (event.phase, event.verdict) != self._verdict:
                self._verdict = (event.phase, event.verdict)
                # Why is in the live line while it is waited for, and in the error at the end.
                return (f"  gates of {event.phase}: {event.verdict}",)
            case Vacuumed():
                return (f"  · {event.relation}: {event.message}",)
        return None

    def _picture(self) -> RenderableType:
        from rich.console import Group

        with self._lock:
            return Group(*_lines(self._situation, self._lookout.latest(self._situation.run)))


def _lines(situation: Situation, figures: RunProgress | None) -> list[RenderableType]:
    from rich.text import Text

    lines: list[RenderableType] = []
    if situation.title is not None:
        lines.append(Text(f"  … {situation.title}, {span(situation.step_seconds)}"))
    if situation.blockers:
        lines.append(Text("    waits for its locks, held by:", style="yellow"))
        lines += [Text(f"      {b}", style="yellow") for b in situation.blockers[:_BLOCKERS_SHOWN]]
    if situation.gate is not None:
        lines.append(Text(f"  … waits for {situation.gate.phase}: {situation.gate.reason}", style="yellow"))
    if situation.waits_for is not None:
        lines.append(Text(f"  … waits: {situation.waits_for}", style="yellow"))
    if figures is not None and situation.title is None:
        lines += [_bar(situation.relation, figures), StatusLines(figures, indent=4)]
    elif situation.relation is not None:
        lines.append(Text(f"  … fills {situation.relation}"))
    return lines


def _bar(relation: str | None, figures: RunProgress) -> RenderableType:
    """How far all rows are, beside the name of the relation that is in work."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    finished, tables = sum(t.finished for t in figures.tables), len(figures.tables)
    grid = Table.grid(padding=(0, 1))
    grid.add_column(overflow="ellipsis", no_wrap=True)
    grid.add_row(
        f"  {relation or figures.tables[-1].relation}{f' ({finished} of {tables} done)' if tables > 1 else ''}",
        ProgressBar(total=None if figures.fraction is None else 1.0, completed=figures.fraction or 0, width=_BAR_WIDTH),
    )
    return grid
