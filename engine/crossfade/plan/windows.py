"""Windows of time as a plan writes them: `22:00-06:00 Europe/Paris`, `mon-fri,sun 22:00-06:00 UTC`, or a list of such.

Pure: whether a window is open is a question about an instant that is passed in (a datetime with a zone); answers are
in UTC. A window follows its zone's wall clock, and two rules say what that means on the nights when the clock is set:

- `first_instant` begins it: a time that is left out counts as the instant at which the clock jumps over it, one that
  comes twice as the first of the two.
- `end_instant` ends it: it is over once the clock never again shows a time before its end.

So it is open whenever the clock shows a time within it, without a break, and no longer than that takes.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Self, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field
from pydantic_core import CoreSchema, core_schema

from crossfade.plan.faults import fault
from crossfade.plan.words import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(7))
EXPECTED = "expected a window such as 22:00-06:00 Europe/Paris or mon-fri 22:00-06:00 Europe/Paris"

_DAY = timedelta(days=1)
_TICK = datetime.resolution
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_ONE_DAY = f"(?:{'|'.join(DAYS)})"
_SOME_DAYS = f"{_ONE_DAY}(?:-{_ONE_DAY})?"
_NOT_THE_WORLDS = frozenset({"localtime", "Factory", "posixrules"})
"""Names that some systems list, and that mean another zone on each machine."""


class Span(NamedTuple):
    """From an instant to before another, both in UTC."""

    start: datetime
    end: datetime


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_THE_WORLDS


def checked_zone(name: str) -> str:
    """The name, if it is that of a time zone; a fault that names the nearest if not."""
    if name in _zones():
        return name
    place = name.rpartition("/")[2].casefold().replace(" ", "_")
    there = sorted(z for z in _zones() if z.rpartition("/")[2].casefold() == place)
    hint = f"did you mean {shown(there[0])}?" if there else nearest(name, _zones())
    raise fault(f"{shown(name)} is no time zone", hint or "for example `UTC` or `Europe/Paris`")


def delay_of_second(wall: datetime, zone: ZoneInfo) -> timedelta:
    """How long after its first occurrence a wall time occurs again: 0 if it does not, negative if it is left out."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return second - first


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which the clock of the zone shows this wall time (no zone) or a later one."""
    found = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    delay = delay_of_second(wall, zone)
    return found if delay >= timedelta(0) else _jump(found + delay, found, zone)


def end_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, from which the clock of the zone never again shows a time before this one."""
    before = wall - _TICK
    if delay_of_second(before, zone) > timedelta(0):
        return before.replace(tzinfo=zone, fold=1).astimezone(UTC) + _TICK
    return first_instant(wall, zone)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """When the clock was set forward, to the second: later than `before`, not later than `after`."""
    offset = after.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return before + timedelta(seconds=high)


class Written(ABC):
    """A value that is one text in the file and in JSON; `str` gives the canonical text, which `parse` reads back."""

    __slots__ = ()
    pattern: ClassVar[str]
    expected: ClassVar[str]
    examples: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Self:
        """Read the text; a fault says what is wrong with it."""

    @classmethod
    def read(cls, value: object) -> Self:
        """Read what a document has: a text, or a date that YAML made of one."""
        if isinstance(value, date) and not isinstance(value, datetime):
            return cls.parse(value.isoformat())
        if isinstance(value, str):
            return cls.parse(value)
        collection = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, tuple | list) else None
        got = "nothing" if value is None else collection or shown(value)
        raise fault(f"{cls.expected}; got {got}", "write it as one text")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in the file, this value in the model, a text again in JSON."""
        serialization = core_schema.to_string_ser_schema()
        return core_schema.no_info_plain_validator_function(cls.read, serialization=serialization)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string in the value's form."""
        return {"type": "string", "pattern": cls.pattern, "examples": list(cls.examples)}


@dataclass(frozen=True, slots=True)
class OneOrMore:
    """Marks a tuple of values as written alone or as a list; one is written alone in JSON too."""

    of: type[Written]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A list is read entry by entry, anything else as the only entry."""

        def read(value: object, listed: core_schema.ValidatorFunctionWrapHandler) -> object:
            return listed(tuple(value)) if isinstance(value, tuple | list) else (self.of.read(value),)

        def written(values: tuple[Written, ...]) -> str | list[str]:
            return str(values[0]) if len(values) == 1 else [str(v) for v in values]

        return core_schema.no_info_wrap_validator_function(
            read,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(written, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The list, or one of its entries."""
        listed = handler(schema)
        return {"oneOf": [listed, listed["items"]]}


@dataclass(frozen=True, slots=True)
class Window(Written):
    """From `start` to before `end` by the wall clock of `zone`; over midnight where `end` is not later.

    `days` are those on which it starts, 0 for Monday; every day if not given. Where both times are 00:00 it is open
    for the whole day.
    """

    pattern = rf"^(?:{_SOME_DAYS}(?:,{_SOME_DAYS})* )?{_HOURS.pattern} \S+$"
    expected = EXPECTED
    examples = ("22:00-06:00 Europe/Paris", "mon-fri 22:00-06:00 Europe/Paris", "sat,sun 00:00-24:00 UTC")

    start: time
    end: time
    zone: str
    days: frozenset[int] = EVERY_DAY

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read `HH:MM-HH:MM Zone`, with days such as `mon-fri,sun` in front if it is not for every day."""
        *days, hours, zone = text.split(" ") if text.count(" ") in (1, 2) else ("", "")
        found = _HOURS.fullmatch(hours)
        if found is None:
            raise fault(f"{EXPECTED}; got {shown(text)}", _slip(text))
        start, end = time(int(found[1]), int(found[2])), time(int(found[3] or 0), int(found[4] or 0))
        if start == end and found[3] is not None:
            raise fault(f"{shown(text)} never opens", "leave `window` out to work at all hours; a day is 00:00-24:00")
        return cls(start, end, checked_zone(zone), _days(days[0]) if days else EVERY_DAY)

    def is_open(self, at: datetime) -> bool:
        """Whether the window is open at this instant."""
        return next(self.openings(at)).start <= at

    def opens_after(self, at: datetime) -> datetime:
        """The next instant at which the window begins, after this one."""
        return next(o.start for o in self.openings(at) if o.start > at)

    def openings(self, at: datetime) -> Iterator[Span]:
        """The openings that end after this instant, in order and without end; one of a time left out is no opening."""
        zone, over_midnight = ZoneInfo(self.zone), _DAY if self.end <= self.start else timedelta(0)
        day = at.astimezone(zone).date() - _DAY
        while True:
            if day.weekday() in self.days:
                start = first_instant(datetime.combine(day, self.start), zone)
                end = end_instant(datetime.combine(day, self.end) + over_midnight, zone)
                if start < end and end > at:
                    yield Span(start, end)
            day += _DAY

    def __str__(self) -> str:
        end = "24:00" if self.start == self.end else f"{self.end:%H:%M}"
        hours = f"{self.start:%H:%M}-{end} {self.zone}"
        return hours if self.days == EVERY_DAY else f"{_days_in_words(self.days)} {hours}"


Windows: TypeAlias = Annotated[tuple[Window, ...], Field(min_length=1), OneOrMore(Window)]
"""Several windows: open when any of them is."""


def _slip(text: str) -> str:
    words = text.split()
    if words and _HOURS.fullmatch(words[-1]):
        return f"add the time zone: {shown(text.strip() + ' UTC')}, or another"
    if len(words) == 1 and re.fullmatch(_SOME_DAYS, text):
        return "add the hours and the time zone; within [ ] put all of it in quotes, for a comma ends the entry there"
    if len(words) > 3:
        return "write the days without spaces (mon-fri,sun), then the times and the time zone"
    return "write both times with four digits, and the time zone's name"


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        low, high = _day(first, part), _day(last if "-" in part else first, part)
        found.update(n % 7 for n in range(low, high + 1 if low <= high else high + 8))
    return frozenset(found)


def _day(name: str, part: str) -> int:
    if name in DAYS:
        return DAYS.index(name)
    known = {"weekdays": "write `mon-fri`", "weekday": "write `mon-fri`"}
    known |= dict.fromkeys(("weekend", "weekends"), "write `sat,sun`")
    hint = known.get(name.casefold()) or nearest(name, DAYS)
    where = "" if name == part else f" in {shown(part)}"
    raise fault(f"{shown(name)}{where} is no day", hint or f"the days are {', '.join(DAYS)}")


def _days_in_words(days: frozenset[int]) -> str:
    """Days from Monday on, three or more in a row as a range."""
    parts, left = [], sorted(days)
    while left:
        run = next(n for n in range(len(left), 0, -1) if left[n - 1] - left[0] == n - 1)
        row = [DAYS[d] for d in left[:run]]
        parts += [f"{row[0]}-{row[-1]}"] if run > 2 else row
        left = left[run:]
    return ",".join(parts)
