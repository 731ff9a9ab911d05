"""Durations: one spelling per span in, one canonical spelling out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.plan.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "span", "canonical"),
    [
        ("0s", timedelta(0), "0s"),
        ("0ms", timedelta(0), "0s"),
        ("250ms", timedelta(milliseconds=250), "250ms"),
        ("1000ms", timedelta(seconds=1), "1s"),
        ("90s", timedelta(seconds=90), "90s"),
        ("60s", timedelta(minutes=1), "1m"),
        ("120m", timedelta(hours=2), "2h"),
        ("24h", timedelta(days=1), "1d"),
        ("7d", timedelta(days=7), "7d"),
    ],
)
def test_a_duration_has_one_canonical_spelling(text: str, span: timedelta, canonical: str) -> None:
    assert parse_duration(text) == span
    assert format_duration(span) == canonical


@given(st.integers(0, 999_999_999).map(lambda ms: timedelta(milliseconds=ms)))
def test_what_is_written_is_read_back(span: timedelta) -> None:
    assert parse_duration(format_duration(span)) == span


@pytest.mark.parametrize("text", ["", "s", "5", "05s", "5S", " 5s", "5s\n", "5 s", "-5s", "1.5s", "1h5m", "٥s", "1w"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)
