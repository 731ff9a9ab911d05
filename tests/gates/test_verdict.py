"""How the answers of a phase's gates add up, and what is said when they do not let it begin."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.errors import GateBlocked, GateUnknown
from crossfade.gates.verdict import GateResult, PhaseVerdict, Verdict, all_of
from crossfade.operations.step import Phase

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
ORDER = (BLOCKED, ERROR, UNKNOWN, PASS)

answers = st.lists(st.tuples(st.sampled_from(ORDER), st.sampled_from(["enforce", "observe"])), max_size=5)


def gate(
    verdict: Verdict, mode: str = "enforce", *, reason: str = "", until: datetime | None = None, holding: bool = False
) -> GateResult:
    return GateResult(
        kind="legacy_writes",
        verdict=verdict,
        mode="observe" if mode == "observe" else "enforce",
        reason=reason or f"because {verdict}",
        evidence={},
        checked_at=NOW,
        hold_until=until,
        holding=holding,
    )


@pytest.mark.parametrize(("worse", "better"), list(combinations(ORDER, 2)))
def test_of_two_answers_the_worse_counts_in_either_order(worse: Verdict, better: Verdict) -> None:
    assert all_of([worse, better]) is worse
    assert all_of([better, worse]) is worse
    assert all_of([better, better]) is better


def test_nothing_to_ask_is_a_pass() -> None:
    assert all_of([]) is PASS
    assert all_of(iter([PASS, PASS])) is PASS


def test_all_four_answers_together_are_blocked() -> None:
    assert all_of(ORDER) is all_of(reversed(ORDER)) is BLOCKED


@given(given_answers=answers)
def test_a_gate_that_is_only_observed_never_counts_and_is_always_shown(
    given_answers: list[tuple[Verdict, str]],
) -> None:
    phase = PhaseVerdict.of(Phase.CONTRACT, tuple(gate(v, mode) for v, mode in given_answers))
    enforced = [v for v, mode in given_answers if mode == "enforce"]
    assert phase.verdict is all_of(enforced)
    assert len(phase.gates) == len(phase.as_json()["gates"]) == len(given_answers)
    assert bool(phase.blockers) is (phase.verdict is not PASS)
    assert len(phase.blockers) == sum(v is not PASS for v in enforced)


@given(given_answers=answers)
def test_a_phase_begins_only_when_every_enforced_gate_passes(given_answers: list[tuple[Verdict, str]]) -> None:
    phase = PhaseVerdict.of(Phase.CONTRACT, tuple(gate(v, mode) for v, mode in given_answers))
    if all(v is PASS for v, mode in given_answers if mode == "enforce"):
        phase.raise_unless_passed()
    else:
        with pytest.raises((GateBlocked, GateUnknown)):
            phase.raise_unless_passed()


@pytest.mark.parametrize(
    ("other", "verdict"), [(PASS, BLOCKED), (BLOCKED, BLOCKED), (UNKNOWN, UNKNOWN), (ERROR, ERROR)]
)
def test_what_only_needs_time_keeps_the_phase_back_and_says_least(other: Verdict, verdict: Verdict) -> None:
    waiting = gate(BLOCKED, until=NOW, holding=True)
    assert PhaseVerdict.of(Phase.CONTRACT, (waiting, gate(other))).verdict is verdict
    assert PhaseVerdict.of(Phase.CONTRACT, (gate(other), waiting)).verdict is verdict
    assert PhaseVerdict.of(Phase.CONTRACT, (waiting,)).verdict is BLOCKED
    shown = gate(BLOCKED, "observe", until=NOW, holding=True)
    assert PhaseVerdict.of(Phase.CONTRACT, (shown, gate(other))).verdict is other


@pytest.mark.parametrize(
    ("verdict", "error", "code"), [(BLOCKED, GateBlocked, 3), (UNKNOWN, GateUnknown, 4), (ERROR, GateUnknown, 4)]
)
def test_the_error_says_every_reason_and_the_run(
    verdict: Verdict, error: type[GateBlocked | GateUnknown], code: int
) -> None:
    gates = (gate(verdict, reason="api 1.4.0 is live"), gate(UNKNOWN, "observe", reason="only shown"), gate(PASS))
    with pytest.raises(error) as raised:
        PhaseVerdict.of(Phase.CONTRACT, gates, run="users-email").raise_unless_passed()
    assert raised.value.exit_code == code
    assert raised.value.message.splitlines() == [
        f"contract of run users-email does not begin yet, {verdict}:",
        f"  - legacy_writes {verdict}: api 1.4.0 is live",
    ]
    assert "crossfade gate users-email --phase contract" in (raised.value.hint or "")


def test_where_only_time_is_missing_it_says_until_when() -> None:
    later = NOW + timedelta(minutes=10)
    gates = (gate(BLOCKED, until=NOW), gate(BLOCKED, until=later), gate(UNKNOWN, "observe"))
    with pytest.raises(GateBlocked) as raised:
        PhaseVerdict.of(Phase.CONTRACT, gates, run="r").raise_unless_passed()
    assert raised.value.hint == "Somebody has to look on until 2026-03-01 12:10:00 UTC: add --wait."
    remembering = tuple(replace(g, remembers=True) for g in gates)
    with pytest.raises(GateBlocked) as raised:
        PhaseVerdict.of(Phase.CONTRACT, remembering, run="r").raise_unless_passed()
    assert raised.value.hint == "Run the command again after 2026-03-01 12:10:00 UTC, or add --wait."
    with pytest.raises(GateBlocked) as raised:
        PhaseVerdict.of(Phase.CONTRACT, (*gates, gate(UNKNOWN)), run="r").raise_unless_passed()
    assert "12:10" not in (raised.value.hint or "")


def test_a_result_as_json_has_the_keys_that_others_rely_on() -> None:
    document = PhaseVerdict.of(Phase.CONTRACT, (gate(BLOCKED, until=NOW),)).as_json()
    assert (document["phase"], document["verdict"]) == ("contract", "BLOCKED")
    (entry,) = document["gates"]
    assert {"kind", "verdict", "mode", "reason", "evidence", "checked_at"} <= set(entry)
    assert entry["checked_at"] == entry["hold_until"] == "2026-03-01T12:00:00+00:00"
    assert entry["passing_since"] is None
