"""From samples to forecasts, and what they make a person think about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossfade.backfill.hints import Server, hints, size
from crossfade.backfill.rehearsal import (
    NOTHING_KNOWN,
    KeyRoom,
    Measured,
    Outlook,
    Refused,
    Sample,
    Widths,
    forecast,
    outlook,
)
from crossfade.plan.model import Backfill

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SERVER = Server(max_wal_bytes=1024**3, checkpoint_seconds=300, tells_own_wal=True)
FIRST = Sample(place="beginning", rows=1000, written=500, seconds=0.1, wal_bytes=50_000, updated=500, hot=500)
MIDDLE = Sample(place="middle", rows=1000, written=1000, seconds=0.3, wal_bytes=150_000, updated=1000, hot=250)
LAST = Sample(place="end", rows=1000, written=0, seconds=0.2)
TIMED_OUT = Sample(place="end", skipped="it took longer than 2 s")


def relation(*samples: Sample, **facts: Any) -> Measured:
    known: dict[str, Any] = {
        "change": "1",
        "relation": "public.users",
        "writes": "update",
        "key": ("id",),
        "pages": 20_000,
        "rows": 1_000_000,
        "widths": Widths(row=100, indexes=40),
    }
    return Measured(**{**known, **facts}, samples=samples)


def plan(**settings: Any) -> Backfill:
    return Backfill.model_validate(settings)


def whole(measured: Measured, settings: Backfill | None = None) -> Outlook:
    return outlook([measured], [forecast(measured, ())], settings or plan(), NOW)


def said(measured: Measured, settings: Backfill | None = None, server: Server = SERVER) -> dict[str, str]:
    expected = forecast(measured, ())
    used = settings or plan(batch_rows=100)
    return {
        n.about: n.message
        for n in hints([measured], [expected], outlook([measured], [expected], used, NOW), used, server)
    }


def test_of_a_relation_that_could_not_be_looked_at_nothing_is_known() -> None:
    unseen = relation(rows=0, key=(), pages=0, skipped="it took longer than 2 s")
    assert forecast(unseen, [relation(FIRST)]) == NOTHING_KNOWN
    found = whole(unseen)
    assert (found.rows, found.rows_to_write, found.seconds_p50, found.finish_p50) == (None, None, None, None)


def test_rows_times_and_sizes_are_those_of_the_samples() -> None:
    found = forecast(relation(FIRST, MIDDLE, LAST), ())
    assert (found.rows_to_write, found.rows_to_write_exact) == (500_000, False)
    assert found.seconds_p50 == pytest.approx(200)
    assert found.seconds_p90 == pytest.approx(300)
    assert found.wal_bytes == round(500_000 * 200_000 / 1500)
    assert found.hot_share == 0.5
    assert (found.table_bytes, found.index_bytes) == (50_000_000, 10_000_000)


def test_what_was_counted_is_not_estimated() -> None:
    found = forecast(relation(FIRST, MIDDLE, LAST, rows=3000, pending=1200), ())
    assert (found.rows_to_write, found.rows_to_write_exact) == (1200, True)


def test_a_sample_that_was_skipped_says_nothing() -> None:
    assert forecast(relation(FIRST, TIMED_OUT), ()) == forecast(relation(FIRST), ())
    nothing = forecast(relation(TIMED_OUT), ())
    assert (nothing.rows_to_write, nothing.seconds_p50, nothing.wal_bytes) == (None, None, None)


def test_a_relation_without_samples_is_like_the_others() -> None:
    other = relation(FIRST, MIDDLE, LAST)
    assert forecast(relation(rows=1000), [other]).rows_to_write == 500
    assert forecast(relation(rows=0, pending=0), ()).seconds_p90 == 0.0


def test_deleted_rows_let_nothing_grow_and_copied_ones_all_of_it() -> None:
    deleted = forecast(relation(MIDDLE, writes="delete"), ())
    assert (deleted.table_bytes, deleted.index_bytes) == (0, 0)
    copied = forecast(relation(Sample(place="middle", rows=10, written=5, seconds=1), writes="copy", rows=1000), ())
    assert (copied.table_bytes, copied.index_bytes) == (50_000, 20_000)


@pytest.mark.parametrize(
    ("settings", "p50", "p90"),
    [
        ({}, 200, 300),
        ({"nice": 1.0}, 400, 600),
        ({"workers": 2}, 100, 300),
        ({"workers": 2, "nice": 0.5}, 150, 450),
        ({"rows_per_second": 4000}, 250, 300),
        ({"rows_per_second": 100}, 10_000, 10_000),
        ({"wal_per_second": "1MB"}, 200, 300),
    ],
)
def test_time_follows_the_plans_rests_and_limits(settings: dict[str, Any], p50: float, p90: float) -> None:
    found = whole(relation(FIRST, MIDDLE, LAST), plan(**settings))
    assert found.seconds_p50 == pytest.approx(p50)
    assert found.seconds_p90 == pytest.approx(p90)
    assert found.finish_p50 == NOW + timedelta(seconds=p50)


def test_wal_is_a_limit_too() -> None:
    sample = Sample(place="middle", rows=1000, written=1000, seconds=0.1, wal_bytes=10 * 1024**2)
    assert whole(relation(sample, rows=100_000), plan(wal_per_second="1MB")).seconds_p50 == pytest.approx(1000)


def test_closed_hours_are_not_worked_in() -> None:
    found = whole(relation(FIRST, MIDDLE, LAST), plan(window="22:00-06:00 UTC"))
    assert found.finish_p50 == datetime(2026, 11, 26, 22, 3, 20, tzinfo=UTC)
    late = plan(deadline="2026-11-26T12:04Z")
    assert whole(relation(FIRST, MIDDLE, LAST), late).finish_p50 is not None
    assert whole(relation(FIRST, MIDDLE, LAST), late).finish_p90 is None
    assert "if it goes as slowly as the slowest sample" in said(relation(FIRST, MIDDLE, LAST), late)["deadline"]


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    calm = Sample(place="middle", rows=1000, written=1000, seconds=0.01, wal_bytes=100_000, updated=1000, hot=900)
    assert said(relation(calm)) == {}


@pytest.mark.parametrize(
    ("measured", "about", "message"),
    [
        (relation(FIRST, MIDDLE), "public.users", "between 50% and 100%"),
        (relation(TIMED_OUT), "public.users", "the batch at the end was not measured: it took longer than 2 s"),
        (relation(skipped="it is on the moon"), "public.users", "no batch was tried: it is on the moon"),
        (relation(warnings=("it reads too much",)), "public.users", "it reads too much"),
        (relation(key=()), "public.users", "walked by place"),
        (relation(room=KeyRoom(column="id", greatest=90, limit=100)), "public.users", "(90%)"),
        (
            relation(Sample(place="end", rows=9, refused=(Refused(key="id=1", sqlstate="23514", message="no"),))),
            "public.users",
            "a row is refused",
        ),
        (
            relation(Sample(place="end", rows=9, written=9, seconds=0.001, updated=9, hot=0)),
            "public.users",
            "100% of the updates add an entry to every index",
        ),
        (
            relation(Sample(place="end", rows=9, written=9, seconds=0.001, updated=9, hot=9), rows=10**8),
            "disk",
            "grow by up to 9.3 GB",
        ),
    ],
)
def test_what_the_numbers_say_is_told(measured: Measured, about: str, message: str) -> None:
    assert message in said(measured)[about]


def test_a_batch_that_is_too_large_comes_with_one_that_fits() -> None:
    slow = Sample(place="middle", rows=1000, written=1000, seconds=1.0, updated=1000, hot=1000)
    found = said(relation(slow), plan(batch_rows=1000, target="50ms"))
    assert "about 1000 ms" in found["batch_rows"]
    assert "`batch_rows: 35`" in found["batch_rows"]


def test_wal_that_forces_checkpoints_comes_with_a_limit() -> None:
    much = Sample(place="middle", rows=1000, written=1000, seconds=0.01, wal_bytes=10 * 1024**2, updated=1000, hot=1000)
    assert "`wal_per_second: 2MB`" in said(relation(much))["wal_per_second"]
    assert "wal_per_second" not in said(relation(much, rows=1000))


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 kB"), (20 * 1024**2, "20 MB"), (5 * 1024**4, "5.0 TB")],
)
def test_sizes_are_written_for_people(count: int, text: str) -> None:
    assert size(count) == text
