"""A caution about strangers who are live when a plan is checked: a plan that was started cannot list them any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.gates import strangers
from crossfade.gates.phase_gates import gates_of
from crossfade.gates.subject import Look, Subject
from crossfade.gates.verdict import Verdict
from crossfade.operations.step import Caution, Phase
from crossfade.plan.gates import Strangers
from crossfade.postgres.clock import database_now
from crossfade.workflow import ledger

if TYPE_CHECKING:
    from crossfade.plan.model import Plan
    from crossfade.workflow.program import Program

Connection = psycopg.Connection[Any]


def stranger_cautions(connection: Connection, plan: Plan, program: Program) -> tuple[Caution, ...]:
    """One, where the plan's gate `strangers` would be BLOCKED now; none without a ledger, which knows who is live."""
    gates = (gate.entry for gate in gates_of(plan, Phase.CONTRACT))
    entry = next((e for e in gates if isinstance(e, Strangers) and e.mode == "enforce"), None)
    if entry is None or program.is_empty(Phase.CONTRACT) or ledger.installed_version(connection) != ledger.VERSION:
        return ()
    now = database_now(connection)
    subject = Subject(
        run_id=0, name=plan.name, digest="", plan=plan, rows=program.rows, created_at=now, watches=program.watches
    )
    look = Look(phase=Phase.CONTRACT, now=now, record=False)
    judgement = strangers.judge(strangers.observe(connection, subject, entry, look), entry)
    if judgement.verdict is not Verdict.BLOCKED:
        return ()
    message = (
        f"as it is now, contract would be blocked, and a plan cannot be changed once it is started: {judgement.reason}"
    )
    return (Caution(code="strangers", object="apps", message=message),)
