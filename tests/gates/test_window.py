"""The gate `window`: open and frozen times, the nights when the clock is set, and what it says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.gates.subject import Look
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.gates.window import Observation, in_words, judge, observe
from crossfade.operations.step import Phase
from crossfade.plan.gates import OpenWindow

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

PASS, BLOCKED = Verdict.PASS, Verdict.BLOCKED


def written(**keys: str | list[str]) -> OpenWindow:
    """The entry as a plan has it."""
    return OpenWindow.model_validate(keys)


OFFICE = written(open="mon-thu 09:00-16:00 Europe/Paris")
NIGHT = written(open="02:30-03:30 Europe/Paris")
FROZEN = written(freeze="2026-12-20..2027-01-02 UTC")
BOTH = written(
    open=["22:00-06:00 UTC", "12:00-13:00 UTC"], freeze=["2026-12-24", "2026-12-31T12:30..2027-01-01T23:00 UTC"]
)


def judged(entry: OpenWindow, at: str) -> Judgement:
    return judge(Observation(now=datetime.fromisoformat(at)), entry)


@pytest.mark.parametrize(
    ("entry", "at", "verdict"),
    [
        (OFFICE, "2026-03-02T07:59:59.999999Z", BLOCKED),
        (OFFICE, "2026-03-02T08:00Z", PASS),
        (OFFICE, "2026-03-02T14:59:59.999999Z", PASS),
        (OFFICE, "2026-03-02T15:00Z", BLOCKED),
        (OFFICE, "2026-03-06T10:00Z", BLOCKED),
        # In summer the same hours are an hour earlier.
        (OFFICE, "2026-07-06T07:00Z", PASS),
        (OFFICE, "2026-07-06T14:00Z", BLOCKED),
        # On 29 March the clock jumps from 02:00 to 03:00, an hour before 01:00 UTC is over.
        (NIGHT, "2026-03-29T00:59Z", BLOCKED),
        (NIGHT, "2026-03-29T01:00Z", PASS),
        (NIGHT, "2026-03-29T01:29Z", PASS),
        (NIGHT, "2026-03-29T01:30Z", BLOCKED),
        # On 25 October it shows 02:30 twice.
        (NIGHT, "2026-10-25T00:29Z", BLOCKED),
        (NIGHT, "2026-10-25T00:30Z", PASS),
        (NIGHT, "2026-10-25T01:15Z", PASS),
        (NIGHT, "2026-10-25T02:29Z", PASS),
        (NIGHT, "2026-10-25T02:30Z", BLOCKED),
        (FROZEN, "2026-12-19T23:59Z", PASS),
        (FROZEN, "2026-12-20T00:00Z", BLOCKED),
        (FROZEN, "2027-01-02T23:59Z", BLOCKED),
        (FROZEN, "2027-01-03T00:00Z", PASS),
        (BOTH, "2026-12-23T23:00Z", PASS),
        (BOTH, "2026-12-24T00:00Z", BLOCKED),
        (BOTH, "2026-12-31T12:29Z", PASS),
        (BOTH, "2026-12-31T12:30Z", BLOCKED),
        (BOTH, "2027-01-01T23:00Z", PASS),
        (BOTH, "2027-01-02T06:00Z", BLOCKED),
    ],
)
def test_it_passes_within_the_window_and_outside_of_the_freeze(entry: OpenWindow, at: str, verdict: Verdict) -> None:
    assert judged(entry, at).verdict is verdict
    # The zone that the database's clock is read in says nothing.
    elsewhere = datetime.fromisoformat(at).astimezone(datetime.fromisoformat("2026-01-01T00:00+05:45").tzinfo)
    assert judge(Observation(now=elsewhere), entry).verdict is verdict


def test_the_reason_says_until_when() -> None:
    opened, closed = judged(OFFICE, "2026-03-05T10:00Z"), judged(OFFICE, "2026-03-05T15:00Z")
    assert opened.reason == "the window is open until 2026-03-05 15:00:00 UTC"
    assert opened.evidence == {"now": "2026-03-05T10:00:00+00:00", "closes": "2026-03-05T15:00:00+00:00"}
    assert closed.reason == "outside the window mon-thu 09:00-16:00 Europe/Paris until 2026-03-09 09:00 CET"
    assert closed.evidence == {"now": "2026-03-05T15:00:00+00:00", "opens": "2026-03-09T08:00:00+00:00"}
    assert judged(FROZEN, "2026-12-25T00:00Z").reason == (
        "blackout 2026-12-20..2027-01-02 UTC until 2027-01-03 00:00 UTC"
    )
    assert judged(FROZEN, "2027-03-01T00:00Z").reason == "the window is open"
    assert judged(FROZEN, "2027-03-01T00:00Z").evidence["closes"] is None


def test_one_that_never_opens_says_so() -> None:
    never = written(open="12:00-13:00 UTC", freeze="2026-01-01..2999-01-01 UTC")
    judgement = judged(never, "2026-03-01T12:30Z")
    assert (judgement.verdict, judgement.evidence["opens"]) == (BLOCKED, None)
    assert judgement.reason.endswith(", and not open again within five years")


def test_the_databases_clock_decides(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    look = run.look()
    assert observe(run.connection, run.subject, OFFICE, look).now == look.now
    then = Look(phase=Phase.EXPAND, now=look.now - timedelta(days=400), record=False)
    assert observe(run.connection, run.subject, OFFICE, then).now == then.now


ALWAYS_AND_NEVER = """
gates:
  expand:
    - window: {open: "00:00-24:00 UTC", hold: 1h}
    - window: {freeze: 2020-01-01..2999-12-31}
"""


def test_in_front_of_a_phase(start: Callable[..., Expanded]) -> None:
    always, never = start(KEYED, ALWAYS_AND_NEVER).evaluate(Phase.EXPAND).gates
    assert (always.verdict, always.holding) == (BLOCKED, True)
    assert (never.verdict, never.holding) == (BLOCKED, False)


def test_in_words_it_says_the_times() -> None:
    assert in_words(OFFICE) == "it is within mon-thu 09:00-16:00 Europe/Paris"
    assert in_words(FROZEN) == "it is not within 2026-12-20..2027-01-02 UTC"
    assert in_words(BOTH) == (
        "it is within 22:00-06:00 UTC or 12:00-13:00 UTC,"
        " not within 2026-12-24 UTC or 2026-12-31T12:30..2027-01-01T23:00 UTC"
    )
