"""The size of the next batch, for any batch before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.backfill.pace import AIM, OVERRUN, Pace, after_batch
from crossfade.plan.model import Aim

SMALLEST, LARGEST = 10, 50_000

sizes = st.integers(1, LARGEST)
rows = st.integers(0, 2 * LARGEST)
seconds = st.floats(0, 1000)
targets = st.floats(0.01, 60)
paces = st.builds(
    Pace, batch_rows=sizes, smoothed_rows=st.floats(0, 4 * LARGEST), smoothed_seconds=st.floats(0, 4 * OVERRUN * 60)
)


def steady(rate: float, target: float, *, start: int, batches: int, pace: Pace | None = None) -> Pace:
    """The pace after some batches on a server that does `rate` rows a second."""
    pace = pace or Pace(batch_rows=start)
    for _ in range(batches):
        done = pace.batch_rows
        pace = after_batch(pace, Aim(target, SMALLEST, LARGEST), asked=done, rows=done, seconds=done / rate)
    return pace


@given(pace=paces, asked=sizes, found=rows, took=seconds, target=targets)
def test_a_batch_has_at_least_a_row_and_never_more_than_the_largest_size(
    pace: Pace, asked: int, found: int, took: float, target: float
) -> None:
    assert (
        1
        <= after_batch(pace, Aim(target, SMALLEST, LARGEST), asked=asked, rows=found, seconds=took).batch_rows
        <= LARGEST
    )


@given(pace=paces, asked=sizes, found=rows, took=seconds, target=targets)
def test_the_size_moves_by_half_or_to_twice_at_most_unless_a_batch_was_far_too_long(
    pace: Pace, asked: int, found: int, took: float, target: float
) -> None:
    after = after_batch(pace, Aim(target, SMALLEST, LARGEST), asked=asked, rows=found, seconds=took)
    if found == 0 or took == 0 or took > OVERRUN * target:
        return
    assert 0.5 * asked - 0.5 <= after.batch_rows <= 2 * asked


@given(pace=paces, asked=sizes, found=rows, target=targets, times=st.floats(OVERRUN * 1.01, 100))
def test_after_a_batch_that_was_far_too_long_an_eighth_is_asked_for_and_the_rate_forgotten(
    pace: Pace, asked: int, found: int, target: float, times: float
) -> None:
    after = after_batch(pace, Aim(target, SMALLEST, LARGEST), asked=asked, rows=found, seconds=times * target)
    assert after == Pace(batch_rows=max(min(SMALLEST, asked), asked // 8))


@given(pace=paces, asked=sizes, target=targets, took=st.floats(0, OVERRUN))
def test_a_range_without_rows_says_nothing(pace: Pace, asked: int, target: float, took: float) -> None:
    assert after_batch(pace, Aim(target, SMALLEST, LARGEST), asked=asked, rows=0, seconds=took * target * 0.99) == pace


@given(rate=st.floats(100, 50_000), target=st.floats(0.05, 1), start=st.integers(10, 5_000))
def test_on_a_steady_server_a_batch_comes_to_take_seven_tenths_of_the_target(
    rate: float, target: float, start: int
) -> None:
    settled = steady(rate, target, start=start, batches=100).batch_rows
    wanted = AIM * rate * target
    assert settled == pytest.approx(min(max(wanted, SMALLEST), LARGEST), rel=0.15, abs=1)


def test_the_size_follows_a_server_that_becomes_slow_and_recovers() -> None:
    pace = steady(10_000, 0.5, start=1000, batches=40)
    assert pace.batch_rows == pytest.approx(3500, rel=0.05)
    pace = steady(2_000, 0.5, start=0, batches=40, pace=pace)
    assert pace.batch_rows == pytest.approx(700, rel=0.05)
    pace = steady(10_000, 0.5, start=0, batches=40, pace=pace)
    assert pace.batch_rows == pytest.approx(3500, rel=0.05)


def test_growth_is_doubling_while_there_is_little_to_judge_by_and_half_more_once_there_is() -> None:
    first = after_batch(Pace(batch_rows=100), Aim(1, SMALLEST, LARGEST), asked=100, rows=100, seconds=0.01)
    assert first.batch_rows == 200
    settled = Pace(batch_rows=100, smoothed_rows=10_000, smoothed_seconds=1.2)
    assert after_batch(settled, Aim(1, SMALLEST, LARGEST), asked=100, rows=100, seconds=0.01).batch_rows == 150


def test_one_slow_batch_among_many_weighs_little() -> None:
    pace = steady(1_000, 1, start=700, batches=40)
    after = after_batch(pace, Aim(1, SMALLEST, LARGEST), asked=pace.batch_rows, rows=pace.batch_rows, seconds=1.4)
    assert 0.6 * pace.batch_rows < after.batch_rows < pace.batch_rows


def test_a_batch_cut_below_the_smallest_size_stays_there_on_a_slow_server_and_grows_again_on_a_fast_one() -> None:
    cut = after_batch(Pace(batch_rows=1000), Aim(1, SMALLEST, LARGEST), asked=2, rows=2, seconds=1.4)
    assert cut.batch_rows == 2
    pace = steady(100_000, 1, start=2, batches=6)
    assert pace.batch_rows > SMALLEST


def test_the_largest_first_size_of_a_plan_is_brought_into_bounds_by_its_first_batch() -> None:
    assert (
        after_batch(
            Pace(batch_rows=100_000), Aim(1, SMALLEST, LARGEST), asked=100_000, rows=100_000, seconds=0.1
        ).batch_rows
        == LARGEST
    )
