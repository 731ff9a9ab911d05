"""Whether a run can still be taken back: a plan may have steps of which it says that they cannot. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from crossfade.operations.step import Part
from crossfade.workflow.states import BEFORE_BACKFILLED, State

if TYPE_CHECKING:
    from crossfade.operations.step import Step
    from crossfade.workflow.program import Program

TAKEN_BACK = {State.ROLLING_BACK: (Part.EXPAND, Part.SEAL), State.REVERTING: (Part.HIDE,)}
"""What is undone in each of the two states that lead back."""
IN_WORDS = {State.ROLLING_BACK: "rolled back", State.REVERTING: "reverted"}


def in_the_way(program: Program, steps: Mapping[str, str], through: State) -> Step | None:
    """The last step that has done its work, or may have, and of which the plan says that nothing takes it back.

    `steps` is the ledger's word for each step that was begun, `through` the state that would lead back.
    """
    for step in reversed(program.of(*TAKEN_BACK[through])):
        state = steps.get(step.id)
        if step.irreversible and (state == "done" or (state == "running" and not step.transactional)):
            return step
    return None


def has_dropped(program: Program, steps: Mapping[str, str]) -> bool:
    """Whether something of the old shape is dropped, or may be, so that nothing can be reverted any more."""
    states = ((s, steps.get(s.id)) for s in program.of(Part.DROP))
    return any(state == "done" or (state == "running" and not s.transactional) for s, state in states)


def warnings(program: Program, steps: Mapping[str, str], state: State) -> Iterator[str]:
    """From which step on there is no way back, or that there is none any more, for a run in this state."""
    if state in BEFORE_BACKFILLED or state is State.BACKFILLED:
        yield from _warnings(program, steps, State.ROLLING_BACK)
    if state in (State.BACKFILLED, State.CONTRACTING, State.RETAINED):
        yield from _warnings(program, steps, State.REVERTING)


def _warnings(program: Program, steps: Mapping[str, str], through: State) -> Iterator[str]:
    done = in_the_way(program, steps, through)
    first = next((s for s in program.of(*TAKEN_BACK[through]) if s.irreversible), None)
    if done is not None:
        yield f"it cannot be {IN_WORDS[through]} any more: {done.title}: {done.irreversible}"
    elif first is not None:
        yield f"once this is done, it cannot be {IN_WORDS[through]} any more: {first.title}: {first.irreversible}"
