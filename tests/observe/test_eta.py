"""When the rows will be done: a table over what is known, and what holds whatever is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.observe.eta import Eta, Interval, Outlook, estimate, rates
from crossfade.plan.hours import Hours
from crossfade.plan.windows import Window

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
STEADY = [Interval(1000, 10.0)] * 20
"""A hundred rows a second."""
UNEVEN = [Interval(1500, 10.0)] * 5 + [Interval(500, 10.0)] * 10 + [Interval(1000, 10.0)] * 5
TOO_FEW = "too few batches"


def night(text: str) -> Hours:
    return Hours((Window.parse(text),))


PARIS = night("22:00-06:00 Europe/Paris")


def outlook(
    *,
    now: datetime = NOON,
    remaining: float = 36_000,
    fraction: float | None = 0.5,
    batches: int = 100,
    intervals: list[Interval] = STEADY,
    throttled_share: float = 0.0,
    hours: Hours | None = None,
    blocked: str | None = None,
) -> Outlook:
    return Outlook(
        now=now,
        remaining=remaining,
        fraction=fraction,
        batches=batches,
        intervals=intervals,
        throttled_share=throttled_share,
        hours=hours or Hours(),
        blocked=blocked,
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("known", "p50"),
    [
        pytest.param(outlook(), at("2026-06-01T12:06+00:00"), id="what is left over the rate"),
        pytest.param(outlook(remaining=0), NOON, id="nothing is left"),
        pytest.param(outlook(throttled_share=0.5), at("2026-06-01T12:12+00:00"), id="half of the time throttled"),
        pytest.param(outlook(fraction=None), at("2026-06-01T12:06+00:00"), id="nobody knows what part that is"),
        pytest.param(outlook(hours=PARIS), at("2026-06-01T22:06+02:00"), id="it begins when the window opens"),
        pytest.param(
            outlook(now=at("2026-06-02T05:58+02:00"), hours=PARIS),
            at("2026-06-02T22:04+02:00"),
            id="over a window's end",
        ),
        pytest.param(
            outlook(remaining=100 * 3600 * 20, hours=PARIS),
            at("2026-06-04T02:00+02:00"),
            id="twenty hours in three nights",
        ),
        # The clocks go from 02:00 to 03:00: the night has seven hours.
        pytest.param(
            outlook(now=at("2026-03-28T22:00+01:00"), remaining=100 * 3600 * 7, hours=PARIS),
            at("2026-03-29T06:00+02:00"),
            id="a night of seven hours",
        ),
        pytest.param(
            outlook(now=at("2026-03-28T22:00+01:00"), remaining=100 * (3600 * 7 + 60), hours=PARIS),
            at("2026-03-29T22:01+02:00"),
            id="a minute more than the night of seven hours",
        ),
        # They go from 03:00 back to 02:00: it has nine.
        pytest.param(
            outlook(now=at("2026-10-24T22:00+02:00"), remaining=100 * 3600 * 9, hours=PARIS),
            at("2026-10-25T06:00+01:00"),
            id="a night of nine hours",
        ),
        pytest.param(
            outlook(now=at("2026-10-24T22:00+02:00"), remaining=100 * (3600 * 9 + 60), hours=PARIS),
            at("2026-10-25T22:01+01:00"),
            id="a minute more than the night of nine hours",
        ),
    ],
)
def test_a_steady_rate_gives_one_instant(known: Outlook, p50: datetime) -> None:
    assert estimate(known) == Eta(p50=p50, p90=p50)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (outlook(batches=19), TOO_FEW),
        (outlook(intervals=[]), TOO_FEW),
        (outlook(fraction=0.004), "too few rows are done"),
        (outlook(intervals=[Interval(0, 10.0)] * 20), "no row was done lately"),
        (outlook(blocked="a replica is 9 s behind"), "blocked: a replica is 9 s behind"),
        (outlook(batches=3, blocked="the brake is on"), "blocked: the brake is on"),
    ],
)
def test_what_cannot_be_known_is_not_said(known: Outlook, reason: str) -> None:
    assert estimate(known) == Eta(reason=reason)


@dataclass(frozen=True)
class Before:
    """Hours that end at an instant."""

    deadline: datetime

    def finish_of(self, at: datetime, working_seconds: float) -> datetime | None:
        finish = at + timedelta(seconds=working_seconds)
        return finish if finish <= self.deadline else None


def test_a_deadline_may_let_through_the_usual_case_only() -> None:
    found = estimate(replace(outlook(intervals=UNEVEN), hours=Before(NOON + timedelta(minutes=6))))
    assert found.p50 is not None
    assert found.p90 is None
    assert found.reason is not None
    assert "may not be done" in found.reason
    never = estimate(replace(outlook(), hours=Before(NOON + timedelta(minutes=1))))
    assert (never.p50, never.p90) == (None, None)
    assert never.reason is not None
    assert "will not be done" in never.reason


def test_a_throttle_does_not_make_the_eta_grow() -> None:
    until = outlook(blocked="the brake is on")
    assert estimate(until) == estimate(replace(until, now=NOON + timedelta(hours=3)))


def test_the_latest_intervals_count_most() -> None:
    faster, slower = [Interval(2000, 10.0)] * 5, [Interval(1000, 10.0)] * 15
    usual, slow = rates(faster + slower)
    assert 150 < usual < 200
    assert slow == 100
    assert rates(slower + faster)[0] < 125


def test_the_slow_rate_is_that_of_a_stretch_and_not_of_a_single_batch() -> None:
    usual, slow = rates([Interval(100, 1.0)] * 10 + [Interval(1, 1.0)] + [Interval(100, 1.0)] * 9)
    assert slow > 75
    assert slow < usual


INTERVALS = st.lists(st.builds(Interval, st.integers(0, 10**6), st.floats(0.001, 600)), min_size=1, max_size=20)
OUTLOOKS = st.builds(
    outlook,
    now=st.integers(0, 365 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    remaining=st.floats(0, 10**9),
    intervals=INTERVALS,
    throttled_share=st.floats(0, 1),
    hours=st.sampled_from([Hours(), PARIS, night("sat,sun 00:00-24:00 America/New_York")]),
)


@given(OUTLOOKS)
def test_the_likely_instant_is_never_after_the_safe_one_and_never_past(known: Outlook) -> None:
    found = estimate(known)
    if found.p50 is not None:
        assert found.p50 >= known.now
        assert found.p90 is None or found.p50 <= found.p90
    if found.p50 is None or found.p90 is None:
        assert found.reason is not None


@given(OUTLOOKS, st.floats(0, 10**9))
def test_more_rows_are_never_done_earlier(known: Outlook, more: float) -> None:
    found, later = estimate(known), estimate(replace(known, remaining=known.remaining + more))
    for before, after in ((found.p50, later.p50), (found.p90, later.p90)):
        assert after is None or (before is not None and before <= after)


@given(OUTLOOKS, st.floats(0, 1))
def test_more_throttling_never_makes_it_earlier(known: Outlook, share: float) -> None:
    found = estimate(known)
    later = estimate(replace(known, throttled_share=max(share, known.throttled_share)))
    assert later.p50 is None or (found.p50 is not None and found.p50 <= later.p50)
