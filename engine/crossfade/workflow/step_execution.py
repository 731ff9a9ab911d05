"""Executing one step, and taking it back: the statements, the locks they wait for, the ledger's record.

A step that runs in a transaction commits together with its row in the ledger and the check of the lease's token. One
that cannot is marked as running first, probed, cleaned up, executed and recorded. Before each the tables are compared
with what the last step left: see `baseline`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import psycopg

from crossfade.errors import CrossfadeError, StepFailed
from crossfade.gates.evaluate import keep
from crossfade.observe.events import StepDone, StepStarted, TableChanged
from crossfade.operations.step import Part, Phase, Step, strongest
from crossfade.postgres.locks import OnWait
from crossfade.postgres.statement import Statement
from crossfade.workflow import baseline, in_its_place, ledger, own_triggers, recordable
from crossfade.workflow.affected_names import left_by
from crossfade.workflow.contract_answer import Asked, asking_again, refuse_old
from crossfade.workflow.guards import refuse_others, refuse_rows, refuse_to_discard, refuse_to_remove_others
from crossfade.workflow.session import Session
from crossfade.workflow.shape_of_detached import passes_over, without_detached
from crossfade.workflow.step_locks import HELD_SECONDS, behind_others, locked, still_there, views_of, waiting_for
from crossfade.workflow.step_sending import is_done, send_one, send_outside, send_where_it_is


def execute(session: Session, step: Step, gates: Asked) -> None:
    """Run a step that is not done.

    Raises GatesClosed, AnswerTooOld, NotRecordable, BaselineChanged, StepFailed, LockNotAcquired, LostLease and
    WorkLeft; nothing was changed then.
    """
    before = ledger.step_rows(session.work, session.run_id).get(step.id, {"state": None, "attempts": 0})
    attempt = before["attempts"] + 1
    session.emit(StepStarted(run=session.name, step=step.id, title=step.title, phase=step.phase.value, attempt=attempt))
    if not step.transactional:
        left = left_by(step) if before["state"] == "running" else frozenset()

        def begun() -> tuple[str, ...]:
            noted = _compare_ahead(session, step, left)
            # From here on there may be something of it.
            ledger.step_begun(session.work, session.run_id, step.id)
            return noted

        _outside_transaction(session, step, _Way(step.statements, "done", begun), lambda: _make(session, step))
        return
    with session.work.transaction():
        # Whoever was told of the step may have taken its time, and lost the run meanwhile.
        ledger.prove_lease(session.work, session.run_id, session.token)
        ledger.step_begun(session.work, session.run_id, step.id)
    on_wait = waiting_for(session, step.id)
    # One that is there for its undo has something to do only where a revert stood half done.
    left_over = not step.statements and step.cleanup and not is_done(session.work, step)
    statements = step.cleanup if left_over else step.statements
    forwards = _Way(statements, "done", lambda: _compare_ahead(session, step))
    records = partial(recordable.refuse, session.work, recordable.coming(session, [step]))
    if step.part is Part.DROP:
        forwards = replace(forwards, is_lenient=lambda: baseline.lost_a_table(session))
    if step.part is not Part.HIDE:
        _in_transaction(session, step, forwards, on_wait, records)
        return

    def on_whose_word() -> None:
        assert gates.verdict is not None
        records()
        own_triggers.refuse_changed(session)
        refuse_old(session.work, gates.verdict)
        keep(session.work, session.subject(), gates.verdict, step=step.id)

    _in_transaction(session, step, forwards, asking_again(on_wait, gates), on_whose_word)


def _compare_ahead(session: Session, step: Step, left: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What others changed, as far as the step can be executed all the same; raises BaselineChanged."""
    noted = baseline.check(session, step, left)
    refuse_to_remove_others(session, step)
    return noted


def undo(session: Session, step: Step) -> None:
    """Take back a step that is done, or that was begun and may be half made. Raises as `execute` does."""
    _undo(session, step)
    _note_taken_along(session, step)


def _undo(session: Session, step: Step) -> None:
    if not step.undo or (not step.statements and not is_done(session.work, step)):
        # What undoes an earlier step takes this one's effect with it; or that one did not run.
        _note_undone(session, step.id)
        return
    state = ledger.step_states(session.work, session.run_id)[step.id]
    if state == "done":
        refuse_to_discard(session, (step,))
        refuse_rows(session, (step,))
    elif not step.transactional:
        refuse_others(session, (step,))
    reverts = step.part is Part.HIDE and state == "done"
    if reverts and session.triggers is None:
        # Another command turned the run round.
        own_triggers.compare_hidden(session)
    session.emit(
        StepStarted(run=session.name, step=step.id, title=f"undo: {step.title}", phase=step.phase.value, attempt=1)
    )
    # A transactional step that is only "running" never committed: there is nothing of it to take back.
    half_made = state == "running"
    statements = () if step.transactional and half_made else step.undo
    # Outside a transaction the effect may be gone already, or never have been there.
    left = left_by(step)
    lost = partial(baseline.lost_a_table, session)

    def compare() -> tuple[str, ...]:
        if state == "done":
            # Once more, where the step's locks are held.
            refuse_others(session, (step,))
        return baseline.note(session, step, left)

    back = _Way(statements, "undone", compare, lost)
    if step.transactional:
        look = partial(own_triggers.refuse_changed, session) if reverts else _nothing
        _in_transaction(session, step, back, waiting_for(session, step.id), look)
    else:
        _outside_transaction(session, step, back, lambda: send_outside(session, step, step.undo, lost))


def _nothing() -> None:
    return


def _note_taken_along(session: Session, step: Step) -> None:
    """Earlier steps that its undo has taken back with it."""
    if not step.takes_along:
        return
    states = ledger.step_states(session.work, session.run_id)
    for other in step.takes_along:
        if states.get(other) == "done":
            _note_undone(session, other)


def _note_undone(session: Session, step: str) -> None:
    """Record that it is taken back, where nothing of its own is sent for that."""
    with session.work.transaction():
        ledger.prove_lease(session.work, session.run_id, session.token)
        ledger.step_ended(session.work, session.run_id, step, state="undone", lock_wait_ms=0, duration_ms=0)


@dataclass(frozen=True, slots=True)
class _Way:
    """A step forwards or back."""

    statements: tuple[Statement, ...]
    state: str
    """The ledger's word for the step afterwards."""
    compare: Callable[[], tuple[str, ...]]
    """Looks at what others changed, and gives what was noted of it; raises BaselineChanged."""
    is_lenient: Callable[[], bool] = lambda: False
    """Asked after that: whether statements do nothing where their table is not there."""


def _in_transaction(
    session: Session, step: Step, way: _Way, on_wait: OnWait, prelude: Callable[[], None] = lambda: None
) -> None:
    """`prelude` is called in the transaction, with the locks held, before the statements."""
    timing: dict[str, float] = {}
    noted: tuple[str, ...] = ()
    named = in_its_place.will_drop(step) if way.state == "done" else ()
    begun = time.monotonic()

    def body() -> None:
        nonlocal noted
        held = time.monotonic()
        ledger.prove_lease(session.work, session.run_id, session.token)
        noted = way.compare()
        prelude()
        send = send_where_it_is if way.is_lenient() else send_one
        for statement in without_detached(session, way.statements):
            send(session.work, step, statement)
        baseline.keep(session)
        in_its_place.keep(session.work, session.run_id, step, named)
        if step.part is Part.HIDE and way.state == "done":
            own_triggers.keep(session, step)
        timing.update(lock_wait_ms=(held - begun) * 1000, duration_ms=(time.monotonic() - held) * 1000)
        ledger.step_ended(session.work, session.run_id, step.id, state=way.state, **timing)

    statement = None if any(s.rewrites or s.scans for s in way.statements) else HELD_SECONDS
    taken = strongest(lock for s in way.statements for lock in s.locks)
    wanted, views = still_there(session.work, taken), views_of(session.work, taken)
    locked(session, step.title, wanted, body, on_wait, statement=statement, views=views)
    _tell(session, step.id, noted)
    session.emit(StepDone(run=session.name, step=step.id, phase=step.phase.value, **timing))


def _tell(session: Session, step: str, noted: tuple[str, ...]) -> None:
    if noted:
        session.emit(TableChanged(run=session.name, step=step, changes=noted))


def look_for_changes(session: Session, ahead: Part | Phase | None = None) -> None:
    """Before the rows are compared, the steps of a part that is ahead, or the gates of a phase are asked.

    Raises BaselineChanged where the run cannot go on with what others have changed.
    """
    noted: tuple[str, ...] = ()

    def body() -> None:
        nonlocal noted
        ledger.prove_lease(session.work, session.run_id, session.token)
        noted = baseline.check(session, ahead, baseline.left_behind(session))

    locked(session, "compare the tables with the baseline", (), body, waiting_for(session, "verify"))
    _tell(session, "verify", noted)


def _outside_transaction(session: Session, step: Step, way: _Way, body: Callable[[], None]) -> None:
    """`body` sends the statements; what it leaves does not depend on how often it was begun."""
    begun = time.monotonic()
    noted: tuple[str, ...] = ()

    def before() -> None:
        nonlocal noted
        ledger.prove_lease(session.work, session.run_id, session.token)
        noted = way.compare()

    behind_others(session, step, before)
    _tell(session, step.id, noted)
    body()
    duration = (time.monotonic() - begun) * 1000
    behind_others(session, step, lambda: _ended_outside(session, step, way.state, duration))
    session.emit(StepDone(run=session.name, step=step.id, phase=step.phase.value, lock_wait_ms=0, duration_ms=duration))


def _ended_outside(session: Session, step: Step, state: str, duration: float) -> None:
    ledger.prove_lease(session.work, session.run_id, session.token)
    baseline.keep(session)
    if state == "done" and not passes_over(session, step):
        in_its_place.keep(session.work, session.run_id, step, in_its_place.will_drop(step))
    ledger.step_ended(session.work, session.run_id, step.id, state=state, lock_wait_ms=0, duration_ms=duration)


def _make(session: Session, step: Step) -> None:
    """A step outside a transaction, unless its effect is there. Raises StepFailed, with what it left cleaned up."""
    if passes_over(session, step) or is_done(session.work, step):
        return
    try:
        send_outside(session, step, (*step.cleanup, *step.statements))
    except StepFailed:
        if not step.cleanup:
            raise
        # A unique index that will never be valid refuses writes all the same. What cannot be removed now, the next
        # attempt removes.
        with suppress(CrossfadeError, psycopg.Error):
            send_outside(session, step, step.cleanup)
            behind_others(session, step, lambda: _ended_outside(session, step, "undone", 0))
        raise
