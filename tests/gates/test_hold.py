"""`hold`: how long a gate has to pass without a break, over every combination of what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.gates import hold as holding
from crossfade.gates.hold import Held, Kept, hold_for
from crossfade.gates.subject import Look
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOLD = timedelta(minutes=10)
PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR


def at(minutes: float | None) -> datetime | None:
    """So many minutes before now."""
    return None if minutes is None else NOW - timedelta(minutes=minutes)


def held(
    verdict: Verdict,
    *,
    kept: float | None = None,
    clear: float | None = None,
    hold: timedelta = HOLD,
    record: bool = True,
    seen: timedelta = timedelta(seconds=1),
    by: str = "this",
    remembers: bool = False,
    answering: timedelta = timedelta(),
) -> Held:
    """`seen`: how long before now it was seen to pass last."""
    judgement = Judgement(verdict=verdict, reason="the reason", clear_since=at(clear), remembers=remembers)
    look = Look(phase=Phase.CONTRACT, now=NOW, record=record, watch="this", asking=answering)
    since = at(kept)
    left = None if since is None else Kept(since=since, seen_at=NOW - seen, watch=by)
    return hold_for(judgement, kind="app_version", kept=left, look=look, hold=hold)


@pytest.mark.parametrize(
    ("verdict", "kept", "clear", "after", "since", "until"),
    [
        # It passes: the time begins, goes on, or is over.
        (PASS, None, None, BLOCKED, 0, -10),
        (PASS, 4, None, BLOCKED, 4, -6),
        (PASS, 10, None, PASS, 10, None),
        (PASS, 99, None, PASS, 99, None),
        # The evidence says that it did not pass at some time between two looks.
        (PASS, 99, 4, BLOCKED, 4, -6),
        (PASS, 99, 10, PASS, 10, None),
        (PASS, 12, 99, PASS, 12, None),
        (PASS, 4, 99, BLOCKED, 4, -6),
        # Evidence from before the first look is no look.
        (PASS, None, 99, BLOCKED, 0, -10),
        # It does not pass: the time is broken.
        (BLOCKED, 99, None, BLOCKED, None, None),
        (UNKNOWN, 99, None, UNKNOWN, None, None),
        (ERROR, 99, None, ERROR, None, None),
        (BLOCKED, None, None, BLOCKED, None, None),
        # It does not pass, but it is known since when nothing speaks against it.
        (BLOCKED, 99, 4, BLOCKED, 4, -6),
        (BLOCKED, None, 4, BLOCKED, 0, -10),
        (UNKNOWN, 2, 4, UNKNOWN, 2, -8),
    ],
)
def test_a_gate_passes_after_it_has_passed_for_the_whole_time(
    verdict: Verdict, kept: float | None, clear: float | None, after: Verdict, since: float | None, until: float | None
) -> None:
    found = held(verdict, kept=kept, clear=clear)
    assert (found.verdict, found.since, found.until) == (after, at(since), at(until))


@pytest.mark.parametrize("verdict", list(Verdict))
def test_without_a_hold_the_judgement_stands_as_it_is(verdict: Verdict) -> None:
    found = held(verdict, hold=timedelta())
    assert (found.verdict, found.reason) == (verdict, "the reason")


def test_the_reason_says_since_when_it_passes_and_until_when_it_has_to() -> None:
    assert held(PASS, kept=4).reason == (
        "app_version holds since 2026-03-01 11:56:00 UTC, and has to for 10m: until 2026-03-01 12:06:00 UTC"
    )
    assert held(PASS, kept=10).reason == "the reason"
    assert held(BLOCKED, kept=4, clear=2).reason == "the reason"


def test_a_look_that_is_not_recorded_says_how_the_time_begins() -> None:
    found = held(PASS, record=False)
    assert found.verdict is BLOCKED
    assert (found.since, found.until) == (None, None)
    assert "from the first crossfade gate or contract on" in found.reason
    assert held(PASS, kept=4, record=False) == held(PASS, kept=4, record=True)


@pytest.mark.parametrize(
    ("seen", "by", "goes_on"),
    [(1, "this", True), (5, "this", True), (6, "this", False), (60, "another", True), (61, "another", False)],
)
def test_a_time_in_which_nobody_looked_begins_it_anew(seen: float, by: str, goes_on: bool) -> None:
    away = timedelta(seconds=seen)
    found = held(PASS, kept=99, seen=away, by=by)
    assert found.verdict is (PASS if goes_on else BLOCKED)
    assert found.since == (at(99) if goes_on else NOW)
    assert ("nobody looked from" in found.reason) is not goes_on
    # What leaves a trace when nobody looks, and a gate that takes that long to answer, are another thing.
    assert held(PASS, kept=99, seen=away, by=by, remembers=True).verdict is PASS
    assert held(PASS, kept=99, seen=away, by=by, answering=timedelta(seconds=30)).verdict is PASS
    assert held(PASS, kept=99, seen=timedelta(minutes=2), by=by, answering=timedelta(seconds=30)).verdict is BLOCKED


def test_since_when_is_kept_for_each_run_phase_and_gate(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    connection, run_id = run.connection, run.subject.run_id
    look = Look(phase=Phase.CONTRACT, now=NOW, record=True, watch="this")
    holding.keep(connection, run_id, look, "app_version", NOW)
    kept = Kept(since=NOW, seen_at=NOW, watch="this")
    assert holding.read(connection, run_id, Phase.CONTRACT, "app_version") == kept
    assert holding.read(connection, run_id, Phase.CONTRACT, "app_version api") is None
    assert holding.read(connection, run_id, Phase.BACKFILL, "app_version") is None
    assert holding.read(connection, run_id + 1, Phase.CONTRACT, "app_version") is None
    holding.keep(connection, run_id, look, "app_version", NOW - HOLD)
    assert holding.read(connection, run_id, Phase.CONTRACT, "app_version") == replace(kept, since=NOW - HOLD)
    holding.keep(connection, run_id, look, "app_version", None)
    assert holding.read(connection, run_id, Phase.CONTRACT, "app_version") is None


def test_a_time_from_before_a_revert_is_void(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    connection, run_id = run.connection, run.subject.run_id
    event = (
        "INSERT INTO crossfade.events (run_id, at, kind, data)"
        " VALUES (%s, %s, 'state_changed', jsonb_build_object('source', %s::text, 'target', 'backfilled'))"
    )
    look = Look(phase=Phase.CONTRACT, now=NOW, record=True, watch="this")
    holding.keep(connection, run_id, look, "app_version", NOW)
    connection.execute(event, [run_id, NOW + HOLD, "backfilling"])
    connection.execute(event, [run_id, NOW - HOLD, "reverting"])
    assert holding.read(connection, run_id, Phase.CONTRACT, "app_version") is not None
    connection.execute(event, [run_id, NOW + HOLD, "reverting"])
    assert holding.read(connection, run_id, Phase.CONTRACT, "app_version") is None
