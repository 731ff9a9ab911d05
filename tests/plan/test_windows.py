"""A window: what it reads, when it is open, and when it opens next, over midnight and daylight saving.

`test_hours` has the table of nights and days; here are the texts, and the plain daily window by itself.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from crossfade.plan.windows import Window, Windows, delay_of_second, end_instant, first_instant

NIGHT = Window.parse("22:00-06:00 Europe/Paris")
DAY = Window.parse("09:30-17:00 America/New_York")


@pytest.mark.parametrize(
    ("window", "at", "is_open"),
    [
        (NIGHT, "2026-06-01T19:59", False),
        (NIGHT, "2026-06-01T20:00", True),
        (NIGHT, "2026-06-02T03:59", True),
        (NIGHT, "2026-06-02T04:00", False),
        (NIGHT, "2026-12-01T20:30", False),
        (NIGHT, "2026-12-01T21:00", True),
        (DAY, "2026-07-01T13:29", False),
        (DAY, "2026-07-01T13:30", True),
        (DAY, "2026-07-01T21:00", False),
        (DAY, "2026-01-05T14:30", True),
    ],
)
def test_the_window_follows_its_zones_wall_clock(window: Window, at: str, is_open: bool) -> None:
    assert window.is_open(datetime.fromisoformat(at).replace(tzinfo=UTC)) is is_open


@pytest.mark.parametrize(
    ("window", "at", "opens"),
    [
        (NIGHT, "2026-06-01T10:00", "2026-06-01T20:00"),
        (NIGHT, "2026-06-01T20:00", "2026-06-02T20:00"),
        (NIGHT, "2026-10-24T21:00", "2026-10-25T21:00"),
        (Window.parse("02:30-03:30 Europe/Paris"), "2026-03-29T00:00", "2026-03-29T01:00"),
        (Window.parse("02:15-02:45 Europe/Paris"), "2026-03-29T00:00", "2026-03-30T00:15"),
    ],
)
def test_it_knows_when_it_opens_next_also_across_daylight_saving(window: Window, at: str, opens: str) -> None:
    found = window.opens_after(datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(opens).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["22-6 UTC", "22:00-06:00", "24:00-06:00 UTC", "22:00-22:00 UTC", "22:00-06:00 Paris"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        Window.parse(text)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "expected a window such as", "write both times with four digits"),
        ("9:00-17:00 UTC", "got `9:00-17:00 UTC`", "write both times with four digits"),
        ("22:00-06:00", "expected a window such as", "add the time zone: `22:00-06:00 UTC`"),
        ("mon-fri 22:00-06:00", "expected a window such as", "add the time zone: `mon-fri 22:00-06:00 UTC`"),
        ("22:00-24:01 UTC", "expected a window such as", "write both times with four digits"),
        ("22:00-06:00  UTC", "expected a window such as", "write both times with four digits"),
        ("00:00-00:00 UTC", "`00:00-00:00 UTC` never opens", "a day is 00:00-24:00"),
        ("mon, tue 22:00-06:00 UTC", "expected a window such as", "without spaces"),
        ("mon", "expected a window such as", "within [ ] put all of it in quotes"),
        ("monday 22:00-06:00 UTC", "`monday` is no day", "did you mean `mon`?"),
        ("Mon-Fri 22:00-06:00 UTC", "`Mon` in `Mon-Fri` is no day", "did you mean `mon`?"),
        ("mon-freitag 22:00-06:00 UTC", "`freitag` in `mon-freitag` is no day", "did you mean `fri`?"),
        ("mon- 22:00-06:00 UTC", "`` in `mon-` is no day", "the days are mon, tue, wed, thu, fri, sat, sun"),
        ("mon-wed-fri 22:00-06:00 UTC", "`wed-fri` in `mon-wed-fri` is no day", "did you mean"),
        ("weekends 22:00-06:00 UTC", "`weekends` is no day", "write `sat,sun`"),
        ("weekdays 22:00-06:00 UTC", "`weekdays` is no day", "write `mon-fri`"),
        ("22:00-06:00 Europe/Pari", "`Europe/Pari` is no time zone", "did you mean `Europe/Paris`?"),
        ("22:00-06:00 new_york", "`new_york` is no time zone", "did you mean `America/New_York`?"),
        ("22:00-06:00 localtime", "`localtime` is no time zone", ""),
        ("22:00-06:00 +01:00", "`+01:00` is no time zone", "for example `UTC` or `Europe/Paris`"),
    ],
)
def test_it_says_what_is_wrong_and_what_is_nearest(text: str, message: str, hint: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        Window.parse(text)
    assert message in str(caught.value)
    assert caught.value.context is not None
    assert hint in caught.value.context["hint"]


def test_it_is_written_as_it_was_read() -> None:
    assert Window.parse(str(NIGHT)) == NIGHT


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("22:00-06:00 Europe/Paris", "22:00-06:00 Europe/Paris"),
        ("mon-fri 22:00-06:00 UTC", "mon-fri 22:00-06:00 UTC"),
        ("sun,mon-fri 22:00-06:00 UTC", "mon-fri,sun 22:00-06:00 UTC"),
        ("fri-mon 22:00-06:00 UTC", "mon,fri-sun 22:00-06:00 UTC"),
        ("tue,mon 22:00-06:00 UTC", "mon,tue 22:00-06:00 UTC"),
        ("mon-tue,tue,tue 22:00-06:00 UTC", "mon,tue 22:00-06:00 UTC"),
        ("fri-fri 22:00-06:00 UTC", "fri 22:00-06:00 UTC"),
        ("mon-sun 22:00-06:00 UTC", "22:00-06:00 UTC"),
        ("thu-wed 22:00-06:00 UTC", "22:00-06:00 UTC"),
        ("sat,sun 00:00-24:00 UTC", "sat,sun 00:00-24:00 UTC"),
        ("00:00-24:00 UTC", "00:00-24:00 UTC"),
        ("22:00-24:00 UTC", "22:00-00:00 UTC"),
    ],
)
def test_it_has_one_spelling(text: str, canonical: str) -> None:
    assert str(Window.parse(text)) == canonical
    assert Window.parse(canonical) == Window.parse(text)
    for written in (text, canonical):
        assert re.search(Window.pattern, written), "the JSON Schema's pattern"


def test_windows_are_written_alone_or_as_a_list() -> None:
    reader: TypeAdapter[tuple[Window, ...]] = TypeAdapter(Windows)
    alone = reader.validate_python("22:00-06:00 Europe/Paris")
    assert alone == (NIGHT,)
    assert reader.dump_python(alone, mode="json") == "22:00-06:00 Europe/Paris"
    both = reader.validate_python((str(NIGHT), str(DAY)))
    assert both == (NIGHT, DAY)
    assert reader.dump_python(both, mode="json") == [str(NIGHT), str(DAY)]
    assert reader.validate_python([str(NIGHT), str(DAY)], strict=True) == both
    assert [choice["type"] for choice in reader.json_schema()["oneOf"]] == ["array", "string"]


@pytest.mark.parametrize(("value", "got"), [(22, "`22`"), (None, "nothing"), ({"hours": "22:00-06:00"}, "a mapping")])
def test_what_is_no_text_is_refused(value: object, got: str) -> None:
    reader: TypeAdapter[tuple[Window, ...]] = TypeAdapter(Windows)
    with pytest.raises(ValidationError, match=f"got {got}"):
        reader.validate_python(value)


@pytest.mark.parametrize(
    ("zone", "wall", "first", "end"),
    [
        ("Europe/Paris", "2026-06-01T02:30", "2026-06-01T00:30", "2026-06-01T00:30"),
        ("Europe/Paris", "2026-03-29T02:00", "2026-03-29T01:00", "2026-03-29T01:00"),
        ("Europe/Paris", "2026-03-29T02:01", "2026-03-29T01:00", "2026-03-29T01:00"),
        ("Europe/Paris", "2026-03-29T02:59", "2026-03-29T01:00", "2026-03-29T01:00"),
        ("Europe/Paris", "2026-03-29T03:00", "2026-03-29T01:00", "2026-03-29T01:00"),
        ("Europe/Paris", "2026-10-25T02:00", "2026-10-25T00:00", "2026-10-25T00:00"),
        ("Europe/Paris", "2026-10-25T02:01", "2026-10-25T00:01", "2026-10-25T01:01"),
        ("Europe/Paris", "2026-10-25T03:00", "2026-10-25T02:00", "2026-10-25T02:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45", "2026-04-04T15:15"),
        # A day that never was: the clock was set forward by 24 hours.
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", "2011-12-30T10:00"),
    ],
)
def test_a_wall_time_has_a_first_instant_and_an_end(zone: str, wall: str, first: str, end: str) -> None:
    at, clock = datetime.fromisoformat(wall), ZoneInfo(zone)
    assert first_instant(at, clock) == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert end_instant(at, clock) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "minutes"), [("2026-06-01T02:30", 0), ("2026-03-29T02:30", -60), ("2026-10-25T02:30", 60)]
)
def test_a_wall_time_may_come_twice_or_be_left_out(wall: str, minutes: int) -> None:
    delay = delay_of_second(datetime.fromisoformat(wall), ZoneInfo("Europe/Paris"))
    assert delay.total_seconds() == 60 * minutes
