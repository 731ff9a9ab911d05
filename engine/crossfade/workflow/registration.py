"""Registering a plan as a run: once, with what a person accepts of that which preflight names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from crossfade.errors import PlanChanged
from crossfade.plan.digest import plan_digest
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.model import Plan
from crossfade.workflow import ledger
from crossfade.workflow.ledger import RunRow
from crossfade.workflow.preflight import examine
from crossfade.workflow.program import Program
from crossfade.workflow.states import GIVEN_UP, State

Connection = psycopg.Connection[Any]


def run_of(connection: Connection, plan: Plan) -> RunRow | None:
    """The run of this plan that is not rolled back. Raises PlanChanged where it is that of another version."""
    found = ledger.find_run(connection, plan.name)
    if found is None or found.state in GIVEN_UP:
        return None
    if found.digest != plan_digest(plan):
        raise PlanChanged(
            f"run {plan.name} was started with another version of this plan",
            hint="A plan is immutable once started. Undo the edit, or roll the run back and start anew, or give the "
            "changed plan another name.",
        )
    return found


def accept(connection: Connection, run: RunRow, acks: tuple[str, ...]) -> RunRow:
    """The run, with what a person accepts now besides what was accepted when it was started."""
    if run.state is not State.PLANNED or set(acks) <= set(run.acks):
        return run
    ledger.add_acks(connection, run.id, acks)
    return ledger.get_run(connection, run.name)


def register(
    connection: Connection,
    plan: Plan,
    acks: tuple[str, ...],
    *,
    connect: Callable[[], Connection],
    started_by: str,
    fixed: Fixed = NOTHING_FIXED,
) -> RunRow:
    """The plan's run, new and `planned` if there is none. Raises PlanChanged and PreflightRefused."""
    found = run_of(connection, plan)
    if found is not None:
        return accept(connection, found, acks)
    program, digest = examine(connect, plan, acks, fixed).checked(), plan_digest(plan)
    with connection.transaction():
        run_id = ledger.add_run(
            connection,
            name=plan.name,
            digest=digest,
            plan=plan.as_json(),
            acks=acks,
            program=program.as_json(),
            fences=_fences(plan, program),
            started_by=started_by,
        )
        facts = {"digest": digest, "acks": list(acks), "started_by": started_by}
        ledger.add_event(connection, run_id, "started", facts)
    return ledger.get_run(connection, plan.name)


def _fences(plan: Plan, program: Program) -> dict[str, Any]:
    """For each app of the roster the versions that work on the new shape; a change of data has none."""
    if program.data:
        return {}
    return {name: {**app.new_range.as_json(), "text": app.new} for name, app in (plan.apps or {}).items()}
