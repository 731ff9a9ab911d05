"""How a model of the plan says what is wrong, in words for the person who wrote it.

`fault` makes the error that a pydantic validator raises; `problems` gives it a position. The message
says what was expected or what is wrong, the hint what to write instead; neither repeats the position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Iterable

FAULT = "plan_fault"
"""pydantic's error type of everything raised with `fault`."""


def fault(message: str, hint: str | None = None) -> PydanticCustomError:
    """The error for a value that is wrong, to be raised inside a validator."""
    return PydanticCustomError(FAULT, "{message}", {"message": message, "hint": hint})


class FaultAt(NamedTuple):
    """A fault further inside the value that a validator sees."""

    place: tuple[str | int, ...]
    message: str
    hint: str | None = None


def faults_at(found: Iterable[FaultAt], value: object) -> ValidationError:
    """The error for things that are wrong inside a value, each with its place, to be raised inside a validator."""
    details = [InitErrorDetails(type=fault(f.message, f.hint), loc=f.place, input=value) for f in found]
    return ValidationError.from_exception_data("plan", details)
