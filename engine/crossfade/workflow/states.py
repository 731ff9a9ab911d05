"""The states of a run and the one table of what leads from one to another.

Pure, and complete: a pair that is not in the table is a conflict for the caller. The diagram in the documentation is
printed from the table by `diagram`.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a run stands. `paused` and `failed` are attributes of a run, not states."""

    PLANNED = "planned"
    EXPANDING = "expanding"
    EXPANDED = "expanded"
    BACKFILLING = "backfilling"
    BACKFILLED = "backfilled"
    CONTRACTING = "contracting"
    RETAINED = "retained"
    DROPPING = "dropping"
    CONTRACTED = "contracted"
    REVERTING = "reverting"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What moves a run."""

    BEGIN_EXPAND = "begin_expand"
    FINISH_EXPAND = "finish_expand"
    BEGIN_BACKFILL = "begin_backfill"
    FINISH_BACKFILL = "finish_backfill"
    BEGIN_CONTRACT = "begin_contract"
    CALL_OFF = "call_off"
    FINISH_HIDE = "finish_hide"
    BEGIN_DROP = "begin_drop"
    FINISH_DROP = "finish_drop"
    BEGIN_REVERT = "begin_revert"
    FINISH_REVERT = "finish_revert"
    BEGIN_ROLLBACK = "begin_rollback"
    FINISH_ROLLBACK = "finish_rollback"
    FINISH_CANCEL = "finish_cancel"


TRANSITIONS: dict[tuple[State, Event], State] = {
    # The engineer, or whoever advances phases, once the gates of expand pass.
    (State.PLANNED, Event.BEGIN_EXPAND): State.EXPANDING,
    # The runner, when the last expand step is done.
    (State.EXPANDING, Event.FINISH_EXPAND): State.EXPANDED,
    # The same person or a schedule, once the gates of backfill pass.
    (State.EXPANDED, Event.BEGIN_BACKFILL): State.BACKFILLING,
    # The runner, when every row is filled, the seal is done and both sides were compared over the whole table.
    (State.BACKFILLING, Event.FINISH_BACKFILL): State.BACKFILLED,
    # The coordinator, once the gates of contract pass and both sides have been compared again; it raises the fence.
    (State.BACKFILLED, Event.BEGIN_CONTRACT): State.CONTRACTING,
    # The runner, where a gate does not pass any more behind the fence and nothing is hidden yet; it lowers the fence.
    (State.CONTRACTING, Event.CALL_OFF): State.BACKFILLED,
    # The runner, when the last hide step is done; `retain` begins to count.
    (State.CONTRACTING, Event.FINISH_HIDE): State.RETAINED,
    # The runner, by itself when `retain` is 0, else the next command after it is over.
    (State.RETAINED, Event.BEGIN_DROP): State.DROPPING,
    # The runner, when the last drop step is done. Final.
    (State.DROPPING, Event.FINISH_DROP): State.CONTRACTED,
    # A person, while the old data is kept.
    (State.RETAINED, Event.BEGIN_REVERT): State.REVERTING,
    # A person, where contract stands still half done, for example because a lock cannot be had.
    (State.CONTRACTING, Event.BEGIN_REVERT): State.REVERTING,
    # A person, where the drop has not begun in earnest, for example because something needs what is to be dropped.
    (State.DROPPING, Event.BEGIN_REVERT): State.REVERTING,
    # The runner, when every hide step is taken back.
    (State.REVERTING, Event.FINISH_REVERT): State.BACKFILLED,
    # A person, where a revert does not come to its end, to hide again what it has taken back.
    (State.REVERTING, Event.BEGIN_CONTRACT): State.CONTRACTING,
    # A person, at any time before contract; nothing is lost, since both shapes hold the same facts.
    (State.PLANNED, Event.BEGIN_ROLLBACK): State.ROLLING_BACK,
    (State.EXPANDING, Event.BEGIN_ROLLBACK): State.ROLLING_BACK,
    (State.EXPANDED, Event.BEGIN_ROLLBACK): State.ROLLING_BACK,
    (State.BACKFILLING, Event.BEGIN_ROLLBACK): State.ROLLING_BACK,
    (State.BACKFILLED, Event.BEGIN_ROLLBACK): State.ROLLING_BACK,
    # The runner, when every step is undone. Final.
    (State.ROLLING_BACK, Event.FINISH_ROLLBACK): State.ROLLED_BACK,
    # The same, where the plan changes data: rows that were changed stay changed, and the state says so. Final.
    (State.ROLLING_BACK, Event.FINISH_CANCEL): State.CANCELLED,
}

GIVEN_UP = frozenset({State.ROLLED_BACK, State.CANCELLED})
"""Final, and the plan's name is free again."""
FINAL = GIVEN_UP | {State.CONTRACTED}

FORWARD = (
    State.PLANNED,
    State.EXPANDING,
    State.EXPANDED,
    State.BACKFILLING,
    State.BACKFILLED,
    State.CONTRACTING,
    State.RETAINED,
    State.DROPPING,
    State.CONTRACTED,
)
"""The way of a run that nothing turns back, in order."""

BEFORE_BACKFILLED = frozenset({State.PLANNED, State.EXPANDING, State.EXPANDED, State.BACKFILLING})
"""While rows may not be filled yet, so that they look empty to a version that needs the new shape."""

CONTRACT_IS_OVER = frozenset({State.RETAINED, State.DROPPING, State.ROLLING_BACK}) | FINAL
"""States in which the gates of contract are asked no more, or not yet again."""


def after(state: State, event: Event) -> State | None:
    """Where the event leads from the state; None where it leads nowhere."""
    return TRANSITIONS.get((state, event))


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> planned"]
    lines += [f"    {source} --> {target}: {event}" for (source, event), target in TRANSITIONS.items()]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines)
