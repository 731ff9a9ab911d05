"""What is said where somebody else has changed a table of a run: why it stops, or why that cannot be accepted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossfade.errors import BaselineChanged, WrongState
from crossfade.operations.step import Part, Phase, Step
from crossfade.workflow.change_bearing import Bearing, TableChange

_MADE_ANEW = "Drop it, run the same command again, and make it anew once the run is contracted."
_DONE_AGAIN = "Undo it, run the same command again, and do it anew once the run is contracted."
_DONE_THERE = "Do the same there, or undo it, and run the same command again."
_NAMED_OTHERWISE = "Give it another name or drop it, and run the same command again."
_LOST = frozenset({Bearing.LOST, Bearing.GONE})

Ahead = Step | Part | Phase | None
"""What a run is about to do: a step, the steps of a part, to ask the gates of a phase, or to compare rows."""


def refuse_to_accept(run: str, changes: tuple[TableChange, ...]) -> None:
    """Raises WrongState where the run could not go on with one of these, or would lose it."""
    back = f"Undo it, or take the run back: crossfade rollback {run}"
    for bearings, why, hint in (
        (_LOST, f"the statements of run {run} name it", back),
        ({Bearing.HOLDS}, f"it would keep run {run} from dropping a {_on(changes, Bearing.HOLDS)}", _MADE_ANEW),
        ({Bearing.UNEVEN}, f"it would be lost with what run {run} drops", _DONE_THERE),
        (
            {Bearing.LOSES},
            f"it would be lost with what run {run} drops",
            f"{_DONE_AGAIN} Or take the run back: crossfade rollback {run}",
        ),
        ({Bearing.NAMESAKE}, f"run {run} is going to make one of this name", _NAMED_OTHERWISE),
    ):
        words = [c.text for c in changes if c.bearing in bearings]
        if words:
            raise WrongState(f"{'; '.join(words)}: {why}, so this cannot be accepted", hint=hint)


def nothing_to_accept(run: str, failed: Mapping[str, Any] | None) -> WrongState:
    """Why, and what else to do where the run stopped for what stands elsewhere, such as a name."""
    said = f"nobody else has changed a table of run {run}; there is nothing to accept"
    if failed is None or failed["code"] != BaselineChanged.code:
        return WrongState(said, hint=f"See crossfade status {run}.")
    changes = "; ".join(failed["changes"])
    return WrongState(f"{said}. What it stopped for last can only be undone: {changes}", hint=failed["hint"])


def _on(changes: tuple[TableChange, ...], *bearings: Bearing) -> str:
    return " or a ".join(sorted({c.on for c in changes if c.bearing in bearings}))


def _before(ahead: Ahead) -> str:
    match ahead:
        case None:
            return "before the rows are compared"
        case Step():
            return f"before step {ahead.id} ({ahead.title})"
        case Phase():
            return f"before the gates of {ahead} are asked"
        case Part():
            return f"before it begins to {ahead}"


def changed(run: str, ahead: Ahead, changes: tuple[TableChange, ...]) -> BaselineChanged:
    """Why a run stops at these, and what to do."""
    words = tuple(c.text for c in changes)
    part = ahead.part if isinstance(ahead, Step) else ahead
    back = f"crossfade {'revert' if part in (Part.HIDE, Part.DROP) else 'rollback'} {run}"
    why, hint = (
        "changed a table of it",
        (
            "Undo the change and run the same command again, or let the run go on with it: "
            f"crossfade resume {run} --accept-changes. Or take the run back: {back}"
        ),
    )
    found = {c.bearing for c in changes}
    if Bearing.HOLDS in found:
        why, hint = f"made something on a {_on(changes, Bearing.HOLDS)} that is going to be dropped", _MADE_ANEW
    elif found & _LOST:
        hint = f"Undo the change and run the same command again, or take the run back: {back}"
    elif lost := found & {Bearing.LOSES, Bearing.UNEVEN}:
        why = f"changed something on a {_on(changes, *lost)} that is going to be dropped, which would be lost"
        hint = f"{_DONE_AGAIN if Bearing.LOSES in lost else _DONE_THERE} Or take the run back: {back}"
    elif Bearing.NAMESAKE in found:
        why, hint = "took a name that the run is going to use", _NAMED_OTHERWISE
    return BaselineChanged(
        f"run {run} stops {_before(ahead)}, since somebody else {why}: {'; '.join(words)}",
        changes=words,
        hint=f"Nothing was done. {hint}",
        location=ahead.id if isinstance(ahead, Step) else None,
    )


def missing_names(run: str, ahead: Ahead, missing: tuple[str, ...]) -> BaselineChanged:
    """Why a run stops where its statements would not find these."""
    return BaselineChanged(
        f"run {run} stops {_before(ahead)}, since its statements do not find what somebody else renamed or dropped: "
        f"{'; '.join(missing)}",
        changes=missing,
        hint="Nothing was done. Give that its name back, or make it anew, and run the same command again. Or take the "
        f"run back: crossfade rollback {run}",
        location=ahead.id if isinstance(ahead, Step) else None,
    )


def taken_names(run: str, step: Step, taken: tuple[str, ...]) -> BaselineChanged:
    """Why a run stops where what it removes before an attempt would be somebody else's."""
    return BaselineChanged(
        f"run {run} stops {_before(step)}, since somebody else took a name that the run is going to use: "
        f"{'; '.join(taken)}",
        changes=taken,
        hint=f"Nothing was done. {_NAMED_OTHERWISE}",
        location=step.id,
    )
