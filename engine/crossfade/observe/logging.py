"""Logging: structlog on standard error, as text or as JSON, one record for one event.

`configure_logging` is called once, by a program; a library's user is left alone. structlog is loaded once there may be
something to say. What becomes of events is `event_log`'s matter.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Any


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
