"""Happenings into lines that a person reads, the same ones on a terminal and elsewhere."""

from __future__ import annotations

from crossfade.demo.happenings import Happening, Remark
from crossfade.observe.events import (
    BackfillTrouble,
    GatesEvaluated,
    LockWaited,
    StateChanged,
    StepDone,
    StepStarted,
    Vacuumed,
    Verified,
)

WORTH_SAYING_MS = 1.0
"""A wait for a lock that is shorter is not mentioned."""


class Narrator:
    """Remembers what a later happening refers to: a step's title, and the gates' last answer, which is said once."""

    def __init__(self) -> None:
        self._titles: dict[str, str] = {}
        self._gates: tuple[str, str] | None = None

    def line(self, happening: Happening) -> str | None:
        """What to say; None where nothing is."""
        match happening:
            case Remark(text=text) | BackfillTrouble(message=text) | Vacuumed(message=text):
                return text
            case StateChanged(source=source, target=target):
                self._gates = None
                return f"{source} → {target}"
            case StepStarted(step=step, title=title):
                self._titles[step] = title
            case StepDone():
                return self._step(happening)
            case LockWaited(attempt=attempt, blockers=blockers):
                holders = "; ".join(map(str, blockers)) or "somebody who is gone again"
                return f"waits for a lock (attempt {attempt}), held by {holders}"
            case Verified(relation=relation, mismatches=mismatches, duration_ms=duration):
                return f"{relation}: both columns compared on every row, {mismatches} differ ({duration:,.0f} ms)"
            case GatesEvaluated():
                return self._answer(happening)
            case _:
                pass
        return None

    def _step(self, done: StepDone) -> str:
        waited = f", after {done.lock_wait_ms:,.0f} ms for its locks" if done.lock_wait_ms >= WORTH_SAYING_MS else ""
        return f"{self._titles.get(done.step, done.step)} ({done.duration_ms:,.0f} ms{waited})"

    def _answer(self, gates: GatesEvaluated) -> str | None:
        answer = (gates.phase, gates.verdict)
        if answer == self._gates:
            return None
        self._gates = answer
        return f"gates of {gates.phase}: {gates.verdict}: {gates.reason}"
