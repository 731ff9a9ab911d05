"""Logging: structlog on standard error, as text or as JSON, one record for one event.

`configure_logging` is called once, by a program; a library's user is left alone. structlog is loaded once there may be
something to say. `log_listener` turns events into records that carry the run and, where they are known, the phase and
the step.
"""

from __future__ import annotations

import os
import sys
import time
from enum import StrEnum
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.observe.events import Emit

REPEAT_SECONDS = 10.0
"""A wait that goes on is said again after this long."""


class LogFormat(StrEnum):
    """How a record is written."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_asked_for: list[tuple[LogFormat, LogLevel]] = []
"""By the program, and not done yet."""


def configure_logging(format_: LogFormat = LogFormat.CONSOLE, level: LogLevel = LogLevel.INFO) -> None:
    """Set structlog up for this process, for when the first logger is asked for. NO_COLOR is honoured."""
    _asked_for[:] = [(format_, level)]


def get_logger() -> Any:
    """The logger of crossfade, as structlog makes it."""
    import structlog

    while _asked_for:
        _set_up(*_asked_for.pop())
    return structlog.get_logger("crossfade")


def _set_up(format_: LogFormat, level: LogLevel) -> None:
    import structlog

    colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    console = format_ is LogFormat.CONSOLE
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=24)
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _as_line if console else structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.value),
        logger_factory=_to_standard_error,
        cache_logger_on_first_use=False,
    )


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


def _to_standard_error(*_arguments: Any) -> Any:
    # Looked up for each logger: a live display puts its own stream in the place of standard error.
    import structlog

    return structlog.PrintLogger(sys.stderr)


def _as_line(_logger: Any, _method: str, record: Any) -> Any:
    """For people: a record that has a line of its own is that line, and whose it is."""
    if "line" not in record:
        return record
    kept = {name: record[name] for name in ("timestamp", "level", "run") if name in record}
    return {**kept, "event": record["line"]}


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
