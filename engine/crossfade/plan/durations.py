"""Durations as a plan writes them: a whole number and a unit (`250ms`, `5s`, `15m`, `2h`, `7d`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic_core import CoreSchema, core_schema

from crossfade.plan.faults import fault
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_DURATION = re.compile(r"(0|[1-9][0-9]{0,8})(ms|s|m|h|d)")
_LOOSE = re.compile(r"([0-9]{1,9}) *(ms|s|m|h|d)[a-z]*", re.IGNORECASE)
PATTERN = f"^{_DURATION.pattern}$"
EXPECTED = "expected a duration such as 250ms, 5s, 15m, 2h or 7d"


def parse_duration(text: str) -> timedelta:
    """The span that the text says; one unit, no fractions."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise fault(f"{EXPECTED}; got {shown(text)}", _suggestion(text))
    return int(found[1]) * _UNITS[found[2]]


def format_duration(span: timedelta) -> str:
    """The one canonical spelling: the largest unit that needs no fraction."""
    for unit, length in _UNITS.items():
        if span and not span % length:
            return f"{span // length}{unit}"
    return "0s"


def _suggestion(text: str) -> str:
    loose = _LOOSE.fullmatch(text.strip())
    if loose is not None:
        return f"write `{int(loose[1])}{loose[2].lower()}`"
    if re.fullmatch(r"[0-9]{1,9}", text):
        return f"add the unit: `{int(text)}s`" if int(text) else "write `0s`"
    return "write one whole number and one unit: 90s rather than 1m30s, 1500ms rather than 1.5s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Marks a field as a duration in the given bounds, both included."""

    low: timedelta
    """The shortest that makes sense."""
    high: timedelta
    """The longest that makes sense."""

    def read(self, text: str) -> timedelta:
        """The duration that the text says, if it is within the bounds."""
        span = parse_duration(text)
        if self.low <= span <= self.high:
            return span
        low, high = format_duration(self.low), format_duration(self.high)
        raise fault(f"{shown(text)} is outside of {low} to {high}", f"write a duration from {low} to {high}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in the file, a timedelta in the model, the canonical text in JSON."""
        return core_schema.chain_schema(
            [core_schema.str_schema(strict=True), core_schema.no_info_plain_validator_function(self.read)],
            serialization=core_schema.plain_serializer_function_ser_schema(format_duration, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string with the pattern of a duration."""
        return {"type": "string", "pattern": PATTERN}
