"""What a run does next: one pure function of where it stands and of the facts.

`decide` holds no clock and no connection. It is total: every state has an answer, and only a PASS among the facts leads
into the next phase. The runner performs the effect, gathers the facts again, and asks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from crossfade.operations.step import Part, Phase
from crossfade.workflow.states import FORWARD, GIVEN_UP, Event, State

if TYPE_CHECKING:
    from crossfade.operations.step import Step
    from crossfade.workflow.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the ledger has it, and the state it is meant to reach."""

    state: State
    goal: State
    program: Program
    steps: Mapping[str, str] = field(default_factory=dict)
    """The ledger's word for each step that was begun: running, done or undone."""
    paused: str | None = None

    def pending(self, *parts: Part) -> Step | None:
        """The first step of these parts that is not done."""
        return next((s for s in self.program.of(*parts) if self.steps.get(s.id) != "done"), None)

    @property
    def has_hidden(self) -> bool:
        """Whether a part of the old shape is gone, or may be; a step without statements is there for its undo only."""
        states = ((s, self.steps.get(s.id)) for s in self.program.of(Part.HIDE) if s.statements)
        return any(state == "done" or (state == "running" and not s.transactional) for s, state in states)

    def begun(self, *parts: Part) -> Step | None:
        """The last step of these parts that has something to undo: done, or begun and perhaps half made."""
        return next((s for s in reversed(self.program.of(*parts)) if self.steps.get(s.id) in ("running", "done")), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the runner has found out since it last moved the run."""

    blockers: tuple[str, ...] | None = None
    """Of the gates in front of the next phase: why they do not pass; empty is PASS, None is not yet asked."""
    confirmed: bool = False
    """A person agreed to hide or drop, in this call."""
    filled: bool = False
    """Every row is migrated."""
    verified: bool = False
    """Both sides were compared over all rows, in this call."""
    now: datetime | None = None
    retain_until: datetime | None = None
    stop: str | None = None
    """Why to stop between two steps."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Evaluate the gates in front of this phase."""

    phase: Phase


@dataclass(frozen=True, slots=True)
class Confirm:
    """Ask the person, if there is one."""

    what: str


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a step."""

    step: Step


@dataclass(frozen=True, slots=True)
class Undo:
    """Take a step back."""

    step: Step


@dataclass(frozen=True, slots=True)
class RunBatches:
    """Migrate rows until none is left."""


@dataclass(frozen=True, slots=True)
class Verify:
    """Compare both sides over every row."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Only PASS advances: who or what is in the way, and until when if that is known."""

    blockers: tuple[str, ...]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """Move the run along this event."""

    event: Event


@dataclass(frozen=True, slots=True)
class Halt:
    """Stop with work left, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rest:
    """The goal is reached."""


Effect = Ask | Confirm | Execute | Undo | RunBatches | Verify | Wait | Finish | Halt | Rest

_GATED = {
    State.PLANNED: (Phase.EXPAND, Event.BEGIN_EXPAND),
    State.EXPANDED: (Phase.BACKFILL, Event.BEGIN_BACKFILL),
}
_WORKING = {
    State.EXPANDING: (Part.EXPAND, Event.FINISH_EXPAND),
    State.DROPPING: (Part.DROP, Event.FINISH_DROP),
}
_UNDOING = {
    # Nothing is hidden then; a step that is there for its undo only may have something left of a revert.
    State.ROLLING_BACK: ((Part.EXPAND, Part.SEAL, Part.HIDE), Event.FINISH_ROLLBACK),
    State.REVERTING: ((Part.HIDE,), Event.FINISH_REVERT),
}


def reached(state: State, goal: State) -> bool:
    """Whether a run in this state has its goal behind it or is there."""
    if state in FORWARD and goal in FORWARD:
        return FORWARD.index(state) >= FORWARD.index(goal)
    return state is goal


def moved(facts: Facts, event: Event) -> Facts:
    """What is still known after a move: verdicts and the comparison hold for the one decision they were made for.

    What the gates said before the fence was raised says nothing of who came in until then: they are asked behind it.
    """
    return replace(facts, blockers=None, verified=facts.verified and event is Event.BEGIN_CONTRACT)


def decide(run: Run, facts: Facts) -> Effect:
    """The next effect. The same input always gets the same answer."""
    if reached(run.state, run.goal):
        return Rest()
    if run.goal in GIVEN_UP and run.state is not State.ROLLING_BACK:
        # Whoever rolls back has begun it; a run that moved on meanwhile must not be driven further.
        return Halt(f"a run that is {run.state} is not rolled back")
    held = facts.stop if run.paused is None else f"paused: {run.paused}"
    if held is not None:
        # Nothing is hidden yet, so old versions are let in again before it rests.
        is_open = run.state is State.CONTRACTING and not run.has_hidden
        return Finish(Event.CALL_OFF) if is_open else Halt(held)
    if run.state in _GATED:
        phase, event = _GATED[run.state]
        return _through_gates(run, facts, phase) or Finish(event)
    if run.state in _WORKING:
        part, event = _WORKING[run.state]
        step = run.pending(part)
        return Execute(step) if step else Finish(event)
    if run.state in _UNDOING:
        parts, event = _UNDOING[run.state]
        step = run.begun(*parts)
        return Undo(step) if step else Finish(Event.FINISH_CANCEL if run.goal is State.CANCELLED else event)
    return _special(run, facts)


def _through_gates(run: Run, facts: Facts, phase: Phase) -> Effect | None:
    """What the gates of a phase still want; None when the way is free."""
    if run.program.is_empty(phase):
        return None
    if facts.blockers is None:
        return Ask(phase)
    if facts.blockers:
        return Wait(facts.blockers)
    return None


def _special(run: Run, facts: Facts) -> Effect:
    if run.state is State.BACKFILLING:
        return _backfilling(run, facts)
    if run.state is State.BACKFILLED:
        return _before_contract(run, facts) or Finish(Event.BEGIN_CONTRACT)
    if run.state is State.CONTRACTING:
        # A verdict of before a crash is never used: asked again, as is the comparison.
        step = run.pending(Part.HIDE)
        if step is None:
            return Finish(Event.FINISH_HIDE)
        if facts.blockers and not run.has_hidden:
            # Old versions are let in again while it waits for its gates.
            return Finish(Event.CALL_OFF)
        return _before_contract(run, facts) or Execute(step)
    if run.state is State.RETAINED:
        return _retained(run, facts)
    return Halt(f"nothing leads from {run.state} to {run.goal}")


def _backfilling(run: Run, facts: Facts) -> Effect:
    if not facts.filled:
        return RunBatches()
    step = run.pending(Part.SEAL)
    if step is not None:
        return Execute(step)
    return Finish(Event.FINISH_BACKFILL) if facts.verified else Verify()


def _before_contract(run: Run, facts: Facts) -> Effect | None:
    """Gates first, since they are cheap; then a person's word; then the comparison, and the gates anew after it."""
    blocked = _through_gates(run, facts, Phase.CONTRACT)
    if blocked is not None:
        return blocked
    if run.program.is_empty(Phase.CONTRACT):
        return None
    if not facts.confirmed:
        titles = "; ".join(s.title for s in run.program.of(Part.HIDE))
        return Confirm(f"hide the old shape, so that statements which use it fail from then on: {titles}")
    return None if facts.verified else Verify()


def _retained(run: Run, facts: Facts) -> Effect:
    if not run.program.of(Part.HIDE, Part.DROP):
        # Nothing to go back to and nothing to drop.
        return Finish(Event.BEGIN_DROP)
    if facts.now is None or facts.retain_until is None:
        return Wait(("it is not known how long the old data is retained",))
    if facts.now < facts.retain_until:
        return Wait((f"the old data is retained until {facts.retain_until:%Y-%m-%d %H:%M:%S %Z}",), facts.retain_until)
    asks = run.program.of(Part.DROP) and not facts.confirmed
    return Confirm("drop the old data for good") if asks else Finish(Event.BEGIN_DROP)
