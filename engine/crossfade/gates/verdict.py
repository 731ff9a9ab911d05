"""Verdicts: what a gate answers, how the answers of a phase add up, and how they are shown. Pure.

Only PASS advances. A gate in mode `observe` is shown and never counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from crossfade.errors import GateBlocked, GateUnknown
from crossfade.gates.next_step import next_step
from crossfade.gates.spans import moment
from crossfade.operations.step import Phase

if TYPE_CHECKING:
    from crossfade.plan.gates import Mode


class Verdict(StrEnum):
    """A gate's answer."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    BLOCKED = "BLOCKED"
    UNKNOWN = "UNKNOWN"
    ERROR = "ERROR"


_WORST_FIRST = (Verdict.BLOCKED, Verdict.ERROR, Verdict.UNKNOWN)


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """PASS if all pass. Otherwise the answer that says most: a known blocker is always named."""
    given = frozenset(verdicts)
    return next((v for v in _WORST_FIRST if v in given), Verdict.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one look at the evidence says, before `hold` is asked for."""

    verdict: Verdict
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What was seen, as a JSON document."""
    clear_since: datetime | None = None
    """The evidence says that the gate did not hold before this time, and that it has held since.

    A verdict other than PASS without it breaks a hold.
    """
    remembers: bool = False
    """Whether what happens between two looks leaves a trace that moves `clear_since`; else somebody has to look on."""
    until: datetime | None = None
    """Nothing but time is missing: when it will pass, if nothing happens before."""
    is_guard: bool = False
    """What keeps it from passing are the engine's own guards, which no override goes past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's word that a phase may begin although this gate does not pass."""

    by: str
    reason: str
    until: datetime

    def as_json(self) -> dict[str, Any]:
        """One gate's `override` in `gate RUN --json`."""
        return {"by": self.by, "reason": self.reason, "until": self.until.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One gate's answer, with its evidence."""

    kind: str
    verdict: Verdict
    mode: Mode
    reason: str
    evidence: Mapping[str, Any]
    checked_at: datetime
    passing_since: datetime | None = None
    """Since when it has passed without a break."""
    hold_until: datetime | None = None
    """How long it still has to pass; None where it does not pass, or has passed for long enough."""
    holding: bool = False
    """BLOCKED for no other reason than that it has not passed for long enough."""
    remembers: bool = False
    """As in `Judgement`."""
    is_guard: bool = False
    """As in `Judgement`."""
    override: Override | None = None
    """Why it does not hold the phase back, although it does not pass."""
    parts: tuple[GateResult, ...] = ()
    """The answers of the gates that it is made of."""

    @property
    def holds_back(self) -> bool:
        """Whether the phase may not begin because of it."""
        return self.mode == "enforce" and self.verdict is not Verdict.PASS and self.override is None

    @property
    def hint(self) -> str | None:
        """What to do about it; None where the reason says that, or nothing is to be done."""
        return next_step(self.kind, self.verdict.value, self.evidence, holding=self.holding)

    def as_json(self) -> dict[str, Any]:
        """One entry of `gates` in `gate RUN --json`."""
        return {
            "kind": self.kind,
            "verdict": self.verdict.value,
            "mode": self.mode,
            "reason": self.reason,
            "hint": self.hint,
            "evidence": dict(self.evidence),
            "checked_at": self.checked_at.isoformat(),
            "passing_since": self.passing_since and self.passing_since.isoformat(),
            "hold_until": self.hold_until and self.hold_until.isoformat(),
            **({"override": self.override.as_json()} if self.override else {}),
            **({"gates": [part.as_json() for part in self.parts]} if self.parts else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseVerdict:
    """The answer of all gates in front of a phase."""

    phase: Phase
    verdict: Verdict
    gates: tuple[GateResult, ...]
    run: str | None = None
    """Whose gates they are, for messages."""
    answered_at: datetime | None = None
    """On the database's clock, when all of them had answered."""

    @classmethod
    def of(
        cls,
        phase: Phase,
        gates: tuple[GateResult, ...],
        *,
        run: str | None = None,
        answered_at: datetime | None = None,
    ) -> PhaseVerdict:
        """Add the answers up; those in mode `observe` do not count, nor those that a person has overridden.

        What only needs time says least: beside a gate that has no proof at all, the answer is that one's.
        """
        closed = [g for g in gates if g.holds_back]
        verdict = all_of(g.verdict for g in closed if not g.holding)
        if verdict is Verdict.PASS and closed:
            verdict = Verdict.BLOCKED
        return cls(phase=phase, verdict=verdict, gates=gates, run=run, answered_at=answered_at)

    @property
    def _closed(self) -> tuple[GateResult, ...]:
        return tuple(g for g in self.gates if g.holds_back)

    @property
    def blockers(self) -> tuple[str, ...]:
        """Why the phase may not begin; empty only if it may."""
        return tuple(g.reason for g in self._closed)

    def as_json(self) -> dict[str, Any]:
        """The document of `gate RUN --json`."""
        return {
            "phase": self.phase.value,
            "verdict": self.verdict.value,
            "gates": [g.as_json() for g in self.gates],
        }

    def raise_unless_passed(self, *, waited: bool = False) -> None:
        """Raises GateBlocked or GateUnknown with every reason, unless the phase may begin.

        `waited` is whether that was waited for already; the hint does not advise it then.
        """
        if self.verdict is Verdict.PASS:
            return
        failure = GateBlocked if self.verdict is Verdict.BLOCKED else GateUnknown
        lines = "\n".join(f"  - {g.kind} {g.verdict}: {g.reason}" for g in self._closed)
        of_run = f" of run {self.run}" if self.run else ""
        message = f"{self.phase}{of_run} does not begin yet, {self.verdict}:\n{lines}"
        raise failure(message, hint=self._hint(waited=waited))

    def _hint(self, *, waited: bool) -> str:
        look = f"crossfade gate {self.run or 'RUN'} --phase {self.phase}"
        untils = [g.hold_until for g in self._closed]
        if all(untils):
            over = moment(max(u for u in untils if u))
            if not all(g.remembers for g in self._closed):
                return f"Somebody has to look on until {over}: {'wait for longer' if waited else 'add --wait'}."
            again = f"Run the command again after {over}"
            return f"{again}." if waited else f"{again}, or add --wait."
        if self.verdict is Verdict.BLOCKED:
            return f"See the evidence: {look}" if waited else f"Add --wait to wait for it, or see the evidence: {look}"
        return f"Only proof advances. See what is missing: {look}"
