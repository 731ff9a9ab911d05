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
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg

from crossfade.errors import CrossfadeError, LockNotAcquired, StepFailed, WorkLeft
from crossfade.gates.evaluate import keep
from crossfade.gates.verdict import PhaseVerdict
from crossfade.observe.events import Blocker, LockWaited, StepDone, StepStarted, TableChanged
from crossfade.operations.step import Part, Phase, Step, strongest
from crossfade.postgres import locks
from crossfade.postgres.connect import is_loss
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Lock, LockMode, Statement
from crossfade.workflow import baseline, in_its_place, ledger, own_triggers, recordable
from crossfade.workflow.affected_names import left_by
from crossfade.workflow.guards import refuse_others, refuse_rows, refuse_to_discard, refuse_to_remove_others
from crossfade.workflow.session import Session
from crossfade.workflow.shape_of_detached import without_detached

HELD_SECONDS = 10.0
"""How long one statement of a step may take that neither rewrites nor reads a table, while it holds its locks."""
FRESH_SECONDS = 1.0
"""How old the gates' answer may be when a step that hides the old shape tries for its locks."""

OLDEST_SECONDS = 5.0
"""How old it may be, on the database's clock, when the step has them."""

_HINT = "The step was rolled back. Remove the cause and run the command again."
_HINTS = {
    "2BP01": "The step was rolled back. Drop what is named, run the command again, and make it anew after that.",
    "23505": "Nothing is enforced, and nothing of the index is left. Make the rows differ of which the message names "
    "one key, see that no live version writes more of them, and run the command again.",
}
"""What to do, by SQLSTATE."""
_NO_TABLE = "42P01"

Connection = psycopg.Connection[Any]


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
    left_over = not step.statements and step.cleanup and not _is_done(session.work, step)
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
        _refuse_old(session.work, gates.verdict)
        keep(session.work, session.subject(), gates.verdict, step=step.id)

    _in_transaction(session, step, forwards, _asking_again(on_wait, gates), on_whose_word)


def _compare_ahead(session: Session, step: Step, left: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What others changed, as far as the step can be executed all the same; raises BaselineChanged."""
    noted = baseline.check(session, step, left)
    refuse_to_remove_others(session, step)
    return noted


def _refuse_old(connection: Connection, verdict: PhaseVerdict) -> None:
    """Raises AnswerTooOld: whoever was stopped for a while goes on with what the gates said before."""
    row = connection.execute(
        "SELECT pg_catalog.clock_timestamp() - %s < pg_catalog.make_interval(secs => %s)",
        [verdict.answered_at, OLDEST_SECONDS],
    ).fetchone()
    if row is None or not row[0]:
        raise AnswerTooOld


@dataclass(slots=True)
class Asked:
    """The gates of contract, and what they said when they were asked last, a moment ago."""

    ask: Callable[[], PhaseVerdict]
    verdict: PhaseVerdict | None
    """None before a step that hides nothing."""


class AnswerTooOld(Exception):
    """What the gates said is no longer of now; nothing was changed."""


class GatesClosed(Exception):
    """A gate that passed does not pass any more."""

    def __init__(self, verdict: PhaseVerdict) -> None:
        super().__init__()
        self.verdict = verdict


def _asking_again(on_wait: locks.OnWait, gates: Asked) -> locks.OnWait:
    """A step that hides the old shape may wait for minutes: before each further attempt the gates have to pass anew."""
    asked = time.monotonic()

    def report(attempt: int, seconds: float, blockers: tuple[Blocker, ...]) -> None:
        nonlocal asked
        on_wait(attempt, seconds, blockers)
        if time.monotonic() - asked < FRESH_SECONDS:
            return
        gates.verdict = gates.ask()
        if gates.verdict.blockers:
            raise GatesClosed(gates.verdict)
        asked = time.monotonic()

    return report


def undo(session: Session, step: Step) -> None:
    """Take back a step that is done, or that was begun and may be half made. Raises as `execute` does."""
    _undo(session, step)
    _note_taken_along(session, step)


def _undo(session: Session, step: Step) -> None:
    if not step.undo or (not step.statements and not _is_done(session.work, step)):
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
        _outside_transaction(session, step, back, lambda: _send_outside(session, step, step.undo, lost))


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


def waiting_for(session: Session, step: str) -> locks.OnWait:
    """Tells of each wait for a lock, and stops if it is time to. Raises WorkLeft."""

    tell = _telling(session, step)

    def report(attempt: int, seconds: float, blockers: tuple[Blocker, ...]) -> None:
        tell(attempt, seconds, blockers)
        stop = session.should_stop()
        if stop is not None:
            raise WorkLeft(f"run {session.name} stops while it waits for a lock: {stop}")

    return report


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
    session: Session, step: Step, way: _Way, on_wait: locks.OnWait, prelude: Callable[[], None] = lambda: None
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
        send = _send_where_it_is if way.is_lenient() else _send
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
    wanted, views = _still_there(session.work, taken), _views(session.work, taken)
    locked(session, step.title, wanted, body, on_wait, statement=statement, views=views)
    _tell(session, step.id, noted)
    session.emit(StepDone(run=session.name, step=step.id, phase=step.phase.value, **timing))


def locked(
    session: Session,
    what: str,
    wanted: tuple[Lock, ...],
    body: Callable[[], None],
    on_wait: locks.OnWait,
    *,
    statement: float | None = HELD_SECONDS,
    views: tuple[QualifiedName, ...] = (),
) -> None:
    """Call `body` in a transaction that holds these locks, got as the plan says. Raises LockNotAcquired."""
    policy = locks.LockPolicy(
        timeout=session.plan.locks.timeout / timedelta(seconds=1),
        give_up_after=session.plan.locks.give_up_after / timedelta(seconds=1),
        statement=statement,
    )
    locks.in_slices(session.work, wanted, policy, body, what=what, on_wait=on_wait, views=views)


def _still_there(connection: Connection, wanted: tuple[Lock, ...]) -> tuple[Lock, ...]:
    """Without what somebody dropped since the program was compiled: a partition that is gone must not stop an undo.

    And tables only: LOCK TABLE takes no materialised view, and of a view every table below.
    """
    rows = connection.execute(
        "SELECT w.name FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)"
        " JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.name) AND c.relkind IN ('r', 'p')",
        [[lock.relation for lock in wanted]],
    ).fetchall()
    there = {name for (name,) in rows}
    return tuple(lock for lock in wanted if lock.relation in there)


def _views(connection: Connection, wanted: tuple[Lock, ...]) -> tuple[QualifiedName, ...]:
    """The views among these that nobody may read meanwhile."""
    closed = [lock.relation for lock in wanted if lock.mode is LockMode.ACCESS_EXCLUSIVE]
    rows = connection.execute(
        "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text"
        " FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)"
        " JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.name) AND c.relkind = 'v'"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
        [closed],
    ).fetchall()
    return tuple(QualifiedName(*row) for row in rows)


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


def _behind_others(session: Session, step: Step, body: Callable[[], None]) -> None:
    """Call `body` in a transaction while nobody changes the step's tables."""
    held = tuple(Lock(relation=x.relation, mode=LockMode.ACCESS_SHARE) for x in _still_there(session.work, step.locks))
    locked(session, step.title, held, body, waiting_for(session, step.id))


def _outside_transaction(session: Session, step: Step, way: _Way, body: Callable[[], None]) -> None:
    """`body` sends the statements; what it leaves does not depend on how often it was begun."""
    begun = time.monotonic()
    noted: tuple[str, ...] = ()

    def before() -> None:
        nonlocal noted
        ledger.prove_lease(session.work, session.run_id, session.token)
        noted = way.compare()

    _behind_others(session, step, before)
    _tell(session, step.id, noted)
    body()
    duration = (time.monotonic() - begun) * 1000
    _behind_others(session, step, lambda: _ended_outside(session, step, way.state, duration))
    session.emit(StepDone(run=session.name, step=step.id, phase=step.phase.value, lock_wait_ms=0, duration_ms=duration))


def _ended_outside(session: Session, step: Step, state: str, duration: float) -> None:
    ledger.prove_lease(session.work, session.run_id, session.token)
    baseline.keep(session)
    if state == "done":
        in_its_place.keep(session.work, session.run_id, step, in_its_place.will_drop(step))
    ledger.step_ended(session.work, session.run_id, step.id, state=state, lock_wait_ms=0, duration_ms=duration)


def _make(session: Session, step: Step) -> None:
    """A step outside a transaction, unless its effect is there. Raises StepFailed, with what it left cleaned up."""
    if _is_done(session.work, step):
        return
    try:
        _send_outside(session, step, (*step.cleanup, *step.statements))
    except StepFailed:
        if not step.cleanup:
            raise
        # A unique index that will never be valid refuses writes all the same. What cannot be removed now, the next
        # attempt removes.
        with suppress(CrossfadeError, psycopg.Error):
            _send_outside(session, step, step.cleanup)
            _behind_others(session, step, lambda: _ended_outside(session, step, "undone", 0))
        raise


def _send_outside(
    session: Session, step: Step, statements: tuple[Statement, ...], is_lenient: Callable[[], bool] = lambda: False
) -> None:
    def send() -> None:
        for statement in statements:
            try:
                _send(connection, step, statement)
            except StepFailed as error:
                if error.sqlstate != _NO_TABLE or not is_lenient():
                    raise

    with session.connect() as connection:
        give_up = round(session.plan.locks.give_up_after / timedelta(milliseconds=1))
        connection.execute("SELECT pg_catalog.set_config('lock_timeout', %s, false)", [f"{give_up}ms"])
        connection.execute("SELECT pg_catalog.set_config('statement_timeout', '0', false)")
        # Functions in an index's expressions may rely on the path that the users' sessions have.
        connection.execute("RESET search_path")
        pid = connection.info.backend_pid
        with locks.reporting_waits(session.connect, pid, _telling(session, step.id)):
            locks.through_conflicts(send)


def _telling(session: Session, step: str) -> locks.OnWait:
    def report(attempt: int, seconds: float, blockers: tuple[Blocker, ...]) -> None:
        session.emit(
            LockWaited(run=session.name, step=step, attempt=attempt, waited_seconds=seconds, blockers=blockers)
        )

    return report


def _is_done(connection: Connection, step: Step) -> bool:
    with connection.transaction():
        # A query of the plan's own finds its names as the users' sessions do; ours name everything.
        connection.execute("SET LOCAL search_path TO DEFAULT")
        row = connection.execute(step.done.encode()).fetchone()
    return bool(row and row[0])


def _send_where_it_is(connection: Connection, step: Step, statement: Statement) -> None:
    """Within a transaction: nothing is done where the table is not there."""
    try:
        with connection.transaction():
            _send(connection, step, statement)
    except StepFailed as error:
        if error.sqlstate != _NO_TABLE:
            raise


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
            hint=_HINTS.get(error.sqlstate or "", _HINT),
            location=step.id,
        ) from None
