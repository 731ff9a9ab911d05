"""Arguments that need reading: RUN or PLAN, a duration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from crossfade.errors import UsageError
from crossfade.operations.acks import ACKS

if TYPE_CHECKING:
    from datetime import timedelta

    from crossfade.observe.metrics import MetricsAddress
    from crossfade.plan.model import Plan


def target(text: str) -> Plan | str:
    """The plan in a file, or a run's name."""
    if not _is_file(text):
        return text
    from crossfade.plan.load import load_plan

    return load_plan(text)


def run_name(text: str) -> str:
    """A run's name, also where its plan file was given."""
    found = target(text)
    return found if isinstance(found, str) else found.name


def name_of(found: Plan | str) -> str:
    """The run's name of what `target` found."""
    return found if isinstance(found, str) else found.name


def duration(text: str | None, option: str) -> timedelta | None:
    """The duration that an option says."""
    if text is None:
        return None
    from pydantic_core import PydanticCustomError

    from crossfade.plan.durations import parse_duration

    try:
        return parse_duration(text)
    except PydanticCustomError as error:
        hint = (error.context or {}).get("hint")
        raise UsageError(f"{option}: {error.message()}", hint=hint) from None


def metrics_address(text: str | None) -> MetricsAddress | None:
    """Where `--metrics-port` wants the metrics."""
    if text is None:
        return None
    from crossfade.observe.metrics import MetricsAddress

    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 2**16) or (colon and not host):
        raise UsageError(
            f"--metrics-port: {text} is no port", hint="Write 9187, or 0.0.0.0:9187 to be reached from other hosts."
        )
    return MetricsAddress(port=int(port), host=host.strip("[]")) if host else MetricsAddress(port=int(port))


def acknowledged(words: list[str] | None) -> tuple[str, ...]:
    """The words of `--ack`. Raises UsageError for one that accepts nothing."""
    for word in words or ():
        if word not in ACKS:
            hint = f"Words that accept something: {', '.join(sorted(ACKS))}."
            raise UsageError(f"--ack {word} accepts nothing", hint=hint)
    return tuple(words or ())


def _is_file(text: str) -> bool:
    # A run's name has neither dots nor separators, so a file that is not there gets a message about files.
    return text.endswith((".yaml", ".yml")) or "/" in text or os.sep in text
