"""What a runner is doing right now, put together from its events; what progress displays draw from.

Pure but for the clock that it is given. The rate is that of the last half minute, so that it follows a throttled
backfill.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crossfade.observe.events import (
    BatchDone,
    Event,
    GatesEvaluated,
    LockWaited,
    StateChanged,
    StepDone,
    StepStarted,
    Verified,
    Waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.observe.events import Blocker

_WINDOW_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class Filling:
    """The backfill of one table."""

    relation: str
    rows_done: int = 0
    rows_estimated: int | None = None
    batch_rows: int = 0
    samples: deque[tuple[float, int]] = field(default_factory=deque)
    """When, and how many rows were done by then."""

    def add(self, event: BatchDone, now: float) -> None:
        """Take in a batch."""
        if not self.samples:
            self.samples.append((now - event.duration_ms / 1000, event.rows_done - event.rows))
        self.rows_done, self.rows_estimated, self.batch_rows = event.rows_done, event.rows_estimated, event.batch_rows
        self.samples.append((now, event.rows_done))
        while len(self.samples) > 2 and self.samples[0][0] < now - _WINDOW_SECONDS:
            self.samples.popleft()

    @property
    def rows_per_second(self) -> float | None:
        """How fast it goes; None before that can be said."""
        if not self.samples:
            return None
        (begun, before), (now, done) = self.samples[0], self.samples[-1]
        return (done - before) / (now - begun) if now > begun else None

    @property
    def eta_seconds(self) -> float | None:
        """How long the rest will take; None where the number of rows is not known."""
        rate = self.rows_per_second
        if not rate or self.rows_estimated is None:
            return None
        return max(self.rows_estimated - self.rows_done, 0) / rate


@dataclass(slots=True, kw_only=True)
class Situation:
    """The state, the step in hand, the backfill, and what is waited for."""

    clock: Callable[[], float]
    run: str = ""
    state: str = ""
    step: str | None = None
    title: str | None = None
    since: float = 0.0
    blockers: tuple[Blocker, ...] = ()
    """Who holds the lock that the step needs."""
    gate: GatesEvaluated | None = None
    """The answer of gates that do not pass yet."""
    waits_for: str | None = None
    """A time that has to come."""
    filling: Filling | None = None

    def apply(self, event: Event) -> None:
        """Take in an event."""
        self.run = event.run
        match event:
            case StateChanged():
                self.state, self.gate, self.waits_for, self.filling = event.target, None, None, None
                self._step(None, None)
            case StepStarted():
                self.gate, self.filling = None, None
                self._step(event.step, event.title)
            case StepDone():
                self._step(None, None)
            case LockWaited():
                self.blockers = event.blockers
            case GatesEvaluated():
                self.gate = None if event.verdict == "PASS" else event
            case Waiting():
                self.waits_for = event.reason
            case BatchDone():
                self._fill(event)
            case Verified():
                self.filling = None

    @property
    def step_seconds(self) -> float:
        """How long the step in hand has taken so far."""
        return self.clock() - self.since

    def _step(self, step: str | None, title: str | None) -> None:
        self.step, self.title, self.since, self.blockers = step, title, self.clock(), ()

    def _fill(self, event: BatchDone) -> None:
        if self.filling is None or self.filling.relation != event.relation:
            self.filling = Filling(relation=event.relation)
        self.filling.add(event, self.clock())


def span(seconds: float | None) -> str:
    """Seconds as a display shows them: 7s, 2m05s, 1h40m."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"
