"""When a plan runs again and again: a cron expression in a time zone, and what becomes of firings that were missed.

Pure: instants are passed in (datetimes with a zone) and answers are in UTC. cronsim matches the expression against the
wall clock; what a wall time means on the nights when the clock is set is decided here, and as Debian's cron has it:

- Where neither minute nor hour begins with `*`, a time that is left out fires once, at the instant at which the clock
  jumps over it, and one that comes twice fires the first time.
- Otherwise (`*/15 2 * * *`, `0 * * * *`) firings follow the clock: a time that is left out does not fire, and one that
  comes twice fires twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from crossfade.plan.entries import PlanPart
from crossfade.plan.faults import fault
from crossfade.plan.windows import checked_zone, delay_of_second, first_instant
from crossfade.plan.words import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MOST_CAUGHT_UP = 100
"""How many missed firings `catch_up: all` makes good at a time, oldest first."""

_EXAMPLE = "`30 22 * * mon-fri`"
_LONGEST = 200
_SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("minute", "0 to 59", ()),
    ("hour", "0 to 23", ()),
    ("day of the month", "1 to 31, or L for the last", ()),
    ("month", "1 to 12, or jan to dec", _MONTHS),
    ("weekday", "0 to 7, where 0 and 7 are Sunday, or sun to sat", _WEEKDAYS),
)


def checked_cron(text: str) -> str:
    """The expression with single spaces, if it is one of five fields that comes true on some day; a fault if not."""
    fields = text.split()
    if len(fields) != len(_FIELDS) or len(text) > _LONGEST:
        raise fault(
            f"expected five fields: minute, hour, day of the month, month and weekday; got {shown(text)}",
            _cron_slip(text, fields),
        )
    for n, field in enumerate(fields):
        alone = " ".join(field if m == n else "*" for m in range(len(fields)))
        if not _fires(alone):
            name, range_, names = _FIELDS[n]
            hint = nearest(field, names) if field.isalpha() and names else None
            upwards = "; ranges go upwards" if "-" in field else ""
            raise fault(f"{shown(field)} is no {name}", hint or f"write {range_}{upwards}")
    if not _fires(" ".join(fields)):
        raise fault(f"{shown(text)} never fires", "no month that it names has such a day")
    return " ".join(fields)


class Schedule(PlanPart):
    """When the plan runs again and again."""

    cron: Annotated[str, AfterValidator(checked_cron)] = Field(
        description="Minute, hour, day of the month, month and weekday, as cron has them.",
        examples=["30 22 * * mon-fri"],
    )
    zone: Annotated[str, AfterValidator(checked_zone)] = Field(
        default="UTC", description="The time zone whose clock `cron` means.", examples=["Europe/Paris"]
    )
    overlap: Literal["skip", "queue", "replace"] = Field(
        default="skip", description="What happens to a firing while an earlier one is under way."
    )
    catch_up: Literal["latest", "all", "none"] = Field(
        default="latest", description="Which firings are made good that nobody was there for."
    )

    def next_after(self, at: datetime) -> datetime:
        """The first firing after this instant."""
        wall, margin = self._clock(at)
        return min(self._nearest(CronSim(self.cron, wall - margin), lambda instant: instant > at))

    def latest_until(self, at: datetime) -> datetime:
        """The last firing at or before this instant."""
        wall, margin = self._clock(at)
        return max(self._nearest(CronSim(self.cron, wall + margin, reverse=True), lambda instant: instant <= at))

    def firings(self, after: datetime, upto: datetime, limit: int = 1000) -> tuple[datetime, ...]:
        """The firings after one instant and at or before another, oldest first, and no more than `limit` of them."""
        return tuple(islice(self._between(after, upto), limit))

    def due(self, last: datetime, now: datetime, grace: timedelta = timedelta(minutes=1)) -> tuple[datetime, ...]:
        """The firings to be made good now, oldest first, if everything up to `last` has been seen to.

        `none`: the latest one, if it is not older than `grace`; `latest`: the latest one; `all`: every one, but
        no more than `MOST_CAUGHT_UP` at a time. What is not made good is gone, once `last` is later.
        """
        if self.catch_up == "all":
            return self.firings(last, now, MOST_CAUGHT_UP)
        latest = self.latest_until(now)
        missed = latest > last and (self.catch_up == "latest" or now - latest <= grace)
        return (latest,) if missed else ()

    def _between(self, after: datetime, upto: datetime) -> Iterator[datetime]:
        at = self.next_after(after)
        while at <= upto:
            yield at
            at = self.next_after(at)

    def _clock(self, at: datetime) -> tuple[datetime, timedelta]:
        """What the clock shows, and how far on its other side to begin looking for wall times.

        While times come twice, an instant to come can have a wall time that has been, and the other way round.
        """
        zone = ZoneInfo(self.zone)
        wall = at.astimezone(zone).replace(tzinfo=None, fold=0)
        return wall, delay_of_second(wall, zone) + timedelta(minutes=1)

    def _nearest(self, walls: Iterable[datetime], fits: Callable[[datetime], bool]) -> list[datetime]:
        """Instants that fit, of wall times in order: one, or those of all the times around it that come twice."""
        found: list[datetime] = []
        for wall in walls:
            instants = self._instants(wall)
            found += filter(fits, instants)
            if found and len(instants) == 1:
                break
        return found

    def _instants(self, wall: datetime) -> tuple[datetime, ...]:
        zone = ZoneInfo(self.zone)
        minute, hour = self.cron.split()[:2]
        once = not minute.startswith("*") and not hour.startswith("*")
        first, delay = first_instant(wall, zone), delay_of_second(wall, zone)
        if once or not delay:
            return (first,)
        return (first, first + delay) if delay > timedelta(0) else ()


def _fires(cron: str) -> bool:
    try:
        next(CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return True


def _cron_slip(text: str, fields: list[str]) -> str:
    if text.strip().casefold() in _SHORTHANDS:
        return f"write `{_SHORTHANDS[text.strip().casefold()]}`"
    if len(fields) == len(_FIELDS) + 1:
        return f"there is no field for seconds, years or a command: write {_EXAMPLE}; the time zone goes into `zone`"
    return f"for example {_EXAMPLE}"
