"""The runner: performs the effects that the machine decides on, one at a time; the only place where they happen.

A step that runs in a transaction commits together with its row in the ledger and the check of the lease's token. One
that cannot is marked as running first, probed, cleaned up, executed and probed again. Whatever stops the runner, the
next one finds its place in the ledger and in the catalog.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg

from crossfade.backfill.drive import fill
from crossfade.backfill.throttle import replica_lag
from crossfade.backfill.verify import verify
from crossfade.errors import GateBlocked, LockNotAcquired, StepFailed, VerificationFailed, WorkLeft
from crossfade.gates.evaluate import evaluate
from crossfade.gates.subject import Subject
from crossfade.gates.verdict import PhaseVerdict
from crossfade.observe.events import (
    Blocker,
    Emit,
    GatesEvaluated,
    LockWaited,
    StateChanged,
    StepDone,
    StepStarted,
)
from crossfade.operations.step import Part, Phase, Step, strongest
from crossfade.plan.model import Plan
from crossfade.plan.windows import Window
from crossfade.postgres import locks
from crossfade.postgres.connect import is_loss
from crossfade.postgres.statement import Lock, Statement
from crossfade.workflow import ledger, machine
from crossfade.workflow.machine import Facts
from crossfade.workflow.program import Program
from crossfade.workflow.states import TRANSITIONS, Event, State

POLL_SECONDS = 1.0
"""Between two looks at a gate that is waited for."""
HELD_SECONDS = 10.0
"""How long one statement of a step may take that neither rewrites nor reads a table, while it holds its locks."""

Connection = psycopg.Connection[Any]
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


@dataclass(slots=True, kw_only=True)
class Session:
    """What a runner works with: a leased run and the ways to the outside."""

    connect: Callable[[], Connection]
    work: Connection
    run_id: int
    name: str
    digest: str
    created_at: datetime
    plan: Plan
    program: Program
    token: int
    emit: Emit
    should_stop: Callable[[], str | None]
    """Why to stop between two units of work; None to go on."""
    confirm: Callable[[str], None]
    """Returns if a person agrees; raises UsageError otherwise."""
    wait_until: float | None = None
    """On the monotonic clock: how long gates are waited for; None is not at all."""

    def subject(self) -> Subject:
        """The run, for the gates."""
        return Subject(
            run_id=self.run_id,
            name=self.name,
            digest=self.digest,
            plan=self.plan,
            rows=self.program.rows,
            created_at=self.created_at,
        )


def drive(session: Session, goal: State) -> None:
    """Bring the run to its goal.

    Raises GateBlocked or GateUnknown where a gate does not let it, WorkLeft when told to stop, and whatever a step,
    the backfill or the verification fails with. All that was done until then stays done.
    """
    facts, verdict = Facts(), None
    while True:
        run = _look(session, goal)
        facts = _with_clock(session, facts)
        effect = machine.decide(run, facts)
        match effect:
            case machine.Rest():
                return
            case machine.Halt(reason):
                raise WorkLeft(f"run {session.name} stops in state {run.state}: {reason}", hint=_go_on(session, reason))
            case machine.Ask(phase):
                verdict = _ask(session, phase)
                facts = replace(facts, blockers=verdict.blockers)
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
                _undo(session, step)
            case machine.Finish(event):
                _finish(session, run.state, event)
                facts = machine.moved(facts, event)


def _look(session: Session, goal: State) -> machine.Run:
    row = ledger.get_run(session.work, session.name)
    if (row.id, row.token) != (session.run_id, session.token):
        raise ledger.lost_lease()
    steps = ledger.step_rows(session.work, session.run_id)
    return machine.Run(
        state=row.state,
        goal=goal,
        program=session.program,
        steps={id_: s["state"] for id_, s in steps.items()},
        # Turning back has to work while a run is held.
        paused=None if goal is State.ROLLED_BACK or row.state is State.REVERTING else row.paused,
    )


def _with_clock(session: Session, facts: Facts) -> Facts:
    row = session.work.execute(
        "SELECT pg_catalog.clock_timestamp(), retain_until FROM crossfade.runs WHERE id = %s", [session.run_id]
    ).fetchone()
    assert row is not None
    return replace(facts, now=row[0], retain_until=row[1], stop=session.should_stop())


def _go_on(session: Session, reason: str) -> str:
    if reason.startswith("paused"):
        return f"Let it go on with: crossfade resume {session.name}"
    return f"Go on with: crossfade advance {session.name}"


def _ask(session: Session, phase: Phase) -> PhaseVerdict:
    verdict = evaluate(session.work, session.subject(), phase)
    reason = "; ".join(verdict.blockers) or "every gate passes"
    session.emit(GatesEvaluated(run=session.name, phase=phase.value, verdict=verdict.verdict.value, reason=reason))
    return verdict


def _wait(session: Session, wait: machine.Wait, verdict: PhaseVerdict | None) -> None:
    if session.wait_until is not None and time.monotonic() + POLL_SECONDS <= session.wait_until:
        time.sleep(POLL_SECONDS)
        return
    if wait.until is None and verdict is not None:
        verdict.raise_unless_passed()
    raise GateBlocked(
        f"run {session.name}: {'; '.join(wait.blockers)}",
        hint=f"Run crossfade advance {session.name} after that, or add --wait.",
    )


def _finish(session: Session, state: State, event: Event) -> None:
    target = TRANSITIONS[state, event]
    with session.work.transaction():
        ledger.move(session.work, session.run_id, session.token, state, target)
        if event in _PHASE_BEGUN_BY:
            ledger.begin_phase(session.work, session.run_id, _PHASE_BEGUN_BY[event])
        if event in _PHASE_FINISHED_BY:
            ledger.finish_phase(session.work, session.run_id, _PHASE_FINISHED_BY[event])
        if event is Event.FINISH_HIDE:
            ledger.set_retention(session.work, session.run_id, session.plan.retain / timedelta(seconds=1))
    session.emit(StateChanged(run=session.name, source=state.value, target=target.value))


def _run_batches(session: Session) -> None:
    for change in session.program.rows:
        fill(
            connect=session.connect,
            run_id=session.run_id,
            run_name=session.name,
            token=session.token,
            change=change,
            settings=session.plan.backfill,
            should_stop=lambda: _between_batches(session),
            emit=session.emit,
        )


def _between_batches(session: Session) -> str | None:
    """Why the backfill has to stop now; returns late while a replica has to catch up."""
    window, limit = session.plan.backfill.window, session.plan.backfill.max_replica_lag
    throttled = None
    while True:
        stop = session.should_stop() or (_closed(session, window) if window else None)
        reason = replica_lag(session.work, limit) if limit and stop is None else None
        if reason != throttled:
            ledger.set_throttle(session.work, session.run_id, reason)
            throttled = reason
        if reason is None:
            return stop
        time.sleep(POLL_SECONDS)


def _closed(session: Session, window: Window) -> str | None:
    row = session.work.execute("SELECT pg_catalog.clock_timestamp()").fetchone()
    assert row is not None
    if window.is_open(row[0]):
        return None
    return f"the window {window} is closed; it opens at {window.opens_after(row[0]):%Y-%m-%d %H:%M %Z}"


def _verify(session: Session) -> None:
    for change in session.program.rows:
        found = verify(
            connect=session.connect,
            run_id=session.run_id,
            run_name=session.name,
            change=change,
            should_stop=session.should_stop,
            emit=session.emit,
        )
        if found.mismatches:
            raise VerificationFailed(
                f"{change.schema}.{change.table}: {found.mismatches} rows differ between {change.old} and "
                f"{change.new}; nothing was hidden. Keys: {', '.join(found.keys)}",
                hint="Somebody switched the triggers off, or wrote past them. Decide which side is right, set the "
                "other to it in those rows, and run the command again.",
            )


def _executed(
    session: Session, step: Step, verdict: PhaseVerdict | None, facts: Facts
) -> tuple[PhaseVerdict | None, Facts]:
    """Run a step; what is known after it: where the gates closed while it waited for its locks, nothing was changed."""
    try:
        _execute(session, step)
    except _GatesClosed as closed:
        return closed.verdict, replace(facts, blockers=closed.verdict.blockers, verified=False)
    return verdict, facts


def _execute(session: Session, step: Step) -> None:
    attempt = ledger.step_begun(session.work, session.run_id, step.id)
    session.emit(StepStarted(run=session.name, step=step.id, title=step.title, phase=step.phase.value, attempt=attempt))
    if not step.transactional:
        _outside_transaction(session, step)
        return
    on_wait = _on_wait(session, step)
    if step.part is Part.HIDE:
        on_wait = _asking_again(session, on_wait)
    _in_transaction(session, step, step.statements, "done", on_wait)


class _GatesClosed(Exception):
    """A gate that passed does not pass any more."""

    def __init__(self, verdict: PhaseVerdict) -> None:
        super().__init__()
        self.verdict = verdict


def _asking_again(session: Session, on_wait: locks.OnWait) -> locks.OnWait:
    """A step that hides the old shape may wait for minutes: before each further attempt the gates have to pass anew."""
    asked = time.monotonic()

    def report(attempt: int, seconds: float, blockers: tuple[Blocker, ...]) -> None:
        nonlocal asked
        on_wait(attempt, seconds, blockers)
        if time.monotonic() - asked < POLL_SECONDS:
            return
        verdict = _ask(session, Phase.CONTRACT)
        if verdict.blockers:
            raise _GatesClosed(verdict)
        asked = time.monotonic()

    return report


def _undo(session: Session, step: Step) -> None:
    session.emit(
        StepStarted(run=session.name, step=step.id, title=f"undo: {step.title}", phase=step.phase.value, attempt=1)
    )
    state = ledger.step_rows(session.work, session.run_id)[step.id]["state"]
    # A transactional step that is only "running" never committed: there is nothing of it to take back.
    nothing_made = step.transactional and state == "running"
    statements = () if nothing_made else step.undo
    _in_transaction(session, step, statements, "undone", _on_wait(session, step))


def _on_wait(session: Session, step: Step) -> locks.OnWait:
    def report(attempt: int, seconds: float, blockers: tuple[Blocker, ...]) -> None:
        session.emit(
            LockWaited(run=session.name, step=step.id, attempt=attempt, waited_seconds=seconds, blockers=blockers)
        )
        stop = session.should_stop()
        if stop is not None:
            raise WorkLeft(f"run {session.name} stops while it waits for a lock: {stop}")

    return report


def _in_transaction(
    session: Session, step: Step, statements: tuple[Statement, ...], state: str, on_wait: locks.OnWait
) -> None:
    policy = locks.LockPolicy(
        timeout=session.plan.locks.timeout / timedelta(seconds=1),
        give_up_after=session.plan.locks.give_up_after / timedelta(seconds=1),
        statement=None if any(s.rewrites or s.scans for s in statements) else HELD_SECONDS,
    )
    timing: dict[str, float] = {}
    begun = time.monotonic()

    def body() -> None:
        held = time.monotonic()
        ledger.prove_lease(session.work, session.run_id, session.token)
        for statement in statements:
            _send(session.work, step, statement)
        timing.update(lock_wait_ms=(held - begun) * 1000, duration_ms=(time.monotonic() - held) * 1000)
        ledger.step_ended(session.work, session.run_id, step.id, state=state, **timing)

    wanted = step_locks(statements)
    locks.in_slices(session.work, wanted, policy, body, what=step.title, on_wait=on_wait)
    session.emit(StepDone(run=session.name, step=step.id, phase=step.phase.value, **timing))


def step_locks(statements: tuple[Statement, ...]) -> tuple[Lock, ...]:
    """The strongest lock per relation over some statements."""
    return strongest(lock for s in statements for lock in s.locks)


def _outside_transaction(session: Session, step: Step) -> None:
    begun = time.monotonic()
    with session.work.transaction():
        ledger.prove_lease(session.work, session.run_id, session.token)
    if not _is_done(session.work, step):
        with session.connect() as connection:
            give_up = round(session.plan.locks.give_up_after / timedelta(milliseconds=1))
            connection.execute("SELECT pg_catalog.set_config('lock_timeout', %s, false)", [f"{give_up}ms"])
            connection.execute("SELECT pg_catalog.set_config('statement_timeout', '0', false)")
            pid = connection.info.backend_pid
            with locks.reporting_waits(session.connect, pid, _on_wait_only(session, step)):
                locks.through_conflicts(lambda: _send_all(connection, step))
    duration = (time.monotonic() - begun) * 1000
    with session.work.transaction():
        ledger.prove_lease(session.work, session.run_id, session.token)
        ledger.step_ended(session.work, session.run_id, step.id, state="done", lock_wait_ms=0, duration_ms=duration)
    session.emit(StepDone(run=session.name, step=step.id, phase=step.phase.value, lock_wait_ms=0, duration_ms=duration))


def _send_all(connection: Connection, step: Step) -> None:
    for statement in (*step.cleanup, *step.statements):
        _send(connection, step, statement)


def _on_wait_only(session: Session, step: Step) -> locks.OnWait:
    def report(attempt: int, seconds: float, blockers: tuple[Blocker, ...]) -> None:
        session.emit(
            LockWaited(run=session.name, step=step.id, attempt=attempt, waited_seconds=seconds, blockers=blockers)
        )

    return report


def _is_done(connection: Connection, step: Step) -> bool:
    row = connection.execute(step.done.encode()).fetchone()
    return bool(row and row[0])


def _send(connection: Connection, step: Step, statement: Statement) -> None:
    try:
        connection.execute(statement.text.encode())
    except psycopg.errors.LockNotAvailable as error:
        if connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
            raise
        raise LockNotAcquired(
            f"{step.title}: the statement waited longer than locks.give_up_after: {error}",
            hint="End the transactions it waits for, and run the command again; a half-built index is cleaned up then.",
        ) from None
    except psycopg.Error as error:
        if is_loss(error) or isinstance(error, locks.CONFLICTS):
            raise
        raise StepFailed(
            f"{step.title}: PostgreSQL says: {str(error).strip()} (SQLSTATE {error.sqlstate}), in: {statement.text}",
            sqlstate=error.sqlstate,
            hint="The step was rolled back. Remove the cause and run the command again.",
            location=step.id,
        ) from None
