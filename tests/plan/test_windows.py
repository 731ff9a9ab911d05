"""A daily window: what it reads, when it is open, and when it opens next, over midnight and daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic_core import PydanticCustomError

from crossfade.plan.windows import Window

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
        (Window.parse("02:30-03:30 Europe/Paris"), "2026-03-29T00:00", "2026-03-29T01:30"),
    ],
)
def test_it_knows_when_it_opens_next_also_across_daylight_saving(window: Window, at: str, opens: str) -> None:
    found = window.opens_after(datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(opens).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["22-6 UTC", "22:00-06:00", "24:00-06:00 UTC", "22:00-22:00 UTC", "22:00-06:00 Paris"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        Window.parse(text)


def test_it_is_written_as_it_was_read() -> None:
    assert Window.parse(str(NIGHT)) == NIGHT
