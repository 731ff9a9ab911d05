"""A schedule: what it reads, when it fires, also on the nights when clocks are set, and which firings it makes good.

Instants are written as the clock of the place shows them, with its offset; `test_hours` says when the clocks are set.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from crossfade.plan.schedule import MOST_CAUGHT_UP, Schedule

PARIS, NEW_YORK, LORD_HOWE = "Europe/Paris", "America/New_York", "Australia/Lord_Howe"


def instants(*texts: str) -> tuple[datetime, ...]:
    return tuple(datetime.fromisoformat(t) for t in texts)


FIRINGS = [
    pytest.param("30 22 * * *", "UTC", "2026-06-01T22:30+00:00", ("2026-06-02T22:30+00:00",), id="strictly after"),
    pytest.param("30 22 * * mon-fri", PARIS, "2026-06-05T22:30+02:00", ("2026-06-08T22:30+02:00",), id="workdays"),
    pytest.param("0 6 * * sun", PARIS, "2026-06-01T00:00+02:00", ("2026-06-07T06:00+02:00",), id="Sunday by name"),
    pytest.param("0 6 * * 7", PARIS, "2026-06-01T00:00+02:00", ("2026-06-07T06:00+02:00",), id="Sunday as 7"),
    pytest.param("0 0 L * *", "UTC", "2026-02-01T00:00+00:00", ("2026-02-28T00:00+00:00",), id="the month's last day"),
    pytest.param("0 0 29 2 *", "UTC", "2026-06-01T00:00+00:00", ("2028-02-29T00:00+00:00",), id="leap years"),
    pytest.param("0 0 13 * fri", "UTC", "2026-06-01T00:00+00:00", ("2026-06-05T00:00+00:00",), id="either day will do"),
    pytest.param("15 0 * * *", "Asia/Kathmandu", "2026-06-01T00:00+00:00", ("2026-06-01T18:30+00:00",), id="Kathmandu"),
    # The clock set forward.
    pytest.param(
        "30 2 * * *",
        PARIS,
        "2026-03-28T12:00+01:00",
        ("2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"),
        id="Paris, spring: a time left out fires at the jump",
    ),
    pytest.param(
        "0,20,40 2 * * *",
        PARIS,
        "2026-03-28T12:00+01:00",
        ("2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"),
        id="Paris, spring: three left out fire once",
    ),
    pytest.param(
        "0 2,3 * * *",
        PARIS,
        "2026-03-29T00:00+01:00",
        ("2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"),
        id="Paris, spring: one at the jump already",
    ),
    pytest.param(
        "*/30 2 * * *",
        PARIS,
        "2026-03-28T12:00+01:00",
        ("2026-03-30T02:00+02:00",),
        id="Paris, spring: those by the clock are left out",
    ),
    pytest.param(
        "0 * * * *",
        PARIS,
        "2026-03-29T01:00+01:00",
        ("2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"),
        id="Paris, spring: hourly is each hour that there is",
    ),
    pytest.param(
        "30 2 * * *",
        NEW_YORK,
        "2026-03-08T00:00-05:00",
        ("2026-03-08T03:00-04:00",),
        id="New York, spring: at the jump",
    ),
    pytest.param(
        "15 2 * * *",
        LORD_HOWE,
        "2026-10-04T00:00+10:30",
        ("2026-10-04T02:30+11:00",),
        id="Lord Howe, spring: at the jump",
    ),
    pytest.param(
        "45 2 * * *", LORD_HOWE, "2026-10-04T00:00+10:30", ("2026-10-04T02:45+11:00",), id="Lord Howe, spring: after it"
    ),
    pytest.param(
        "0 */3 * * *",
        LORD_HOWE,
        "2026-10-04T00:00+10:30",
        ("2026-10-04T03:00+11:00",),
        id="Lord Howe, spring: by the clock",
    ),
    # The clock set back.
    pytest.param(
        "30 2 * * *",
        PARIS,
        "2026-10-24T12:00+02:00",
        ("2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
        id="Paris, autumn: a time that comes twice fires once",
    ),
    pytest.param(
        "15,45 2 * * *",
        PARIS,
        "2026-10-25T02:20+02:00",
        ("2026-10-25T02:45+02:00", "2026-10-26T02:15+01:00"),
        id="Paris, autumn: two times fire once each",
    ),
    pytest.param(
        "30 2 * * *",
        PARIS,
        "2026-10-25T02:15+01:00",
        ("2026-10-26T02:30+01:00",),
        id="Paris, autumn: not the second time",
    ),
    pytest.param(
        "*/30 2 * * *",
        PARIS,
        "2026-10-25T00:00+02:00",
        ("2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00"),
        id="Paris, autumn: those by the clock fire twice",
    ),
    pytest.param(
        "0 * * * *",
        NEW_YORK,
        "2026-11-01T00:00-04:00",
        ("2026-11-01T01:00-04:00", "2026-11-01T01:00-05:00", "2026-11-01T02:00-05:00"),
        id="New York, autumn: hourly is every hour",
    ),
    pytest.param(
        "45 1 * * *",
        LORD_HOWE,
        "2026-04-05T00:00+11:00",
        ("2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"),
        id="Lord Howe, autumn: once",
    ),
    pytest.param(
        "0 * * * *",
        LORD_HOWE,
        "2026-04-05T01:00+11:00",
        ("2026-04-05T02:00+10:30", "2026-04-05T03:00+10:30"),
        id="Lord Howe, autumn: an hour and a half between two",
    ),
]


@pytest.mark.parametrize(("cron", "zone", "after", "expected"), FIRINGS)
def test_firings(cron: str, zone: str, after: str, expected: tuple[str, ...]) -> None:
    schedule, far = Schedule(cron=cron, zone=zone), datetime(2040, 1, 1, tzinfo=UTC)
    found = schedule.firings(datetime.fromisoformat(after), far, limit=len(expected))
    assert found == instants(*expected)
    assert all(f.tzinfo is UTC for f in found)
    assert [schedule.latest_until(f) for f in found] == list(found), "also looking back"
    assert schedule.latest_until(found[0] - timedelta(seconds=1)) < found[0]


NIGHTLY, MINUTELY = "0 22 * * *", "* * * * *"
DUE = [
    pytest.param(NIGHTLY, "latest", "06-01T22:00", "06-04T12:00", ("06-03T22:00",), id="latest: of two"),
    pytest.param(NIGHTLY, "latest", "06-03T22:00", "06-04T12:00", (), id="latest: seen to"),
    pytest.param(NIGHTLY, "latest", "06-03T21:59", "06-03T22:00", ("06-03T22:00",), id="latest: this instant"),
    pytest.param(NIGHTLY, "latest", "06-04T12:00", "06-03T23:00", (), id="latest: a clock that went back"),
    pytest.param(NIGHTLY, "all", "06-01T22:00", "06-04T12:00", ("06-02T22:00", "06-03T22:00"), id="all: oldest first"),
    pytest.param(NIGHTLY, "all", "06-03T22:00", "06-04T12:00", (), id="all: seen to"),
    pytest.param(NIGHTLY, "none", "06-01T22:00", "06-03T22:01", ("06-03T22:00",), id="none: a minute late"),
    pytest.param(NIGHTLY, "none", "06-01T22:00", "06-03T22:02", (), id="none: two minutes late"),
    pytest.param(NIGHTLY, "none", "06-03T22:00", "06-03T22:01", (), id="none: seen to"),
    pytest.param(MINUTELY, "none", "06-01T22:00", "06-03T22:00:30", ("06-03T22:00",), id="none: one only"),
    pytest.param(MINUTELY, "latest", "01-01T00:00", "06-03T22:00", ("06-03T22:00",), id="latest: of many"),
]


@pytest.mark.parametrize(("cron", "catch_up", "last", "now", "expected"), DUE)
def test_due(
    cron: str, catch_up: Literal["latest", "all", "none"], last: str, now: str, expected: tuple[str, ...]
) -> None:
    schedule = Schedule(cron=cron, catch_up=catch_up)
    since, upto, *due = instants(*(f"2026-{text}+00:00" for text in (last, now, *expected)))
    assert schedule.due(since, upto) == tuple(due)


def test_a_longer_grace_lets_an_older_firing_count() -> None:
    schedule = Schedule(cron=NIGHTLY, catch_up="none")
    last, firing, now = instants("2026-06-03T00:00+00:00", "2026-06-03T22:00+00:00", "2026-06-03T22:05+00:00")
    assert schedule.due(last, now, grace=timedelta(minutes=5)) == (firing,)
    assert schedule.due(last, now, grace=timedelta(minutes=4)) == ()


def test_many_missed_ones_are_made_good_in_turns() -> None:
    schedule = Schedule(cron=MINUTELY, catch_up="all")
    last, now = instants("2026-06-03T00:00+00:00", "2026-06-03T03:00+00:00")
    first = schedule.due(last, now)
    assert len(first) == MOST_CAUGHT_UP
    assert (*first, *schedule.due(first[-1], now)) == schedule.firings(last, now)
    assert len(schedule.firings(last, now)) == 180


def test_on_the_spring_night_a_firing_at_the_jump_is_made_good_once() -> None:
    schedule = Schedule(cron="0,20,40 2 * * *", zone=PARIS, catch_up="all")
    last, now, jump = instants("2026-03-28T12:00+01:00", "2026-03-29T12:00+02:00", "2026-03-29T03:00+02:00")
    assert schedule.due(last, now) == (jump,)


CRONS = ("30 2 * * *", "0,20,40 1-3 * * *", "*/20 * * * *", "*/15 2 * * *", "7 */2 * * *", "0 0 * * mon", "59 23 L * *")
ZONES = ("UTC", PARIS, NEW_YORK, LORD_HOWE, "Asia/Kathmandu", "America/Havana")
SET = [datetime(2026, *day, 12, tzinfo=UTC) for day in ((3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31))]
INSTANT = st.builds(
    lambda start, seconds: start + timedelta(seconds=seconds), st.sampled_from(SET), st.integers(0, 2 * 86_400)
)


@settings(deadline=None)
@given(st.sampled_from(CRONS), st.sampled_from(ZONES), INSTANT)
def test_the_next_firing_is_the_latest_one_once_it_has_come(cron: str, zone: str, at: datetime) -> None:
    schedule = Schedule(cron=cron, zone=zone)
    before, after = schedule.latest_until(at), schedule.next_after(at)
    assert before <= at < after
    assert schedule.latest_until(after - timedelta(microseconds=1)) == before
    assert schedule.next_after(before) == after


@pytest.mark.parametrize(("first", "last"), [("2026-03-07", "2026-04-01"), ("2026-10-24", "2026-11-03")])
@pytest.mark.parametrize("zone", ["UTC", PARIS, NEW_YORK, "America/Havana", "Asia/Kathmandu"])
@pytest.mark.parametrize("cron", CRONS)
def test_it_agrees_with_cronsim_where_clocks_are_set_by_whole_hours(
    cron: str, zone: str, first: str, last: str
) -> None:
    start, end = (datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)) for day in (first, last))
    theirs = [f.astimezone(UTC) for f in takewhile(lambda f: f <= end, CronSim(cron, start))]
    assert list(Schedule(cron=cron, zone=zone).firings(start, end, limit=5000)) == theirs


@pytest.mark.parametrize(
    ("cron", "message", "hint"),
    [
        ("@daily", "expected five fields", "write `0 0 * * *`"),
        ("0 22 * *", "expected five fields", "for example `30 22 * * mon-fri`"),
        ("0 0 22 * * *", "expected five fields", "no field for seconds"),
        ("0 22 * * * Europe/Paris", "expected five fields", "the time zone goes into `zone`"),
        ("", "expected five fields", "for example"),
        ("61 * * * *", "`61` is no minute", "write 0 to 59"),
        ("0 24 * * *", "`24` is no hour", "write 0 to 23"),
        ("0 0 0 * *", "`0` is no day of the month", "1 to 31"),
        ("0 0 1 13 *", "`13` is no month", "1 to 12"),
        ("0 0 1 sept *", "`sept` is no month", "did you mean `sep`?"),
        ("0 0 * * monday", "`monday` is no weekday", "did you mean `mon`?"),
        ("0 0 * * fri-mon", "`fri-mon` is no weekday", "ranges go upwards"),
        ("*/0 * * * *", "`*/0` is no minute", "write 0 to 59"),
        ("0 0 30 2 *", "`0 0 30 2 *` never fires", "no month that it names has such a day"),
        ("9" * 5000 + " * * * *", "expected five fields", "for example"),
    ],
)
def test_what_is_no_cron_expression_says_so(cron: str, message: str, hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Schedule(cron=cron)
    (error,) = caught.value.errors()
    assert error["loc"] == ("cron",)
    assert message in error["msg"]
    assert hint in error["ctx"]["hint"]


def test_the_zone_is_checked() -> None:
    with pytest.raises(ValidationError, match="`Europe/Pari` is no time zone"):
        Schedule(cron=NIGHTLY, zone="Europe/Pari")


def test_it_is_written_as_it_was_read() -> None:
    schedule = Schedule.model_validate({"cron": " 30  22 * * mon-fri ", "zone": PARIS, "overlap": "queue"})
    written = schedule.model_dump(mode="json")
    assert written == {"cron": "30 22 * * mon-fri", "zone": PARIS, "overlap": "queue", "catch_up": "latest"}
    assert Schedule.model_validate(written) == schedule
