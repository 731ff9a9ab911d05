"""The runner: performs the effects that the machine decides on, one at a time; the only place where they happen.

Whatever stops the runner, the next one finds its place in the ledger and in the catalog.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

from crossfade.backfill.control import Control
from crossfade.backfill.drive import fill
from crossfade.backfill.job import Job
from crossfade.backfill.verify import verify
from crossfade.errors import CrossfadeError, GateBlocked, StepFailed, VerificationFailed, WorkLeft
from crossfade.gates.evaluate import evaluate
from crossfade.gates.verdict import PhaseVerdict
from crossfade.observe.events import GatesEvaluated, StateChanged, Waiting
from crossfade.operations.step import Part, Phase, RowChange, RowCopy, RowLook, Step
from crossfade.postgres.names import QualifiedName
from crossfade.workflow import baseline, ledger, left_over, machine, own_triggers, recordable
from crossfade.workflow.contract_answer import AnswerTooOld, Asked, GatesClosed
from crossfade.workflow.machine import Facts
from crossfade.workflow.session import Session
from crossfade.workflow.states import GIVEN_UP, TRANSITIONS, Event, State
from crossfade.workflow.step_execution import execute, look_for_changes, undo
from crossfade.workflow.step_locks import locked, waiting_for

POLL_SECONDS = 1.0
"""Between two looks at a gate that is waited for."""
_NOT_FOUND = frozenset({"42P01", "42703"})
"""A table or a column."""

_PHASE_BEGUN_BY = {
    Event.BEGIN_EXPAND: Phase.EXPAND,
    Event.BEGIN_BACKFILL: Phase.BACKFILL,
    Event.BEGIN_CONTRACT: Phase.CONTRACT,
    Event.BEGIN_DROP: Phase.CONTRACT,
}
_PHASE_FINISHED_BY = {
    Event.FINISH_EXPAND: Phase.EXPAND,
    Event.FINISH_BACKFILL: Phase.BACKFILL,
    Event.FINISH_DROP: Phase.CONTRACT,
}


def drive(session: Session, goal: State) -> None:
    """Bring the run to its goal.

    Raises GateBlocked or GateUnknown where a gate does not let it, WorkLeft when told to stop, and whatever a step,
    the backfill or the verification fails with. All that was done until then stays done.
    """
    facts, verdict = Facts(), None
    while True:
        run, facts = _look(session, goal, facts)
        effect = machine.decide(run, facts)
        match effect:
            case machine.Rest():
                return
            case machine.Halt(reason):
                raise WorkLeft(f"run {session.name} stops in state {run.state}: {reason}", hint=_go_on(session, reason))
            case machine.Ask(phase):
                # A gate can say little of a table that is another one than it looks for.
                look_for_changes(session, phase)
                verdict = _ask(session, phase)
                facts = replace(facts, blockers=verdict.blockers or recordable.blockers(session, phase))
            case machine.Wait():
                _wait(session, effect, verdict)
                facts = replace(facts, blockers=None)
            case machine.Confirm(what):
                session.confirm(what)
                facts = replace(facts, confirmed=True)
            case machine.RunBatches():
                _run_batches(session)
                facts = replace(facts, filled=True)
            case machine.Verify():
                _verify(session)
                facts = replace(facts, verified=True, blockers=None)
            case machine.Execute(step):
                verdict, facts = _executed(session, step, verdict, facts)
            case machine.Undo(step):
                undo(session, step)
            case machine.Finish(event):
                _finish(session, run.state, event)
                facts = machine.moved(facts, event)


def turn_back(session: Session, goal: State) -> None:
    """Bring a run that has turned back to its goal, once no batch is in anybody's hands. Raises what `drive` raises."""
    ledger.void_batches(session.work, session.run_id)
    # What is left on a partition that others have detached would keep a type of ours from being dropped.
    baseline.note_turning(session)
    left_over.clear(session, State.ROLLING_BACK)
    drive(session, goal)


def _look(session: Session, goal: State, facts: Facts) -> tuple[machine.Run, Facts]:
    """Where the run stands, and what the clock says. Raises LostLease."""
    position = ledger.position(session.work, session.run_id)
    if position.token != session.token:
        raise ledger.lost_lease()
    run = machine.Run(
        state=position.state,
        goal=goal,
        program=session.program,
        steps=ledger.step_states(session.work, session.run_id),
        # Turning back has to work while a run is held.
        paused=None if goal in GIVEN_UP or position.state is State.REVERTING else position.paused,
    )
    known = replace(facts, now=position.now, retain_until=position.retain_until, stop=session.should_stop())
    return run, known


def _go_on(session: Session, reason: str) -> str:
    if reason.startswith("paused"):
        return f"Let it go on with: crossfade resume {session.name}"
    return f"Go on with: crossfade advance {session.name}"


def _ask(session: Session, phase: Phase) -> PhaseVerdict:
    before = session.answer if session.answer is not None and session.answer.phase is phase else None
    verdict = session.answer = evaluate(session.work, session.subject(), phase, before=before)
    session.emit(evaluated(session.name, verdict))
    return verdict


def evaluated(run: str, verdict: PhaseVerdict) -> GatesEvaluated:
    """The event that tells of a verdict."""
    reason = "; ".join(verdict.blockers) or "every gate passes"
    return GatesEvaluated(run=run, phase=verdict.phase.value, verdict=verdict.verdict.value, reason=reason)


def _wait(session: Session, wait: machine.Wait, verdict: PhaseVerdict | None) -> None:
    if session.wait_until is not None and time.monotonic() + POLL_SECONDS <= session.wait_until:
        # The gates tell of themselves.
        if verdict is None or not verdict.blockers:
            session.emit(Waiting(run=session.name, reason="; ".join(wait.blockers)))
        time.sleep(POLL_SECONDS)
        return
    if wait.until is None and verdict is not None:
        verdict.raise_unless_passed(waited=session.wait_until is not None)
    command = "advance" if wait.until is None else "contract"
    raise GateBlocked(
        f"run {session.name}: {'; '.join(wait.blockers)}",
        hint=f"Run crossfade {command} {session.name} after that.",
    )


def _finish(session: Session, state: State, event: Event) -> None:
    target = TRANSITIONS[state, event]
    if event is Event.BEGIN_DROP and session.program.of(Part.DROP):
        # While it can still be reverted.
        look_for_changes(session, Part.DROP)
    left_over.clear(session, target)

    def body() -> None:
        ledger.move(session.work, session.run_id, session.token, state, target)
        if event in _PHASE_BEGUN_BY:
            ledger.begin_phase(session.work, session.run_id, _PHASE_BEGUN_BY[event])
        if event in _PHASE_FINISHED_BY:
            ledger.finish_phase(session.work, session.run_id, _PHASE_FINISHED_BY[event])
        if event is Event.FINISH_HIDE:
            ledger.set_retention(session.work, session.run_id, session.plan.retain / timedelta(seconds=1))

    if event is Event.BEGIN_CONTRACT:
        # Apps that were let in before have been sighted by then, and the gates are asked behind the fence.
        locked(session, "raise the fence", (ledger.FENCE,), body, waiting_for(session, "fence"))
    else:
        with session.work.transaction():
            body()
    session.emit(StateChanged(run=session.name, source=state.value, target=target.value))


def _run_batches(session: Session) -> None:
    with control_of(session) as control:
        for job in jobs_of(session, control):
            try:
                fill(job)
            except StepFailed as error:
                if error.sqlstate in _NOT_FOUND:
                    # Said in words that lead on, where it was somebody else.
                    look_for_changes(session)
                raise


def control_of(session: Session) -> Control:
    """The steering of the session's run."""
    return Control(
        connect=session.connect,
        run_id=session.run_id,
        run_name=session.name,
        plan=session.plan.backfill,
        worker=ledger.me(),
        should_stop=session.should_stop,
        emit=session.emit,
    )


def jobs_of(session: Session, control: Control) -> tuple[Job, ...]:
    """One job for each change of rows, in the plan's order."""
    return tuple(
        Job(
            connect=session.connect,
            run_id=session.run_id,
            run_name=session.name,
            change=change,
            control=control,
            token=session.token,
        )
        for change in session.program.work
    )


def _verify(session: Session) -> None:
    look_for_changes(session)
    own_triggers.remember(session)
    for change in session.program.rows:
        if not _is_hidden(session, change, tuple(column.hidden for column in change.dropped)):
            _compare(session, change, f"between {change.old_names} and {change.new_names}")
    for copy in session.program.copies:
        source = str(QualifiedName(copy.schema, copy.table))
        both = _is_there(session, source) and _is_there(session, copy.other)
        if both and not _is_hidden(session, copy, copy.hidden):
            _compare(session, copy, f"from what {copy.other} has")
            _compare(session, copy.surplus, f"from what {copy.schema}.{copy.table} has")


def _is_hidden(session: Session, change: RowChange | RowCopy, names: tuple[str, ...]) -> bool:
    """Whether its shapes have exchanged names already: a runner may have died behind that step and before the next."""
    row = session.work.execute(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass(%s)"
        " AND a.attname = ANY (%s) AND NOT a.attisdropped)",
        [str(QualifiedName(change.schema, change.table)), list(names)],
    ).fetchone()
    return bool(row and row[0])


def _is_there(session: Session, relation: str) -> bool:
    """Whether a table has the name, in SQL's quoting, still: the twin of one loses its own when they exchange names."""
    row = session.work.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", [relation]).fetchone()
    return bool(row and row[0])


def _compare(session: Session, change: RowChange | RowCopy | RowLook, where: str) -> None:
    found = verify(
        connect=session.connect,
        run_id=session.run_id,
        run_name=session.name,
        change=change,
        should_stop=session.should_stop,
        emit=session.emit,
        share=session.plan.backfill.verified_share,
    )
    if found.mismatches:
        raise VerificationFailed(
            f"{change.schema}.{change.table}: {_rows(found.mismatches)} {where}; nothing was hidden. "
            f"Keys: {', '.join(found.keys)}",
            hint="Somebody switched the triggers off, or wrote past them. Decide which side is right, set the "
            "other to it in those rows, and run the command again.",
        )


def _rows(count: int) -> str:
    return "1 row differs" if count == 1 else f"{count} rows differ"


def _executed(
    session: Session, step: Step, verdict: PhaseVerdict | None, facts: Facts
) -> tuple[PhaseVerdict | None, Facts]:
    """Run a step; what is known after it: where the gates closed while it waited for its locks, nothing was changed."""
    gates = Asked(lambda: _ask(session, Phase.CONTRACT), verdict)
    try:
        execute(session, step, gates)
    except AnswerTooOld:
        return verdict, replace(facts, blockers=None)
    except GatesClosed as closed:
        return closed.verdict, replace(facts, blockers=closed.verdict.blockers, verified=False)
    except recordable.NotRecordable as found:
        if step.part is not Part.HIDE:
            _wait(session, machine.Wait(found.blockers), None)
        return verdict, replace(facts, blockers=found.blockers, verified=False)
    except StepFailed as failed:
        raise _with_what_falls(session, step, failed) from None
    return verdict, facts


def _with_what_falls(session: Session, step: Step, failed: StepFailed) -> StepFailed:
    """The failure, once what falls with the step is taken back; what cannot be taken back now is said."""
    states = ledger.step_states(session.work, session.run_id)
    falling = [s for s in session.program.steps if step.id in s.falls_with and states.get(s.id) == "done"]
    if not falling:
        return failed
    hint = (
        "Nothing is enforced. Repair the rows, see that no live version writes more of them, and run the command again."
    )
    try:
        for one in reversed(falling):
            undo(session, one)
    except CrossfadeError as error:
        hint = f"What was made for it is still in force for writes, and could not be taken back now: {error}"
    return StepFailed(str(failed), sqlstate=failed.sqlstate, hint=hint, location=failed.location)
