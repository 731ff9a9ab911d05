"""`all`, `any` and `not`: every combination of answers, and what that comes to in front of a phase."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest

from crossfade.gates import combined
from crossfade.gates.phase_gates import describe, gates_of
from crossfade.gates.verdict import GateResult, Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import AllOf, AnyOf, Not

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUERY = {"sql": {"query": "SELECT true"}}
OPPOSITE = Not.model_validate(QUERY)
HOLDS = "holding"
"""A part that passes, and has not done so for long enough."""
ANSWERS = (PASS, HOLDS, BLOCKED, UNKNOWN, ERROR)


def part(answer: str, *, mode: str = "enforce", minutes: int = 5, is_guard: bool = False) -> GateResult:
    return GateResult(
        kind="sql",
        verdict=BLOCKED if answer == HOLDS else Verdict(answer),
        mode="observe" if mode == "observe" else "enforce",
        reason=f"says {answer}",
        evidence={},
        checked_at=NOW,
        passing_since=NOW - timedelta(minutes=minutes) if answer == PASS else None,
        hold_until=NOW + timedelta(minutes=minutes) if answer == HOLDS else None,
        holding=answer == HOLDS,
        is_guard=is_guard,
    )


def judged(entry: AllOf | AnyOf | Not, *answers: str) -> Judgement:
    return combined.judge([part(answer) for answer in answers], entry)


def several(kind: type[AllOf | AnyOf], count: int) -> AllOf | AnyOf:
    return kind.model_validate((QUERY,) * count)


@pytest.mark.parametrize("answers", list(product(ANSWERS, repeat=2)))
def test_all_passes_only_if_each_does(answers: tuple[str, str]) -> None:
    found = judged(several(AllOf, 2), *answers)
    told = [a for a in answers if a not in {PASS, HOLDS}]
    expected = next((v for v in (BLOCKED, ERROR, UNKNOWN) if v in told), BLOCKED if HOLDS in answers else PASS)
    assert found.verdict is expected
    assert (found.until is not None) is (HOLDS in answers and not told)


@pytest.mark.parametrize("answers", list(product(ANSWERS, repeat=2)))
def test_any_passes_if_one_does_and_else_knows_no_more_than_they(answers: tuple[str, str]) -> None:
    found = judged(several(AnyOf, 2), *answers)
    if PASS in answers:
        assert found.verdict is PASS
        return
    untold = [a for a in answers if a in {UNKNOWN, ERROR}]
    assert found.verdict is (BLOCKED if not untold else ERROR if ERROR in untold else UNKNOWN)
    assert (found.until is not None) is (HOLDS in answers and not untold)


@pytest.mark.parametrize(
    ("answer", "expected"), [(PASS, BLOCKED), (HOLDS, BLOCKED), (BLOCKED, PASS), (UNKNOWN, UNKNOWN), (ERROR, ERROR)]
)
def test_not_passes_only_for_what_is_known_not_to_hold(answer: str, expected: Verdict) -> None:
    assert judged(OPPOSITE, answer).verdict is expected


@pytest.mark.parametrize("answer", [PASS, BLOCKED, UNKNOWN, ERROR])
def test_a_part_that_is_only_observed_counts_for_nothing(answer: Verdict) -> None:
    shown = part(answer, mode="observe")
    for kind in (AllOf, AnyOf):
        assert combined.judge([part(BLOCKED), shown], several(kind, 2)).verdict is BLOCKED
        assert combined.judge([shown, part(PASS)], several(kind, 2)).verdict is PASS


def test_when_it_will_pass_is_when_the_last_of_all_and_the_first_of_any_does() -> None:
    parts = [part(HOLDS, minutes=3), part(HOLDS, minutes=9)]
    assert combined.judge(parts, several(AllOf, 2)).until == NOW + timedelta(minutes=9)
    assert combined.judge(parts, several(AnyOf, 2)).until == NOW + timedelta(minutes=3)
    passing = [part(PASS, minutes=3), part(PASS, minutes=9)]
    assert combined.judge(passing, several(AllOf, 2)).clear_since == NOW - timedelta(minutes=3)


def test_a_guard_inside_keeps_an_override_out_unless_there_is_another_way() -> None:
    guard, policy = part(BLOCKED, is_guard=True), part(BLOCKED)
    assert combined.judge([guard, policy], several(AllOf, 2)).is_guard
    assert not combined.judge([part(PASS, is_guard=True), policy], several(AllOf, 2)).is_guard
    assert not combined.judge([guard, policy], several(AnyOf, 2)).is_guard
    assert combined.judge([guard], several(AnyOf, 1)).is_guard


def gates(*entries: str, hold: str = "0s") -> str:
    listed = "\n".join(f"    - {entry}" for entry in entries)
    return f"hold: {hold}\ngates:\n  contract:\n    - approval: {{role: x, mode: observe}}\n{listed}"


TRUE = '{sql: {query: "SELECT true"}}'
FALSE = TRUE.replace("true", "false")
NULL = TRUE.replace("true", "NULL::boolean")


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        (f"all: [{TRUE}, {{not: {FALSE}}}]", PASS),
        (f"all: [{TRUE}, {FALSE}, {NULL}]", BLOCKED),
        (f"all: [{TRUE}, {NULL}]", UNKNOWN),
        (f"any: [{FALSE}, {TRUE}, {NULL}]", PASS),
        (f"any: [{FALSE}, {NULL}]", UNKNOWN),
        (f"any: [{FALSE}, {{all: [{TRUE}, {TRUE.replace('true', '1 = 1')}]}}]", PASS),
        (f"not: {NULL}", UNKNOWN),
        (f"not: {{any: [{FALSE}, {TRUE}]}}", BLOCKED),
        (f"not: {{of: {FALSE}, mode: observe}}", PASS),
    ],
)
def test_in_front_of_a_phase(start: Callable[..., Expanded], entry: str, verdict: Verdict) -> None:
    run = start(KEYED, gates(entry))
    found = run.evaluate()
    kind = entry.partition(":")[0]
    gate = next(g for g in found.gates if g.kind == kind)
    assert gate.verdict is verdict
    assert found.verdict is verdict
    assert [p["kind"] for p in gate.as_json()["gates"]] == [p.kind for p in gate.parts]


def test_a_part_has_a_hold_of_its_own_and_so_has_the_whole(start: Callable[..., Expanded]) -> None:
    held = TRUE.replace("}}", ", hold: 1h}}")
    run = start(KEYED, gates(f"any: {{of: [{held}, {FALSE}], hold: 2h}}"))
    gate = run.gates()["any"]
    assert (gate.verdict, gate.holding, gate.parts[0].holding) == (BLOCKED, True, True)
    run.sql("UPDATE crossfade.passing SET since = since - interval '1 h' WHERE run_id = %s", [run.subject.run_id])
    gate = run.gates()["any"]
    assert (gate.verdict, gate.holding, gate.parts[0].verdict) == (BLOCKED, True, PASS)
    run.sql("UPDATE crossfade.passing SET since = since - interval '2 h' WHERE run_id = %s", [run.subject.run_id])
    assert run.gates()["any"].verdict is PASS


def test_what_stands_inside_replaces_no_default_gate(start: Callable[..., Expanded]) -> None:
    plan = 'apps:\n  api: {scheme: semver, new: ">=2.0.0"}\nhold: 0s\ngates:\n  contract:\n'
    run = start(KEYED, f"{plan}    - any: [{{app_version: {{}}}}, {TRUE}]")
    found = run.gates()
    assert (found["app_version"].verdict, found["any"].verdict) == (UNKNOWN, PASS)
    words = [describe(gate) for gate in gates_of(run.subject.plan, Phase.CONTRACT)]
    assert words[-1] == (
        "any: (app_version: every live instance of api is in its `new` range) or (sql: SELECT true gives true)"
    )
