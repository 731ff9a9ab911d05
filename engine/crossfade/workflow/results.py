"""What the engine answers, as frozen values; `as_json` gives the documents that the design lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossfade.operations.step import Phase
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.gates.verdict import PhaseVerdict
    from crossfade.observe.figures import RunProgress, TableProgress
    from crossfade.operations.step import Caution
    from crossfade.plan.model import Plan
    from crossfade.workflow.program import Program


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatus:
    """One step and how it went."""

    id: str
    title: str
    state: str
    """pending, running, done or undone."""
    attempts: int = 0
    lock_wait_ms: float = 0.0
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStatus:
    """One phase: pending, running, done, undone, or cancelled while it ran."""

    phase: Phase
    state: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    steps: tuple[StepStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What can be done now, the command for it, and what stands in the way."""

    action: str | None
    command: str | None
    blocked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a run stands."""

    name: str
    state: State
    state_since: datetime
    paused: str | None
    failed: Mapping[str, Any] | None
    next: Next
    phases: tuple[PhaseStatus, ...]
    progress: RunProgress | None = None
    """How far the rows are; None before the backfill began."""
    gates: Mapping[Phase, PhaseVerdict] = field(default_factory=dict)
    retain_until: datetime | None = None
    holder: str | None = None
    """Who drives it now."""
    warnings: tuple[str, ...] = ()

    @property
    def backfill(self) -> tuple[TableProgress, ...]:
        """How far each relation is."""
        return () if self.progress is None else self.progress.tables

    def as_json(self) -> dict[str, Any]:
        """The document of `status RUN --json`."""
        return {
            "name": self.name,
            "state": self.state.value,
            "state_since": _time(self.state_since),
            "paused": self.paused,
            "failed": self.failed,
            "next": {
                "action": self.next.action,
                "command": self.next.command,
                "blocked_by": list(self.next.blocked_by),
            },
            "phases": {p.phase.value: _phase_json(p) for p in self.phases},
            "backfill": {t.relation: _without(t.as_json(), "relation") for t in self.backfill},
            "progress": None if self.progress is None else self.progress.as_json(),
            "gates": {p.value: v.as_json()["gates"] for p, v in self.gates.items()},
            "retain_until": _time(self.retain_until),
            "holder": self.holder,
            "warnings": list(self.warnings),
        }


def _without(document: dict[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in document.items() if k != key}


def _phase_json(phase: PhaseStatus) -> dict[str, Any]:
    return {
        "state": phase.state,
        "started_at": _time(phase.started_at),
        "finished_at": _time(phase.finished_at),
        "steps": [asdict(s) for s in phase.steps],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What a plan meets in this database."""

    plan: str
    refusals: tuple[Refusal, ...] = ()
    cautions: tuple[Caution, ...] = ()
    state: State | None = None
    """Where the plan's run stands, if it is under way; then nothing was examined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A plan, compiled: what would be executed, and what may go wrong."""

    plan: Plan
    program: Program
    cautions: tuple[Caution, ...] = ()
    gates: Mapping[Phase, tuple[str, ...]] = field(default_factory=dict)
    """The gates of each phase, in words."""
    state: State | None = None
    """Where the plan's run stands, if it is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One event of a run."""

    at: datetime
    kind: str
    actor: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that `doctor` looked at: ok, warning or error."""

    check: str
    level: str
    message: str
    hint: str | None = None
