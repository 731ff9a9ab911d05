"""Times as reasons say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crossfade.gates.spans import ago, moment

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s ago"),
        (0.9, "0 s ago"),
        (3.7, "3 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7199, "119 min ago"),
        (7200, "2 h ago"),
        (172799, "47 h ago"),
        (172800, "2 d ago"),
        (86400 * 400, "400 d ago"),
        (-5, "0 s ago"),
    ],
)
def test_how_long_ago_is_said_in_one_unit(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_a_moment_is_said_to_the_second_with_its_zone() -> None:
    assert moment(NOW + timedelta(microseconds=999_999)) == "2026-03-01 12:00:00 UTC"
