"""Whether a run can still be taken back: a plan may have steps of which it says that they cannot. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from crossfade.operations.step import Part
from crossfade.workflow.states import BEFORE_BACKFILLED, Event, State, after

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


def instead(name: str, program: Program, steps: Mapping[str, str], state: State, asked: Event) -> str:
    """What to do where a run in this state cannot be taken back in the way that was asked for."""
    reverts = (state is State.REVERTING or after(state, Event.BEGIN_REVERT)) and not has_dropped(program, steps)
    rolls_back = (state is State.ROLLING_BACK or after(state, Event.BEGIN_ROLLBACK)) and not program.data
    if asked is Event.BEGIN_ROLLBACK and reverts:
        return (
            f"Contract has begun, so first take that back: crossfade revert {name}. It is backfilled then, from where "
            f"crossfade rollback {name} leads back to before."
        )
    if asked is Event.BEGIN_REVERT and rolls_back:
        return f"Nothing is hidden, so there is nothing to revert. Back to before: crossfade rollback {name}"
    return f"See crossfade status {name}."


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
