"""Events as records of the log, which carry the run and, where they are known, the phase and the step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from crossfade.observe.events import (
    BackfillTrouble,
    BatchDone,
    Event,
    Fired,
    GatesEvaluated,
    LockWaited,
    StateChanged,
    StepDone,
    StepStarted,
    Vacuumed,
    Verified,
    Waiting,
    WorkBegun,
    WorkEnded,
)
from crossfade.observe.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.observe.events import Emit

REPEAT_SECONDS = 10.0
"""A wait that goes on is said again after this long."""


def log_listener(clock: Callable[[], float] = time.monotonic) -> Emit:
    """A listener that writes each event as a record; what repeats quickly comes at debug level in between."""
    logger = get_logger()
    places: dict[str, dict[str, str]] = {}
    last_said: dict[tuple[type[Event], str], float] = {}

    def is_due(event: Event, subject: str) -> bool:
        now = clock()
        if now - last_said.get((type(event), subject), -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        last_said[type(event), subject] = now
        return True

    def listen(event: Event) -> None:
        place = places.setdefault(event.run, {})
        _follow(place, event)
        facts = {"run": event.run, **place, **_facts(event)}
        getattr(logger, _level(event, is_due))(event.kind, **facts)
        if isinstance(event, StepDone):
            place.pop("step", None)
        if not place:
            del places[event.run]

    return listen


def _follow(place: dict[str, str], event: Event) -> None:
    """Keep the phase and the step that the later events belong to."""
    if isinstance(event, StepStarted):
        place.update(phase=event.phase, step=event.step)
    elif isinstance(event, BatchDone | BackfillTrouble | Vacuumed):
        place.update(phase="backfill")
    elif isinstance(event, StateChanged | WorkEnded):
        place.clear()


def _facts(event: Event) -> dict[str, Any]:
    facts = event.facts()
    if isinstance(event, LockWaited):
        return facts | {"blockers": [str(b) for b in event.blockers]}
    return {name: round(value, 1) if isinstance(value, float) else value for name, value in facts.items()}


def _level(event: Event, is_due: Callable[[Event, str], bool]) -> str:
    match event:
        case LockWaited():
            return "warning" if is_due(event, event.step) else "debug"
        case GatesEvaluated():
            return "info" if is_due(event, f"{event.phase} {event.verdict}") else "debug"
        case Waiting():
            return "info" if is_due(event, event.reason) else "debug"
        case BackfillTrouble():
            return "warning"
        case Verified():
            return "error" if event.mismatches else "info"
        case Fired():
            return "warning" if event.outcome == "failed" else "info"
        case WorkEnded():
            return _level_of_ending(event)
        case BatchDone() | StepStarted() | WorkBegun():
            return "debug"
    return "info"


def _level_of_ending(event: WorkEnded) -> str:
    """What a worker did is worth a line; that it looked and left again is not."""
    if event.outcome == "failed":
        return "warning"
    return "info" if event.batches or event.outcome in ("done", "stopped") else "debug"
