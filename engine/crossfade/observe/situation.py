"""What a runner is doing right now, put together from its events; what progress displays draw from.

Pure but for the clock that it is given. How far the rows are is no event's to say: `crossfade.observe.figures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.observe.events import (
    BatchDone,
    Event,
    Fired,
    GatesEvaluated,
    LockWaited,
    StateChanged,
    StepDone,
    StepStarted,
    Verified,
    Waiting,
    WorkEnded,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.observe.events import Blocker


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
    relation: str | None = None
    """Whose rows are being filled."""

    def apply(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, Fired):
            return
        self.run = event.run
        match event:
            case WorkEnded():
                self.run, self.state, self.gate, self.waits_for, self.relation = "", "", None, None, None
                self._step(None, None)
            case StateChanged():
                self.state, self.gate, self.waits_for, self.relation = event.target, None, None, None
                self._step(None, None)
            case StepStarted():
                self.gate, self.relation = None, None
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
                self.relation = event.relation
            case Verified():
                self.relation = None

    @property
    def step_seconds(self) -> float:
        """How long the step in hand has taken so far."""
        return self.clock() - self.since

    def _step(self, step: str | None, title: str | None) -> None:
        self.step, self.title, self.since, self.blockers = step, title, self.clock(), ()


def span(seconds: float | None) -> str:
    """Seconds as a display shows them: 7s, 2m05s, 1h40m, 3d04h."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours < 24 else f"{hours // 24}d{hours % 24:02}h"
