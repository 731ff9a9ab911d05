"""Asking outside of the database: side by side, in a thread that nobody waits for without end."""

from __future__ import annotations

import shlex
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from crossfade.gates import asking
from crossfade.gates.asking import Asking
from crossfade.gates.kinds import Outside
from crossfade.gates.subject import Look, Subject
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import Exec
from crossfade.plan.load import parse_plan

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .expanded import Expanded

PASS, BLOCKED, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.ERROR
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = parse_plan("crossfade: 1\nname: p\nchanges:\n  - rename_column: {table: t, from: a, to: b}\n", "p.yaml")
SUBJECT = Subject(run_id=1, name="p", digest="sha256:1", plan=PLAN, rows=(), created_at=NOW)
LOOK = Look(phase=Phase.EXPAND, now=NOW, record=False)
QUICK = Exec.model_validate({"command": ("true",), "timeout": "100ms"})

MEETING = "touch {here}; while [ ! -e {there} ]; do sleep 0.01; done"
"""Ends only once another has begun."""


def test_two_that_wait_for_each_other_are_asked_side_by_side(start: Callable[..., Expanded], tmp_path: Path) -> None:
    a, b = (shlex.quote(str(tmp_path / name)) for name in "ab")
    commands = [f"[sh, -c, {MEETING.format(here=h, there=t)!r}]" for h, t in ((a, b), (b, a))]
    plan = "gates:\n  expand:\n" + "".join(f"    - exec: {{command: {c}}}\n" for c in commands)
    found = start(KEYED, plan).evaluate(Phase.EXPAND)
    assert [g.verdict for g in found.gates] == [PASS, PASS]


def test_the_database_is_asked_last_and_the_answers_keep_their_order(start: Callable[..., Expanded]) -> None:
    plan = (
        "gates:\n  expand:\n    - exec: {command: [sleep, '0.2']}\n    - sql: {query: SELECT true}\n"
        "    - exec: {command: ['false'], mode: observe}\n    - exec: {command: [sleep, '600'], timeout: 100ms}\n"
    )
    found = start(KEYED, plan).evaluate(Phase.EXPAND)
    assert [(g.kind, g.verdict) for g in found.gates] == [
        ("exec", PASS),
        ("sql", PASS),
        ("exec", BLOCKED),
        ("exec", ERROR),
    ]
    assert found.verdict is ERROR
    assert found.gates[-1].reason == "sleep 600: it did not end within 100ms"


def replace(monkeypatch: pytest.MonkeyPatch, observe: Callable[..., Any]) -> None:
    """Let the kind `exec` be observed by this."""

    def judge(observation: Any, _entry: Exec) -> Judgement:
        return Judgement(verdict=PASS, reason=str(observation))

    monkeypatch.setattr(asking, "KINDS", {Exec: Outside(observe, judge, str)})


def test_one_that_hangs_beyond_its_own_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    replace(monkeypatch, lambda *_: over.wait())
    hanging = [Asking(SUBJECT, QUICK, LOOK) for _ in range(2)]
    try:
        for asked in hanging:
            judgement = asked.judgement()
            assert (judgement.verdict, judgement.reason) == (ERROR, "exec does not answer within 100ms")
    finally:
        over.set()


def test_the_time_counts_from_the_question_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is waited for after another is not given more time than the first."""
    waited: list[float] = []

    class Hanging:
        def __init__(self, **_: Any) -> None:
            pass

        def start(self) -> None:
            pass

        def join(self, seconds: float) -> None:
            waited.append(seconds)
            clock[0] += seconds

    clock = [1000.0]
    monkeypatch.setattr("crossfade.gates.aside.threading.Thread", Hanging)
    monkeypatch.setattr("crossfade.gates.aside.time.monotonic", lambda: clock[0])
    first, second = Asking(SUBJECT, QUICK, LOOK), Asking(SUBJECT, QUICK, LOOK)
    assert first.judgement().verdict is second.judgement().verdict is ERROR
    assert waited[0] > 0
    assert waited[1] == 0


def test_a_failure_of_the_system_is_an_error_and_a_bug_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(*_: Any) -> NoReturn:
        raise OSError(24, "Too many open files")

    def broken(*_: Any) -> NoReturn:
        raise ZeroDivisionError

    replace(monkeypatch, unable)
    judgement = Asking(SUBJECT, QUICK, LOOK).judgement()
    assert (judgement.verdict, judgement.evidence) == (ERROR, {"error": "OSError"})
    assert judgement.reason == "exec cannot be asked: [Errno 24] Too many open files"
    replace(monkeypatch, broken)
    with pytest.raises(ZeroDivisionError):
        Asking(SUBJECT, QUICK, LOOK).judgement()


@pytest.mark.parametrize("gate", ["exec: {command: ['true'], hold: 1h}", "http: {url: 'http://127.0.0.1:1', hold: 1h}"])
def test_what_is_outside_can_be_held_too(start: Callable[..., Expanded], gate: str) -> None:
    run = start(KEYED, f"gates:\n  expand:\n    - {gate}\n")
    (found,) = run.evaluate(Phase.EXPAND).gates
    assert (found.verdict, found.holding) == ((BLOCKED, True) if gate.startswith("exec") else (ERROR, False))
    assert (found.passing_since is None) is (not found.holding)
