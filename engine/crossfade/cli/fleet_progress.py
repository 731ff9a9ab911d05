"""What goes on while a command over a fleet works: live lines on a terminal, log records elsewhere.

In the log a run is named `DATABASE/RUN`, since in every database it has the same name.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self

import structlog

from crossfade.cli.fleet_page import remark
from crossfade.cli.output import console
from crossfade.fleet.course import Onlooker
from crossfade.fleet.report import Outcome, Standing
from crossfade.observe.event_log import REPEAT_SECONDS
from crossfade.observe.lookout import Lookout
from crossfade.observe.progress import LoggedProgress
from crossfade.observe.situation import Situation, span
from crossfade.observe.status_line import eta, rows
from crossfade.postgres.connect import connect
from crossfade.workflow.progress import ProgressReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from types import TracebackType

    from rich.console import Console, RenderableType

    from crossfade.cli.call import Call
    from crossfade.fleet.databases import Database
    from crossfade.observe.events import Emit, Event
    from crossfade.observe.figures import RunProgress

_MARKS = {Outcome.DONE: "✓", Outcome.FAILED: "✗", Outcome.UNREACHABLE: "✗", Outcome.INTERRUPTED: "·"}
_TROUBLES = (Outcome.FAILED, Outcome.UNREACHABLE)


class FleetProgress(Onlooker, AbstractContextManager["FleetProgress"], Protocol):
    """What shows how far a fleet is, while it is entered."""


def progress_of(call: Call, total: int) -> FleetProgress:
    """A live display on a terminal, log lines elsewhere or when a format was asked for."""
    if call.log_format is None:
        where = console(sys.stderr)
        if where.is_terminal and not where.is_dumb_terminal:
            return LiveFleet(where, total)
    return LoggedFleet()


@contextmanager
def _lookout(database: Database) -> Iterator[Lookout]:
    with closing(ProgressReader(lambda: connect(database.url))) as reader:
        prefix = _prefix(database)
        with Lookout(lambda run: reader(run.removeprefix(prefix))) as lookout:
            yield lookout


def _prefix(database: Database) -> str:
    return f"{database.name}/"


class LoggedFleet:
    """Log records: each event, and every so often what is going on."""

    def __init__(self) -> None:
        self._baked = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    @contextmanager
    def watching(self, database: Database) -> Iterator[Emit]:
        """Records of one database, as a command on it alone has them."""
        prefix = _prefix(database)
        with _lookout(database) as lookout, LoggedProgress(lookout) as progress:

            def emit(event: Event) -> None:
                told = replace(event, run=prefix + event.run)
                lookout.emit(told)
                progress.emit(told)

            yield emit

    def ended(self, standing: Standing) -> None:
        """A record of how it ended."""
        logger = structlog.get_logger("crossfade")
        said = remark(standing)
        facts = {"database": standing.name, "outcome": standing.outcome.value, "state": standing.state}
        tell = logger.warning if standing.outcome in _TROUBLES else logger.info
        tell("database_ended", **facts, **({"reason": said} if said else {}))

    def baking(self, canaries: Sequence[str], left: timedelta) -> None:
        """A record now and then."""
        now = time.monotonic()
        if now - self._baked >= REPEAT_SECONDS:
            self._baked = now
            structlog.get_logger("crossfade").info(
                "canaries_bake", canaries=list(canaries), seconds_left=round(left.total_seconds())
            )


@dataclass(slots=True)
class _InHand:
    """What is known of a database in hand."""

    situation: Situation
    lookout: Lookout


class LiveFleet:
    """A few lines on a terminal: one for each database in hand, one for all of them."""

    def __init__(self, where: Console, total: int) -> None:
        from rich.live import Live

        self._console = where
        self._total = total
        self._lock = threading.RLock()
        self._in_hand: dict[str, _InHand] = {}
        self._ended: dict[str, Outcome] = {}
        self._waits: str | None = None
        self._live = Live(get_renderable=self._picture, console=where, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    @contextmanager
    def watching(self, database: Database) -> Iterator[Emit]:
        """A line for the database meanwhile."""
        with _lookout(database) as lookout:
            mine = _InHand(Situation(clock=time.monotonic), lookout)

            def emit(event: Event) -> None:
                lookout.emit(event)
                with self._lock:
                    mine.situation.apply(event)

            with self._lock:
                self._waits = None
                self._in_hand[database.name] = mine
            try:
                yield emit
            finally:
                with self._lock:
                    del self._in_hand[database.name]

    def ended(self, standing: Standing) -> None:
        """A line that stays."""
        with self._lock:
            self._ended[standing.name] = standing.outcome
        said = remark(standing)
        mark = _MARKS.get(standing.outcome, "!")
        self._console.print(f"{mark} {standing.name}: {standing.state or '?'}{f', {said}' if said else ''}")

    def baking(self, canaries: Sequence[str], left: timedelta) -> None:
        """How long the others still wait."""
        with self._lock:
            self._waits = f"the others follow in {span(left.total_seconds())} if {', '.join(canaries)} stay done"

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        with self._lock:
            done = sum(outcome is Outcome.DONE for outcome in self._ended.values())
            lines = [f"{done} of {self._total} databases done, {len(self._in_hand)} in hand"]
            lines += [f"  {name}: {_doing(one)}" for name, one in self._in_hand.items()]
            if self._waits is not None:
                lines.append(f"  {self._waits}")
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))


def _doing(one: _InHand) -> str:
    """What goes on in a database, in one line."""
    situation = one.situation
    if situation.title is not None:
        held = "; its locks are held by others" if situation.blockers else ""
        return f"{situation.title}, {span(situation.step_seconds)}{held}"
    if situation.gate is not None:
        return f"waits for {situation.gate.phase}: {situation.gate.reason}"
    if situation.waits_for is not None:
        return f"waits: {situation.waits_for}"
    figures = one.lookout.latest(situation.run)
    return situation.state or "begins" if figures is None else _figures(figures)


def _figures(figures: RunProgress) -> str:
    return f"{figures.state}; Rows: {rows(figures)}; ETA: {eta(figures)}"
