"""When batches may run: one table over the questions that `Hours` answers, and what holds for all hours there can be.

The table's instants are written as the clock of the place shows them, with its offset. The clock is set in 2026: in
Paris on 29 March (02:00 to 03:00) and 25 October (03:00 to 02:00), in New York on 8 March (02:00 to 03:00) and
1 November (02:00 to 01:00), in Havana on 1 November (01:00 to 00:00), and on Lord Howe Island, by half an hour, on
5 April (02:00 to 01:30) and 4 October (02:00 to 02:30).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from crossfade.plan.hours import FARTHEST, Blackout, Blackouts, Deadline, Hours
from crossfade.plan.windows import EVERY_DAY, Window

if TYPE_CHECKING:
    from collections.abc import Callable


def hours(*windows: str, blackout: tuple[str, ...] = (), deadline: str | None = None) -> Hours:
    return Hours(
        tuple(map(Window.parse, windows)),
        tuple(map(Blackout.parse, blackout)),
        Deadline.parse(deadline) if deadline else None,
    )


ALWAYS = hours()
NIGHT = hours("22:00-06:00 Europe/Paris")
EARLY = hours("01:30-02:30 Europe/Paris")
GAP = hours("02:15-02:45 Europe/Paris")
LATE = hours("02:30-04:00 Europe/Paris")
TO_TWO = hours("22:00-02:00 Europe/Paris")
NEW_YORK = hours("23:00-01:30 America/New_York")
LORD_HOWE = hours("01:00-02:15 Australia/Lord_Howe")
KATHMANDU = hours("22:00-06:00 Asia/Kathmandu")
WORKDAYS = hours("mon-fri 22:00-06:00 Europe/Paris")
FRIDAY = hours("fri 22:00-06:00 Europe/Paris")
WEEKEND = hours("sat,sun 00:00-24:00 UTC")
HAVANA = hours("sat 00:00-24:00 America/Havana")
TWICE = hours("02:00-04:00 UTC", "12:00-13:00 UTC")
OVERLAP = hours("22:00-02:00 UTC", "01:00-05:00 UTC", "05:00-06:00 UTC")
ROUND = hours("06:00-22:00 UTC", "22:00-06:00 UTC")
TWO_ZONES = hours("20:00-22:00 Europe/Paris", "16:00-18:00 America/New_York")
CHRISTMAS = hours("22:00-06:00 Europe/Paris", blackout=("2026-12-24..2026-12-26 Europe/Paris",))
SALE = hours(blackout=("2026-11-27T08:00..2026-11-30T20:00 Europe/Paris",))
TWO_SHUT = hours("sat,sun 00:00-24:00 UTC", blackout=("2026-12-06", "2026-12-05T12:00..2026-12-05T14:00 UTC"))
DUE = hours("22:00-06:00 Europe/Paris", deadline="2026-12-01T02:00 Europe/Paris")
SHUT_TO_THE_END = hours(blackout=("2026-12-01..2026-12-31",), deadline="2026-12-20T00:00 UTC")
SHUT_FOR_LONG = hours("22:00-06:00 UTC", blackout=("2026-01-01..2039-12-31",))
SHUT_ALWAYS = hours(blackout=("2026-01-01..2039-12-31",))
SHUT_UNTIL_2029 = hours(blackout=("2026-01-01..2028-12-31",))
NESTED = hours(blackout=("2026-12-01..2026-12-20", "2026-12-10..2026-12-12"))
DAY_SET_FORWARD = hours(blackout=("2026-03-29 Europe/Paris",))
DAY_SET_BACK = hours(blackout=("2026-10-25 Europe/Paris",))


def is_open(asked: Hours, at: datetime) -> bool:
    return asked.is_open(at)


def opens(asked: Hours, at: datetime) -> datetime | None:
    return asked.opens_after(at)


def closes(asked: Hours, at: datetime) -> datetime | None:
    return asked.closes_after(at)


def because(asked: Hours, at: datetime) -> str | None:
    return asked.closed_because(at)


def admits(seconds: float) -> Callable[[Hours, datetime], bool]:
    return lambda asked, at: asked.admits(at, seconds)


def finish(hours_of_work: float) -> Callable[[Hours, datetime], datetime | None]:
    return lambda asked, at: asked.finish_of(at, hours_of_work * 3600)


TABLE = [
    # A window over midnight on an ordinary night.
    pytest.param(NIGHT, is_open, "2026-06-01T21:59:59+02:00", False, id="a second before it opens"),
    pytest.param(NIGHT, is_open, "2026-06-01T22:00+02:00", True, id="its start is in it"),
    pytest.param(NIGHT, is_open, "2026-06-02T00:00+02:00", True, id="midnight is in it"),
    pytest.param(NIGHT, is_open, "2026-06-02T06:00+02:00", False, id="its end is not in it"),
    pytest.param(NIGHT, opens, "2026-06-01T12:00+02:00", "2026-06-01T22:00+02:00", id="by day: opens tonight"),
    pytest.param(NIGHT, opens, "2026-06-01T23:00+02:00", "2026-06-02T22:00+02:00", id="by night: opens the next"),
    pytest.param(NIGHT, closes, "2026-06-01T23:00+02:00", "2026-06-02T06:00+02:00", id="by night: closes at six"),
    pytest.param(NIGHT, closes, "2026-06-01T12:00+02:00", "2026-06-02T06:00+02:00", id="by day: the next closing"),
    pytest.param(KATHMANDU, opens, "2026-06-01T12:00+00:00", "2026-06-01T16:15+00:00", id="an odd offset: opens"),
    pytest.param(KATHMANDU, closes, "2026-06-01T20:00+00:00", "2026-06-02T00:15+00:00", id="an odd offset: closes"),
    # Paris, the clock set forward: 02:00 to 03:00.
    pytest.param(NIGHT, finish(7), "2026-03-28T22:00+01:00", "2026-03-29T06:00+02:00", id="spring: seven hours long"),
    pytest.param(EARLY, closes, "2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00", id="spring: its end is left out"),
    pytest.param(LATE, opens, "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00", id="spring: its start is left out"),
    pytest.param(LATE, closes, "2026-03-29T01:00+01:00", "2026-03-29T04:00+02:00", id="spring: its end is not"),
    pytest.param(GAP, opens, "2026-03-28T12:00+01:00", "2026-03-30T02:15+02:00", id="spring: all of it is left out"),
    pytest.param(GAP, is_open, "2026-03-29T03:00+02:00", False, id="spring: left out is not moved"),
    pytest.param(TO_TWO, closes, "2026-03-28T23:00+01:00", "2026-03-29T03:00+02:00", id="spring: ends at the jump"),
    # Paris, the clock set back: 03:00 to 02:00.
    pytest.param(NIGHT, finish(9), "2026-10-24T22:00+02:00", "2026-10-25T06:00+01:00", id="autumn: nine hours long"),
    pytest.param(EARLY, closes, "2026-10-25T01:30+02:00", "2026-10-25T02:30+01:00", id="autumn: the second end"),
    pytest.param(EARLY, is_open, "2026-10-25T02:45+02:00", True, id="autumn: no break between the two ends"),
    pytest.param(EARLY, finish(2), "2026-10-25T01:30+02:00", "2026-10-25T02:30+01:00", id="autumn: an hour longer"),
    pytest.param(LATE, opens, "2026-10-25T01:00+02:00", "2026-10-25T02:30+02:00", id="autumn: the first start"),
    pytest.param(LATE, is_open, "2026-10-25T02:15+01:00", True, id="autumn: not closed again at the second"),
    pytest.param(TO_TWO, closes, "2026-10-25T00:00+02:00", "2026-10-25T02:00+02:00", id="autumn: ends as times repeat"),
    pytest.param(TO_TWO, is_open, "2026-10-25T02:00+01:00", False, id="autumn: and stays closed"),
    # New York, Lord Howe Island and Havana.
    pytest.param(NEW_YORK, closes, "2026-03-07T23:00-05:00", "2026-03-08T01:30-05:00", id="New York, spring"),
    pytest.param(NEW_YORK, closes, "2026-10-31T23:00-04:00", "2026-11-01T01:30-05:00", id="New York, autumn"),
    pytest.param(NEW_YORK, finish(4), "2026-10-31T23:00-04:00", "2026-11-01T23:30-05:00", id="New York, two nights"),
    pytest.param(LORD_HOWE, closes, "2026-10-04T01:00+10:30", "2026-10-04T02:30+11:00", id="Lord Howe, spring"),
    pytest.param(
        LORD_HOWE, finish(1), "2026-10-04T01:00+10:30", "2026-10-04T02:30+11:00", id="Lord Howe, an hour left"
    ),
    pytest.param(LORD_HOWE, closes, "2026-04-05T01:00+11:00", "2026-04-05T02:15+10:30", id="Lord Howe, autumn"),
    pytest.param(LORD_HOWE, is_open, "2026-04-05T01:45+10:30", True, id="Lord Howe, the second 01:45"),
    pytest.param(HAVANA, closes, "2026-10-31T12:00-04:00", "2026-11-01T00:00-04:00", id="Havana, the first midnight"),
    # Days: a window belongs to the one on which it starts.
    pytest.param(FRIDAY, is_open, "2026-06-05T23:00+02:00", True, id="Friday night"),
    pytest.param(FRIDAY, is_open, "2026-06-06T05:59+02:00", True, id="Saturday morning is Friday's"),
    pytest.param(FRIDAY, is_open, "2026-06-05T05:00+02:00", False, id="Friday morning is Thursday's"),
    pytest.param(FRIDAY, opens, "2026-06-05T22:00+02:00", "2026-06-12T22:00+02:00", id="a week until it opens again"),
    pytest.param(WORKDAYS, opens, "2026-06-06T06:00+02:00", "2026-06-08T22:00+02:00", id="over the weekend"),
    pytest.param(WORKDAYS, is_open, "2026-06-08T03:00+02:00", False, id="Monday morning is Sunday's"),
    pytest.param(WEEKEND, opens, "2026-06-05T12:00+00:00", "2026-06-06T00:00+00:00", id="whole days: from midnight"),
    pytest.param(WEEKEND, closes, "2026-06-06T12:00+00:00", "2026-06-08T00:00+00:00", id="whole days: two are one"),
    pytest.param(WEEKEND, opens, "2026-06-06T12:00+00:00", "2026-06-13T00:00+00:00", id="whole days: not on Sunday"),
    # Several windows.
    pytest.param(TWICE, opens, "2026-06-01T03:00+00:00", "2026-06-01T12:00+00:00", id="two: the other is next"),
    pytest.param(TWICE, closes, "2026-06-01T12:30+00:00", "2026-06-01T13:00+00:00", id="two: the one that is open"),
    pytest.param(OVERLAP, closes, "2026-06-01T23:00+00:00", "2026-06-02T06:00+00:00", id="overlapping, touching: one"),
    pytest.param(OVERLAP, opens, "2026-06-02T01:30+00:00", "2026-06-02T22:00+00:00", id="overlapping: opens as one"),
    pytest.param(
        OVERLAP, finish(9), "2026-06-01T22:00+00:00", "2026-06-02T23:00+00:00", id="overlapping: counted once"
    ),
    pytest.param(ROUND, closes, "2026-06-01T12:00+00:00", None, id="all round the clock: never closes"),
    pytest.param(ROUND, opens, "2026-06-01T12:00+00:00", None, id="all round the clock: nor opens"),
    pytest.param(TWO_ZONES, closes, "2026-06-01T20:30+02:00", "2026-06-02T00:00+02:00", id="two zones touch"),
    pytest.param(
        TWO_ZONES, closes, "2026-03-20T20:30+01:00", "2026-03-20T23:00+01:00", id="two zones overlap in March"
    ),
    # Blackouts.
    pytest.param(SALE, is_open, "2026-11-27T07:59+01:00", True, id="before the sale"),
    pytest.param(SALE, closes, "2026-11-20T00:00+01:00", "2026-11-27T08:00+01:00", id="closes for the sale"),
    pytest.param(SALE, opens, "2026-11-20T00:00+01:00", "2026-11-30T20:00+01:00", id="opens after the sale"),
    pytest.param(SALE, closes, "2026-12-01T00:00+01:00", None, id="after the sale for ever"),
    pytest.param(CHRISTMAS, closes, "2026-12-23T23:00+01:00", "2026-12-24T00:00+01:00", id="cuts a window short"),
    pytest.param(CHRISTMAS, opens, "2026-12-23T23:00+01:00", "2026-12-27T00:00+01:00", id="opens inside a window"),
    pytest.param(CHRISTMAS, finish(4), "2026-12-23T23:00+01:00", "2026-12-27T03:00+01:00", id="works around it"),
    pytest.param(TWO_SHUT, closes, "2026-12-05T13:00+00:00", "2026-12-06T00:00+00:00", id="two in one weekend"),
    pytest.param(TWO_SHUT, finish(23), "2026-12-05T00:00+00:00", "2026-12-12T01:00+00:00", id="both are left out"),
    pytest.param(DAY_SET_FORWARD, opens, "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00", id="a day of 23 hours"),
    pytest.param(DAY_SET_BACK, opens, "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00", id="a day of 25 hours"),
    pytest.param(SHUT_FOR_LONG, opens, "2026-06-01T00:00+00:00", None, id="later than five years is never"),
    pytest.param(SHUT_ALWAYS, opens, "2026-06-01T00:00+00:00", None, id="nor without windows"),
    pytest.param(NESTED, opens, "2026-12-11T00:00+00:00", "2026-12-21T00:00+00:00", id="one in another"),
    pytest.param(SHUT_UNTIL_2029, finish(1), "2026-06-01T00:00+00:00", "2029-01-01T01:00+00:00", id="within five"),
    pytest.param(SHUT_UNTIL_2029, finish(30_000), "2026-06-01T00:00+00:00", None, id="begun within five, done later"),
    pytest.param(SHUT_FOR_LONG, finish(1), "2026-06-01T00:00+00:00", None, id="never done"),
    # The deadline.
    pytest.param(DUE, closes, "2026-11-30T23:00+01:00", "2026-12-01T02:00+01:00", id="ends the last window"),
    pytest.param(DUE, is_open, "2026-12-01T02:00+01:00", False, id="is over at once"),
    pytest.param(DUE, opens, "2026-11-30T23:00+01:00", None, id="nothing opens after it"),
    pytest.param(DUE, closes, "2026-12-02T00:00+01:00", None, id="nothing closes after it"),
    pytest.param(DUE, finish(3), "2026-11-30T23:00+01:00", "2026-12-01T02:00+01:00", id="just in time"),
    pytest.param(DUE, finish(3.01), "2026-11-30T23:00+01:00", None, id="not in time"),
    pytest.param(SHUT_TO_THE_END, opens, "2026-11-30T12:00+00:00", None, id="a blackout until the deadline"),
    # May a batch begin?
    pytest.param(NIGHT, admits(90), "2026-06-02T05:58:30+02:00", True, id="a batch that ends as it closes"),
    pytest.param(NIGHT, admits(91), "2026-06-02T05:58:30+02:00", False, id="a second too long"),
    pytest.param(NIGHT, admits(0.1), "2026-06-02T12:00+02:00", False, id="none by day"),
    pytest.param(ROUND, admits(7200), "2026-06-01T21:00+00:00", True, id="from one window into the next"),
    pytest.param(CHRISTMAS, admits(7200), "2026-12-23T23:00+01:00", False, id="not into a blackout"),
    pytest.param(DUE, admits(7200), "2026-12-01T00:30+01:00", False, id="not past the deadline"),
    pytest.param(EARLY, admits(5400), "2026-10-25T01:30+02:00", True, id="longer on the autumn night"),
    pytest.param(EARLY, admits(5400), "2026-10-26T01:30+01:00", False, id="not on the next"),
    pytest.param(ALWAYS, admits(86_400), "2026-06-01T12:00+00:00", True, id="always"),
    # When will it be done?
    pytest.param(ALWAYS, finish(50), "2026-06-01T12:00+00:00", "2026-06-03T14:00+00:00", id="without hours"),
    pytest.param(ALWAYS, finish(50_000), "2026-06-01T12:00+00:00", None, id="without hours: in six years"),
    pytest.param(ALWAYS, finish(float("inf")), "2026-06-01T12:00+00:00", None, id="without hours: at no rate"),
    pytest.param(NIGHT, finish(0), "2026-06-01T12:00+02:00", "2026-06-01T12:00+02:00", id="no work: now"),
    pytest.param(NIGHT, finish(1), "2026-06-01T12:00+02:00", "2026-06-01T23:00+02:00", id="waits for the window"),
    pytest.param(NIGHT, finish(20), "2026-06-01T22:00+02:00", "2026-06-04T02:00+02:00", id="three nights"),
    pytest.param(FRIDAY, finish(8.5), "2026-06-05T22:00+02:00", "2026-06-12T22:30+02:00", id="two Fridays"),
    # Why is it closed?
    pytest.param(ALWAYS, because, "2026-06-01T12:00+00:00", None, id="it is open"),
    pytest.param(
        WORKDAYS,
        because,
        "2026-11-26T12:00+01:00",
        "outside the window mon-fri 22:00-06:00 Europe/Paris until 2026-11-26 22:00 CET",
        id="outside the window",
    ),
    pytest.param(
        TWO_ZONES,
        because,
        "2026-06-02T00:30+02:00",
        "outside the windows 20:00-22:00 Europe/Paris and 16:00-18:00 America/New_York until 2026-06-02 20:00 CEST",
        id="outside the windows",
    ),
    pytest.param(
        CHRISTMAS,
        because,
        "2026-12-24T12:00+01:00",
        "blackout 2026-12-24..2026-12-26 Europe/Paris until 2026-12-27 00:00 CET",
        id="blackout, not window",
    ),
    pytest.param(
        TWO_SHUT, because, "2026-12-06T12:00+00:00", "blackout 2026-12-06 UTC until 2026-12-12 00:00 UTC", id="and then"
    ),
    pytest.param(
        NESTED,
        because,
        "2026-12-11T00:00+00:00",
        "blackout 2026-12-01..2026-12-20 UTC until 2026-12-21 00:00 UTC",
        id="of two blackouts the longer",
    ),
    pytest.param(DUE, because, "2026-12-05T23:00+01:00", "the deadline 2026-12-01 02:00 CET is over", id="deadline"),
    pytest.param(
        SHUT_TO_THE_END,
        because,
        "2026-12-05T00:00+00:00",
        "blackout 2026-12-01..2026-12-31 UTC, and not open again before the deadline 2026-12-20 00:00 UTC",
        id="closed for good",
    ),
    pytest.param(
        SHUT_FOR_LONG,
        because,
        "2026-12-05T00:00+00:00",
        "blackout 2026-01-01..2039-12-31 UTC, and not open again within five years",
        id="closed for long",
    ),
]


@pytest.mark.parametrize(("asked", "question", "at", "answer"), TABLE)
def test_hours(asked: Hours, question: Callable[[Hours, datetime], Any], at: str, answer: Any) -> None:
    found = question(asked, datetime.fromisoformat(at))
    assert found == (datetime.fromisoformat(answer) if isinstance(found, datetime) else answer)


ZONES = ("UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana")
QUARTERS = st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30, 45)))
NAIVE = st.builds(
    lambda quarters: datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(minutes=15 * quarters),
    st.integers(0, 2 * 365 * 96),
)
WINDOW = st.builds(
    Window,
    QUARTERS,
    QUARTERS,
    st.sampled_from(ZONES),
    st.frozensets(st.integers(0, 6), min_size=1),
).filter(lambda w: w.start != w.end or w.start == time(0))
BLACKOUT = st.builds(
    lambda start, minutes, zone: Blackout(start, start + timedelta(minutes=15 * minutes), zone),
    NAIVE,
    st.integers(1, 3 * 96),
    st.sampled_from(ZONES),
)
DEADLINE = st.builds(lambda wall, zone: Deadline.parse(f"{wall:%Y-%m-%dT%H:%M} {zone}"), NAIVE, st.sampled_from(ZONES))
HOURS = st.builds(
    Hours,
    st.lists(WINDOW, max_size=3).map(tuple),
    st.lists(BLACKOUT, max_size=3).map(tuple),
    st.none() | DEADLINE,
)
# Nights on which a clock is set are half of the examples.
SET = [datetime(2026, *day, 12, tzinfo=UTC) for day in ((3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31))]
INSTANT = st.builds(
    lambda start, seconds: start + timedelta(seconds=seconds), st.sampled_from(SET), st.integers(0, 86_400)
) | NAIVE.map(lambda wall: wall.replace(tzinfo=UTC))
TICK = timedelta(microseconds=1)


@settings(deadline=None)
@given(HOURS, INSTANT)
def test_it_changes_at_the_next_boundary_and_not_before(asked: Hours, at: datetime) -> None:
    is_open = asked.is_open(at)
    boundary = asked.closes_after(at) if is_open else asked.opens_after(at)
    probe = at + FARTHEST / 2 if boundary is None else at + (boundary - at) / 2
    assert asked.is_open(probe) is is_open
    assert (asked.closed_because(at) is None) is is_open
    if boundary is not None:
        assert boundary > at
        assert asked.is_open(boundary - TICK) is is_open
        assert asked.is_open(boundary) is not is_open


@settings(deadline=None)
@given(HOURS, INSTANT)
def test_openings_and_closings_take_turns(asked: Hours, at: datetime) -> None:
    opens, closes = asked.opens_after(at), asked.closes_after(at)
    assume(opens is not None and closes is not None)
    assert opens is not None
    assert closes is not None
    if asked.is_open(at):
        assert closes < opens
        assert asked.opens_after(closes) == opens
    else:
        assert opens < closes
        assert asked.closes_after(opens) == closes


@settings(deadline=None)
@given(HOURS, INSTANT)
def test_the_work_of_an_opening_is_done_as_it_closes(asked: Hours, at: datetime) -> None:
    assume(asked.is_open(at))
    closes = asked.closes_after(at)
    assume(closes is not None)
    assert closes is not None
    seconds = (closes - at).total_seconds()
    assert asked.finish_of(at, seconds) == closes
    assert asked.admits(at, seconds)
    assert not asked.admits(at, seconds + 1)
    later = asked.finish_of(at, seconds + 1)
    assert later is None or later > closes + timedelta(seconds=1)


@settings(deadline=None)
@given(HOURS, INSTANT, st.integers(1, 200_000), st.integers(1, 200_000))
def test_work_may_be_counted_in_two_parts(asked: Hours, at: datetime, first: int, second: int) -> None:
    between, done = asked.finish_of(at, first), asked.finish_of(at, first + second)
    assume(done is not None)
    assert between is not None
    assert asked.finish_of(between, second) == done


@given(WINDOW, INSTANT)
def test_a_window_is_open_whenever_the_clock_shows_a_time_within_it(window: Window, at: datetime) -> None:
    wall = at.astimezone(ZoneInfo(window.zone))
    days = (wall.date(), wall.date() - timedelta(days=1))
    over = timedelta(days=window.end <= window.start)
    shown = any(
        datetime.combine(day, window.start) <= wall.replace(tzinfo=None) < datetime.combine(day, window.end) + over
        for day in days
        if day.weekday() in window.days
    )
    if shown or window.zone in {"UTC", "Asia/Kathmandu"}:
        assert window.is_open(at) is shown


@given(HOURS)
def test_all_of_it_is_read_as_it_was_written(asked: Hours) -> None:
    assert asked.windows == tuple(Window.parse(str(w)) for w in asked.windows)
    assert asked.blackout == tuple(Blackout.parse(str(b)) for b in asked.blackout)
    assert asked.deadline is None or asked.deadline == Deadline.parse(str(asked.deadline))
    assert all(w.days == EVERY_DAY or str(w)[:3].isalpha() for w in asked.windows)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-12-24", "2026-12-24 UTC"),
        ("2026-12-24 Europe/Paris", "2026-12-24 Europe/Paris"),
        ("2026-12-24..2026-12-26", "2026-12-24..2026-12-26 UTC"),
        ("2026-12-24..2026-12-24 UTC", "2026-12-24 UTC"),
        ("2026-11-27T08:00..2026-11-30T20:00 Europe/Paris", "2026-11-27T08:00..2026-11-30T20:00 Europe/Paris"),
        ("2026-11-27T08:00..2026-11-30 Europe/Paris", "2026-11-27T08:00..2026-12-01T00:00 Europe/Paris"),
        ("2026-11-27T00:00..2026-11-30T00:00 UTC", "2026-11-27..2026-11-29 UTC"),
        ("2028-02-29", "2028-02-29 UTC"),
    ],
)
def test_a_blackout_has_one_spelling(text: str, canonical: str) -> None:
    assert str(Blackout.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-12-01T06:00 Europe/Paris", "2026-12-01T06:00 Europe/Paris"),
        ("2026-12-01T06:00Z", "2026-12-01T06:00 UTC"),
        ("2026-12-01T06:00+01:00", "2026-12-01T05:00 UTC"),
        ("2026-03-29T02:30 Europe/Paris", "2026-03-29T03:00 Europe/Paris"),
    ],
)
def test_a_deadline_has_one_spelling(text: str, canonical: str) -> None:
    assert str(Deadline.parse(text)) == canonical


def test_a_deadline_whose_time_comes_twice_is_the_first() -> None:
    found = Deadline.parse("2026-10-25T02:30 Europe/Paris")
    assert found.instant == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert Deadline.parse(str(found)) == found


@pytest.mark.parametrize(
    ("of", "text", "message", "hint"),
    [
        (Blackout, "24.12.2026", "expected a blackout such as", "write dates as 2026-12-24"),
        (Blackout, "2026-12-24 - 2026-12-26", "expected a blackout such as", "with two dots"),
        (Blackout, "2026-12-24...2026-12-26", "expected a blackout such as", "with two dots"),
        (Blackout, "2026-11-27T08:00Z..2026-11-30T20:00Z", "expected a blackout such as", "without an offset"),
        (Blackout, "2026-02-30", "`2026-02-30` is no date", "how many days"),
        (Blackout, "2026-12-26..2026-12-24", "ends before it begins", "the earlier one first"),
        (Blackout, "2026-12-24T08:00..2026-12-24T08:00 UTC", "ends before it begins", "the earlier one first"),
        (Blackout, "2026-12-24T08:00 UTC", "has no end", "write `2026-12-24T08:00..`"),
        (Blackout, "2026-12-24T08:00..2026-12-25", "whose clock", "add the time zone"),
        (Blackout, "2026-12-24 Europe/Pari", "`Europe/Pari` is no time zone", "did you mean `Europe/Paris`?"),
        (Deadline, "2026-12-01T06:00", "expected a deadline such as", "`2026-12-01T06:00 Europe/Paris`"),
        (Deadline, "2026-12-01 Europe/Paris", "expected a deadline such as", "`2026-12-01T00:00`"),
        (Deadline, "2026-12-01 06:00 Europe/Paris", "expected a deadline such as", "a T"),
        (Deadline, "2026-13-01T06:00Z", "`2026-13-01T06:00` is no date", "check the month"),
        (Deadline, "2026-12-01T06:00 paris", "`paris` is no time zone", "did you mean `Europe/Paris`?"),
    ],
)
def test_what_cannot_be_read_says_so(of: type[Blackout | Deadline], text: str, message: str, hint: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        of.parse(text)
    assert message in str(caught.value)
    assert caught.value.context is not None
    assert hint in caught.value.context["hint"]


def test_blackouts_are_one_or_a_list_and_dates_are_texts() -> None:
    reader: TypeAdapter[tuple[Blackout, ...]] = TypeAdapter(Blackouts)
    assert reader.validate_python(date(2026, 12, 24)) == reader.validate_python(("2026-12-24",))
    assert reader.dump_python(reader.validate_python("2026-12-24"), mode="json") == "2026-12-24 UTC"
    both = reader.validate_python((date(2026, 12, 24), "2026-12-31 Asia/Kathmandu"))
    assert reader.dump_python(both, mode="json") == ["2026-12-24 UTC", "2026-12-31 Asia/Kathmandu"]


@pytest.mark.parametrize(
    ("value", "place"), [((), ()), (("2026-12-24", "soon"), (1,)), (("2026-12-24", 3), (1,)), (None, ())]
)
def test_what_is_wrong_in_a_list_has_its_place(value: object, place: tuple[int, ...]) -> None:
    reader: TypeAdapter[tuple[Blackout, ...]] = TypeAdapter(Blackouts)
    with pytest.raises(ValidationError) as caught:
        reader.validate_python(value)
    assert [e["loc"] for e in caught.value.errors()] == [place]


def test_a_deadline_is_one_text() -> None:
    with pytest.raises(ValidationError, match=r"expected a deadline such as [^;]+; got a list"):
        TypeAdapter(Deadline).validate_python(("2026-12-01T06:00Z",))
