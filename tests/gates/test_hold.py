"""`hold`: how long a gate has to pass without a break, over every combination of what is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.gates.hold import Held, hold_for, keep_since, read_since
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
) -> Held:
    judgement = Judgement(verdict=verdict, reason="the reason", clear_since=at(clear))
    return hold_for(judgement, kind="app_version", kept_since=at(kept), now=NOW, hold=hold, record=record)


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


def test_since_when_is_kept_for_each_run_phase_and_gate(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    connection, run_id = run.connection, run.subject.run_id
    keep_since(connection, run_id, Phase.CONTRACT, "app_version", NOW)
    assert read_since(connection, run_id, Phase.CONTRACT, "app_version") == NOW
    assert read_since(connection, run_id, Phase.CONTRACT, "app_version api") is None
    assert read_since(connection, run_id, Phase.BACKFILL, "app_version") is None
    assert read_since(connection, run_id + 1, Phase.CONTRACT, "app_version") is None
    keep_since(connection, run_id, Phase.CONTRACT, "app_version", NOW - HOLD)
    assert read_since(connection, run_id, Phase.CONTRACT, "app_version") == NOW - HOLD
    keep_since(connection, run_id, Phase.CONTRACT, "app_version", None)
    assert read_since(connection, run_id, Phase.CONTRACT, "app_version") is None


def test_a_time_from_before_a_revert_is_void(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    connection, run_id = run.connection, run.subject.run_id
    event = (
        "INSERT INTO crossfade.events (run_id, at, kind, data)"
        " VALUES (%s, %s, 'state_changed', jsonb_build_object('source', %s::text, 'target', 'backfilled'))"
    )
    keep_since(connection, run_id, Phase.CONTRACT, "app_version", NOW)
    connection.execute(event, [run_id, NOW + HOLD, "backfilling"])
    connection.execute(event, [run_id, NOW - HOLD, "reverting"])
    assert read_since(connection, run_id, Phase.CONTRACT, "app_version") == NOW
    connection.execute(event, [run_id, NOW + HOLD, "reverting"])
    assert read_since(connection, run_id, Phase.CONTRACT, "app_version") is None
