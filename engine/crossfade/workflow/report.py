"""A run's status, put together from the ledger's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from crossfade.gates.verdict import PhaseVerdict
from crossfade.operations.step import Phase
from crossfade.postgres import locks
from crossfade.postgres.clock import database_now
from crossfade.workflow import ledger, steering, way_back
from crossfade.workflow.ledger import RunRow
from crossfade.workflow.program import Program, from_json
from crossfade.workflow.progress import read_progress
from crossfade.workflow.results import Next, PhaseStatus, Status, StepStatus
from crossfade.workflow.states import BEFORE_BACKFILLED, FINAL, State

_NEXT = {
    State.PLANNED: ("expand", Phase.EXPAND),
    State.EXPANDING: ("expand", None),
    State.EXPANDED: ("backfill", Phase.BACKFILL),
    State.BACKFILLING: ("backfill", None),
    State.BACKFILLED: ("contract", Phase.CONTRACT),
    State.CONTRACTING: ("contract", Phase.CONTRACT),
    State.RETAINED: ("contract", None),
    State.DROPPING: ("contract", None),
    State.REVERTING: ("revert", None),
    State.ROLLING_BACK: ("rollback", None),
}
_TOO_EARLY = "the new version of an app must not be live before backfilled: rows not yet filled would look empty to it"
_ACTIONS = {State.RETAINED: "drop", State.DROPPING: "drop"}
_CUT_SHORT = {State.CANCELLED: "cancelled", State.ROLLED_BACK: "undone"}
"""What became of a phase that was under way when the run was given up."""
_WAITS_FOR_HOURS = (State.EXPANDED, State.BACKFILLING)


def next_phase(state: State, program: Program) -> Phase | None:
    """The phase whose gates stand in front of a run in this state; one with nothing to do is passed through."""
    return _with_work(_NEXT[state][1] if state in _NEXT else None, program)


def gated_phase(state: State, program: Program) -> Phase | None:
    """The phase whose gates will be asked next; None where none is ahead."""
    ahead = {State.EXPANDING: Phase.BACKFILL, State.BACKFILLING: Phase.CONTRACT, State.REVERTING: Phase.CONTRACT}
    return next_phase(state, program) or _with_work(ahead.get(state), program)


def _with_work(phase: Phase | None, program: Program) -> Phase | None:
    """This phase, or the first one behind it in which there is something to do."""
    phases = tuple(Phase)
    later = phases[phases.index(phase) :] if phase is not None else ()
    return next((each for each in later if not program.is_empty(each)), None)


def fence_holders(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Transactions in which an app reported itself, and which are open since: contract waits for their end."""
    found = locks.blockers(connection, (ledger.FENCE,))
    return tuple(
        f"contract would wait for a transaction in which an app reported itself to end: {holder}"
        for holder in found
        if holder.transaction_seconds > locks.LONG_TRANSACTION
    )


def status(
    connection: psycopg.Connection[Any],
    run: RunRow,
    gates: Mapping[Phase, PhaseVerdict],
    *,
    early: str | None = None,
    waits: tuple[str, ...] = (),
) -> Status:
    """Where a run stands.

    `early` names instances of the new version that are live too early, `waits` transactions that the next step has to
    wait for.
    """
    program = from_json(run.program)
    steps = ledger.step_rows(connection, run.id)
    progress = read_progress(connection, run.id)
    is_filled = program.is_empty(Phase.BACKFILL) or (progress is not None and progress.is_finished)
    closed = None if is_filled else _closed_because(connection, run)
    return Status(
        name=run.name,
        state=run.state,
        state_since=run.state_since,
        paused=_held(run),
        failed=run.failed,
        next=_next(run, gates, closed, waits),
        phases=_phases(run, program, steps, ledger.phase_rows(connection, run.id)),
        progress=progress,
        gates=gates,
        retain_until=run.retain_until if run.state is State.RETAINED else None,
        holder=run.holder,
        warnings=(*_warnings(run, early), *way_back.warnings(program, _words(steps), run.state)),
    )


def _words(steps: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
    """The ledger's word for each step that was begun."""
    return {id_: str(row["state"]) for id_, row in steps.items()}


def _held(run: RunRow) -> str | None:
    """Why nothing goes on; nothing holds a run that is turned back, or over."""
    return None if run.state in FINAL or run.state is State.ROLLING_BACK else run.paused


def _closed_because(connection: psycopg.Connection[Any], run: RunRow) -> str | None:
    """Why no batch may begin now by the hours of the plan, and when one may."""
    if run.state not in _WAITS_FOR_HOURS:
        return None
    return steering.settings(connection, run).hours.closed_because(database_now(connection))


def _next(run: RunRow, gates: Mapping[Phase, PhaseVerdict], closed: str | None, waits: tuple[str, ...]) -> Next:
    if run.state not in _NEXT:
        return Next(action=None, command=None)
    if _held(run) is not None:
        return Next(action="resume", command=f"crossfade resume {run.name}", blocked_by=(f"paused: {run.paused}",))
    command, _ = _NEXT[run.state]
    if from_json(run.program).data:
        command = "cancel" if run.state is State.ROLLING_BACK else "backfill"
    blocked = tuple(reason for verdict in gates.values() for reason in verdict.blockers)
    blocked += (*waits, *((closed,) if closed is not None else ()))
    if run.state is State.RETAINED and run.retain_until is not None:
        blocked = (f"retained until {run.retain_until:%Y-%m-%d %H:%M:%S %Z}",)
    return Next(action=_ACTIONS.get(run.state, command), command=f"crossfade {command} {run.name}", blocked_by=blocked)


def _warnings(run: RunRow, early: str | None) -> tuple[str, ...]:
    if run.state in BEFORE_BACKFILLED and not from_json(run.program).data:
        seen = f"; live already: {early}" if early else ""
        return (f"{_TOO_EARLY}{seen}",)
    if run.state in (State.ROLLING_BACK, State.ROLLED_BACK) and not from_json(run.program).data:
        return ("a version that knows only the new shape must not be live now",)
    if run.state in (State.CONTRACTING, State.RETAINED, State.DROPPING):
        return ("a version that needs the old shape must not be live now",)
    return ()


def _phases(
    run: RunRow,
    program: Program,
    steps: Mapping[str, Mapping[str, Any]],
    phases: Mapping[str, Mapping[str, Any]],
) -> tuple[PhaseStatus, ...]:
    return tuple(_phase(run, phase, program, steps, phases.get(phase.value)) for phase in Phase)


def _phase(
    run: RunRow, phase: Phase, program: Program, steps: Mapping[str, Mapping[str, Any]], row: Mapping[str, Any] | None
) -> PhaseStatus:
    done = tuple(StepStatus(id=s.id, title=s.title, **_step_row(steps.get(s.id))) for s in program.in_phase(phase))
    return PhaseStatus(
        phase=phase,
        state=_phase_state(run, done, row),
        started_at=row["started_at"] if row else None,
        finished_at=row["finished_at"] if row else None,
        steps=done,
    )


def _step_row(row: Mapping[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"state": "pending"}
    return {k: row[k] for k in ("state", "attempts", "lock_wait_ms", "duration_ms")}


def _phase_state(run: RunRow, steps: Sequence[StepStatus], row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "pending"
    if steps and all(s.state in ("undone", "pending") for s in steps) and any(s.state == "undone" for s in steps):
        return "undone"
    return "done" if row["finished_at"] is not None else _CUT_SHORT.get(run.state, "running")
