"""Sizes as a plan writes them: a whole number and a unit of PostgreSQL's (`512kB`, `64MB`, `2GB`), in steps of 1024."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import CoreSchema, core_schema

from crossfade.plan.faults import fault
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

_UNITS = {"TB": 1024**4, "GB": 1024**3, "MB": 1024**2, "kB": 1024, "B": 1}
_SIZE = re.compile(r"(0|[1-9][0-9]{0,8})(B|kB|MB|GB|TB)")
_LOOSE = re.compile(r"([0-9]{1,9}) *([kmgt]?)(?:i?b)?", re.IGNORECASE)
PATTERN = f"^{_SIZE.pattern}$"
EXPECTED = "expected a size such as 512kB, 64MB or 2GB"


class Size(int):
    """A number of bytes that a plan reads and writes with a unit."""

    @classmethod
    def parse(cls, text: str) -> Size:
        """The size that the text says; one unit, no fractions."""
        found = _SIZE.fullmatch(text)
        if found is None:
            raise fault(f"{EXPECTED}; got {shown(text)}", _suggestion(text))
        return cls(int(found[1]) * _UNITS[found[2]])

    def __str__(self) -> str:
        """The one canonical spelling: the largest unit that needs no fraction."""
        fitting = (f"{self // length}{unit}" for unit, length in _UNITS.items() if not self % length)
        return next(fitting) if self else "0B"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in the file, this value in the model, the canonical text in JSON."""
        return core_schema.chain_schema(
            [core_schema.str_schema(strict=True), core_schema.no_info_plain_validator_function(cls.parse)],
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string with the pattern of a size."""
        return {"type": "string", "pattern": PATTERN}


def _suggestion(text: str) -> str:
    loose = _LOOSE.fullmatch(text.strip())
    if loose is None:
        return "write one whole number and one unit: 1536MB rather than 1.5GB"
    if not loose[2] and not text.strip().lower().endswith("b"):
        return f"add the unit: `{int(loose[1])}MB`"
    unit = next(u for u in _UNITS if u.lower().startswith(loose[2].lower() or "b"))
    return f"write `{int(loose[1])}{unit}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeBetween:
    """Marks a `Size` as being in the given bounds, both included."""

    low: Size
    """The smallest that makes sense."""
    high: Size
    """The largest that makes sense."""

    def check(self, size: Size) -> Size:
        """The size, if it is within the bounds."""
        if self.low <= size <= self.high:
            return size
        raise fault(f"{shown(str(size))} is outside of {self.low} to {self.high}", "write a size in between")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """What the type takes, within the bounds."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))
