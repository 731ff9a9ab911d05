"""The hours in which batches may run: windows, less blackouts, until a deadline.

Pure: every question is about an instant that is passed in (a datetime with a zone), and instants in answers are in UTC.
`Hours` looks five years ahead and no further: what comes later than that counts as never. All of it goes through
`_pieces`, the openings from an instant on, cut at blackouts and at the deadline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import merge
from typing import TYPE_CHECKING, Annotated, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import Field

from crossfade.plan.faults import fault
from crossfade.plan.windows import OneOrMore, Span, Window, Written, checked_zone, end_instant, first_instant
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FARTHEST = timedelta(days=5 * 366)
"""How far ahead `Hours` looks."""

_DAY = timedelta(days=1)
_FOREVER = datetime.max.replace(tzinfo=UTC)
_DATE = r"2[0-9]{3}-[0-9]{2}-[0-9]{2}"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_EDGE = rf"{_DATE}(?:T{_TIME})?"
_BLACKOUT = re.compile(rf"({_EDGE})(?:\.\.({_EDGE}))?(?: (\S+))?")
_OFFSET = r"Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9]"
_DEADLINE = re.compile(rf"({_DATE}T{_TIME})(?:({_OFFSET})| (\S+))")


@dataclass(frozen=True, slots=True)
class Blackout(Written):
    """From `start` to before `end` by the wall clock of `zone`, once; both are naive."""

    pattern = rf"^{_EDGE}(?:\.\.{_EDGE})?(?: \S+)?$"
    expected = "expected a blackout such as 2026-12-24 or 2026-12-24..2026-12-26 Europe/Paris"
    examples = (
        "2026-12-24 Europe/Paris",
        "2026-12-24..2026-12-26 Europe/Paris",
        "2026-11-27T08:00..2026-11-30T20:00 Europe/Paris",
    )

    start: datetime
    end: datetime
    zone: str

    @classmethod
    def parse(cls, text: str) -> Blackout:
        """Read a day, or a range of days or times, both ends of it included; days without a zone are those of UTC."""
        found = _BLACKOUT.fullmatch(text)
        if found is None:
            raise fault(f"{cls.expected}; got {shown(text)}", _blackout_slip(text))
        first, last, zone = found[1], found[2] or found[1], found[3]
        if found[2] is None and "T" in first:
            raise fault(f"the blackout {shown(text)} has no end", f"write `{first}..`, its end and the time zone")
        if zone is None and "T" in first + last:
            raise fault(f"{shown(text)} does not say whose clock it means", "add the time zone: ` Europe/Paris`")
        start, end = _wall(first), _wall(last) + (timedelta(0) if "T" in last else _DAY)
        if end <= start:
            raise fault(f"the blackout {shown(text)} ends before it begins", "write the earlier one first")
        return cls(start, end, checked_zone(zone or "UTC"))

    @property
    def span(self) -> Span:
        """The instants it covers: every one at which the clock of the zone shows a time within it."""
        return _span(self.start, self.end, self.zone)

    def __str__(self) -> str:
        if self.start.time() == self.end.time() == datetime.min.time():
            first, last = f"{self.start:%Y-%m-%d}", f"{self.end - _DAY:%Y-%m-%d}"
        else:
            first, last = f"{self.start:%Y-%m-%dT%H:%M}", f"{self.end:%Y-%m-%dT%H:%M}"
        return f"{first} {self.zone}" if first == last else f"{first}..{last} {self.zone}"


@dataclass(frozen=True, slots=True)
class Deadline(Written):
    """An instant (UTC) from which no batch may run, and the zone in which it is shown."""

    pattern = rf"^{_DATE}T{_TIME}(?:{_OFFSET}| \S+)$"
    expected = "expected a deadline such as 2026-12-01T06:00 Europe/Paris"
    examples = ("2026-12-01T06:00 Europe/Paris", "2026-12-01T05:00Z")

    instant: datetime
    zone: str

    @classmethod
    def parse(cls, text: str) -> Deadline:
        """Read a date and time with its zone, or with its offset; of a time that comes twice the first is meant."""
        found = _DEADLINE.fullmatch(text)
        if found is None:
            raise fault(f"{cls.expected}; got {shown(text)}", _deadline_slip(text))
        wall = _wall(found[1])
        if found[2] is not None:
            return cls(datetime.fromisoformat(found[1] + found[2]).astimezone(UTC), "UTC")
        zone = checked_zone(found[3])
        return cls(first_instant(wall, ZoneInfo(zone)), zone)

    def __str__(self) -> str:
        return f"{self.instant.astimezone(ZoneInfo(self.zone)):%Y-%m-%dT%H:%M} {self.zone}"


Blackouts: TypeAlias = Annotated[tuple[Blackout, ...], Field(min_length=1), OneOrMore(Blackout)]
"""Several blackouts: closed when any of them covers the instant."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When batches may run: in any of the windows (always if there are none), in no blackout, before the deadline."""

    windows: tuple[Window, ...] = ()
    blackout: tuple[Blackout, ...] = ()
    deadline: Deadline | None = None

    def is_open(self, at: datetime) -> bool:
        """Whether a batch may run at this instant."""
        if self.deadline is not None and at >= self.deadline.instant:
            return False
        if any(start <= at < end for start, end in (b.span for b in self.blackout)):
            return False
        return not self.windows or any(w.is_open(at) for w in self.windows)

    def closed_because(self, at: datetime) -> str | None:
        """The one reason why it is closed, in words, with when it opens again; None while it is open."""
        if self.deadline is not None and at >= self.deadline.instant:
            return f"the deadline {_shown_in(self.deadline.zone, self.deadline.instant)} is over"
        covering = [b for b in self.blackout if b.span.start <= at < b.span.end]
        if covering:
            longest = max(covering, key=lambda b: b.span.end)
            return f"blackout {longest}{self._until(at, longest.zone)}"
        if self.is_open(at):
            return None
        names = " and ".join(map(str, self.windows))
        opens = self.opens_after(at)
        zone = next((w.zone for w in self.windows if opens and w.is_open(opens)), self.windows[0].zone)
        return f"outside the window{'s' * (len(self.windows) > 1)} {names}{self._until(at, zone)}"

    def opens_after(self, at: datetime) -> datetime | None:
        """The next instant after this one at which it opens, having been closed; None if it never does."""
        end = at
        for piece in self._pieces(at):
            if piece.start > end:
                return piece.start
            end = piece.end
        return None

    def closes_after(self, at: datetime) -> datetime | None:
        """The next instant after this one at which it closes: the end of the opening that is on, else of the next."""
        end = None
        for piece in self._pieces(at):
            if end is not None and piece.start > end:
                break
            end = piece.end
        return None if end is None or end > at + FARTHEST else end

    def admits(self, at: datetime, seconds: float) -> bool:
        """Whether a batch that takes this long may begin now: it is open, and stays so until the batch ends."""
        end, needed = at, at + timedelta(seconds=seconds)
        for piece in self._pieces(at):
            if piece.start > end:
                return False
            end = piece.end
            if end >= needed:
                return True
        return False

    def finish_of(self, at: datetime, working_seconds: float) -> datetime | None:
        """When so much time will have been worked from this instant on, in open hours only; None if never."""
        if working_seconds <= 0:
            return at
        if not working_seconds <= FARTHEST.total_seconds():
            return None
        left = timedelta(seconds=working_seconds)
        for piece in self._pieces(at):
            if piece.end - piece.start >= left:
                finish = piece.start + left
                return finish if finish <= at + FARTHEST else None
            left -= piece.end - piece.start
        return None

    def _pieces(self, at: datetime) -> Iterator[Span]:
        """What is open from this instant on, in order and without overlap; neighbours may touch."""
        at = at.astimezone(UTC)
        openings = merge(*(w.openings(at) for w in self.windows)) if self.windows else iter([Span(at, _FOREVER)])
        until = self.deadline.instant if self.deadline else _FOREVER
        shut = sorted(b.span for b in self.blackout)
        start = at
        for opening in openings:
            start = max(start, opening.start)
            if start >= until or start > at + FARTHEST:
                return
            end = min(opening.end, until)
            yield from (p for p in _without(Span(start, end), shut) if p.start <= at + FARTHEST)
            start = max(start, end)

    def _until(self, at: datetime, zone: str) -> str:
        opens = self.opens_after(at)
        if opens is not None:
            return f" until {_shown_in(zone, opens)}"
        if self.deadline is not None:
            return f", and not open again before the deadline {_shown_in(self.deadline.zone, self.deadline.instant)}"
        return ", and not open again within five years"


@lru_cache(maxsize=4096)
def _span(start: datetime, end: datetime, zone: str) -> Span:
    return Span(first_instant(start, ZoneInfo(zone)), end_instant(end, ZoneInfo(zone)))


def _without(span: Span, shut: Iterable[Span]) -> Iterator[Span]:
    """What the spans in `shut`, which are in order, leave of this one."""
    start, end = span
    for closed in shut:
        if closed.start >= end:
            break
        if start < closed.start:
            yield Span(start, closed.start)
        start = max(start, closed.end)
    if start < end:
        yield Span(start, end)


def _shown_in(zone: str, instant: datetime) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def _wall(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise fault(f"{shown(text)} is no date", "check the month, and how many days it has") from None


def _blackout_slip(text: str) -> str:
    if re.fullmatch(rf"{_EDGE}(?:{_OFFSET})\.\..*", text):
        return "write times without an offset, and one time zone at the end"
    if re.match(rf"{_EDGE} ?(?:-|/|\.{{3}}|to|until) ?{_EDGE}", text):
        return "write a range with two dots: 2026-12-24..2026-12-26"
    return "write dates as 2026-12-24, times as 2026-12-24T08:00, and the time zone at the end"


def _deadline_slip(text: str) -> str:
    date = re.match(_DATE, text)
    if re.fullmatch(rf"{_DATE}T{_TIME}", text):
        return f"add the time zone: {shown(text + ' Europe/Paris')}, or `{text}Z` for UTC"
    if date is not None and re.fullmatch(rf"{_DATE}(?: [A-Za-z]\S*)?", text):
        return f"say the time of day too: `{date[0]}T00:00` and the time zone"
    return "write the date, a T, hours and minutes, and the time zone"
