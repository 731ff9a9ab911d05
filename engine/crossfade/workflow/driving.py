"""Driving a run for one command: the lease, the runner, and what the ledger remembers where it stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from crossfade.backfill.drive import try_again
from crossfade.errors import BaselineChanged, CrossfadeError, Interrupted, StepFailed, WorkLeft, WrongState
from crossfade.observe.events import Emit
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.model import Plan
from crossfade.postgres.connect import is_loss
from crossfade.workflow import baseline_rows, ledger
from crossfade.workflow.guards import look_before_turning
from crossfade.workflow.lease import leased
from crossfade.workflow.ledger import RunRow
from crossfade.workflow.preflight import examine
from crossfade.workflow.program import Program, from_json
from crossfade.workflow.runner import control_of, drive, jobs_of, turn_back
from crossfade.workflow.session import Session
from crossfade.workflow.states import FORWARD, GIVEN_UP, TRANSITIONS, Event, State, after
from crossfade.workflow.step_locks import locked, waiting_for

Connection = psycopg.Connection[Any]
_PREPARED_AFTER = 3
"""How often a statement is sent before the server is asked to keep it, and its plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a command wants of a run. Times are on the monotonic clock."""

    goal: State
    begin: Event | None
    """What a person decides, where that is not the way forwards: to roll back, to revert, to hide after all."""
    confirm: Callable[[str], None]
    """Returns if a person agrees to what is about to happen; raises UsageError otherwise."""
    wait_until: float | None
    """How long gates are waited for; None is not at all."""
    stop_at: float | None
    """When to stop with work left."""
    discards: bool = False
    """Whether a rollback may destroy what exists nowhere else."""
    fixed: Fixed = NOTHING_FIXED
    """What a run that has not begun may not change."""

    def is_over(self) -> str | None:
        """Why to stop, once the time given is over."""
        return "--max-duration is reached" if self.stop_at is not None and time.monotonic() >= self.stop_at else None


def carry_out(
    order: Order,
    run: RunRow,
    *,
    connect: Callable[[], Connection],
    emit: Emit,
    asked_to_stop: Callable[[], str | None],
) -> None:
    """Take the run's lease and bring the run to the order's goal.

    Raises LeaseHeld, WrongState, Interrupted where it was asked to stop, and what `drive` raises; what stops a run for
    a cause of its own is kept in the ledger as `failed`.
    """

    def towards(session: Session, row: RunRow) -> None:
        if row.state is State.PLANNED and order.goal in FORWARD:
            session.program = _fresh_program(session, row, order.fixed)
        (turn_back if order.goal in GIVEN_UP else drive)(session, order.goal)

    _under_lease(towards, order, run, connect=connect, emit=emit, asked_to_stop=asked_to_stop)


def is_remembered(error: CrossfadeError) -> bool:
    """Whether the cause lies in the run, so that the ledger keeps it as `failed`."""
    return error.exit_code in (1, 6) or isinstance(error, BaselineChanged)


def try_refused_rows(
    run: RunRow, *, connect: Callable[[], Connection], emit: Emit, asked_to_stop: Callable[[], str | None]
) -> None:
    """Take the run's lease and try its refused rows again. Raises RowsFailed while one is still refused."""

    def again(session: Session, _row: RunRow) -> None:
        with control_of(session) as control:
            for job in jobs_of(session, control):
                try_again(job)

    order = Order(goal=State.BACKFILLED, begin=None, confirm=lambda _what: None, wait_until=None, stop_at=None)
    _under_lease(again, order, run, connect=connect, emit=emit, asked_to_stop=asked_to_stop)


def _under_lease(
    work: Callable[[Session, RunRow], None],
    order: Order,
    run: RunRow,
    *,
    connect: Callable[[], Connection],
    emit: Emit,
    asked_to_stop: Callable[[], str | None],
) -> None:
    with leased(connect, run.id, run.name) as (held, token):
        # A session of its own, as no pooler in transaction mode comes this far.
        held.prepare_threshold = _PREPARED_AFTER
        row = ledger.get_run(held, run.name)
        session = Session(
            connect=connect,
            work=held,
            run_id=run.id,
            name=run.name,
            digest=run.digest,
            created_at=run.created_at,
            plan=Plan.from_json(dict(run.plan)),
            program=from_json(row.program),
            token=token,
            emit=emit,
            should_stop=lambda: asked_to_stop() or order.is_over(),
            confirm=order.confirm,
            wait_until=order.wait_until,
            discards=order.discards,
        )
        ledger.set_failed(held, run.id, None)
        try:
            _begin(session, row, order)
        except psycopg.Error as error:
            # Nothing was done, so there is nothing to keep.
            raise _failed(error) from error
        try:
            work(session, row)
        except WorkLeft as error:
            if asked_to_stop():
                raise Interrupted(error.message, hint=error.hint) from None
            raise
        except CrossfadeError as error:
            if is_remembered(error):
                ledger.set_failed(held, run.id, error.as_json())
            raise
        except psycopg.Error as error:
            failed = _failed(error)
            ledger.set_failed(held, run.id, failed.as_json())
            raise failed from error


def _failed(error: psycopg.Error) -> StepFailed:
    """The error as one of ours. Raises it as it is where the connection was lost."""
    if is_loss(error):
        raise error
    said = error.diag.message_primary or str(error).strip()
    return StepFailed(f"PostgreSQL says: {said} (SQLSTATE {error.sqlstate})", sqlstate=error.sqlstate)


def _begin(session: Session, row: RunRow, order: Order) -> None:
    """Turn the run round, if that was wanted. Raises WrongState where it has moved on since the command looked."""
    target = after(row.state, order.begin) if order.begin else None
    if target is not None:
        look_before_turning(session, target)

        def turn() -> None:
            ledger.move(session.work, session.run_id, session.token, row.state, target)

        if target is State.CONTRACTING:
            locked(session, "raise the fence", (ledger.FENCE,), turn, waiting_for(session, "fence"))
        else:
            with session.work.transaction():
                turn()
    elif row.state not in _expected(order):
        raise WrongState(
            f"run {row.name} is {row.state} by now; nothing was done", hint=f"See crossfade status {row.name}."
        )


def _expected(order: Order) -> frozenset[State]:
    """The states in which a run can be carried on to the order's goal."""
    if order.begin is None:
        return frozenset(FORWARD)
    through = (target for (_, event), target in TRANSITIONS.items() if event is order.begin)
    return frozenset((order.goal, *through))


def _fresh_program(session: Session, row: RunRow, fixed: Fixed) -> Program:
    """Compile again right before the first step: days may have passed since `start`."""
    # Looked at before it is compiled, so that what is changed in between is noticed.
    seen = baseline_rows.look(session.connect, session.plan)
    program = examine(session.connect, session.plan, row.acks, fixed).checked()
    with session.work.transaction():
        ledger.prove_lease(session.work, session.run_id, session.token)
        ledger.replace_program(session.work, row, program.as_json())
        # A change of rows has no step that others could get in the way of.
        baseline_rows.begin(session.work, session.run_id, () if program.data else seen)
    return program
