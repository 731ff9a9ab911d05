"""A daily window of time as a plan writes it: `22:00-06:00 Europe/Paris`.

Pure: whether it is open is a question about an instant that is passed in. The window's wall clock follows its zone, so
it moves with daylight saving: on the night when an hour is left out or comes twice, `02:00` is wherever the zone says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic_core import CoreSchema, core_schema

from crossfade.plan.faults import fault
from crossfade.plan.words import nearest, shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) (\S+)")
EXPECTED = "expected a daily window such as 22:00-06:00 Europe/Paris"


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to before `end` by the wall clock of `zone`, every day; over midnight where `end` is not later."""

    start: time
    end: time
    zone: str

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read `HH:MM-HH:MM Zone`."""
        found = _WINDOW.fullmatch(text)
        if found is None:
            raise fault(f"{EXPECTED}; got {shown(text)}", "write both times with four digits, and the time zone's name")
        zone, zones = found[5], available_timezones()
        if zone not in zones:
            raise fault(f"{shown(zone)} is no time zone", nearest(zone, zones) or "for example `UTC` or `Europe/Paris`")
        start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if start == end:
            raise fault(f"{shown(text)} never opens", "leave `window` out to work at all hours")
        return cls(start, end, zone)

    def is_open(self, at: datetime) -> bool:
        """Whether the window is open at this instant (a datetime with a zone)."""
        clock = at.astimezone(ZoneInfo(self.zone)).time()
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def opens_after(self, at: datetime) -> datetime:
        """The next instant at which the window begins, after this one."""
        local = at.astimezone(ZoneInfo(self.zone))
        today = local.replace(hour=self.start.hour, minute=self.start.minute, second=0, microsecond=0, fold=0)
        candidates = ((today + timedelta(days=n)).astimezone(UTC) for n in range(3))
        return next(c for c in candidates if c > at)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.zone}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in the file, this value in the model, a text again in JSON."""
        return core_schema.chain_schema(
            [core_schema.str_schema(strict=True), core_schema.no_info_plain_validator_function(cls.parse)],
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string in the window's form."""
        return {"type": "string", "pattern": f"^{_WINDOW.pattern}$", "examples": ["22:00-06:00 Europe/Paris"]}
