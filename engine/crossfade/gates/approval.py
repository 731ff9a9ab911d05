"""The gate `approval`: a person has approved this phase of exactly this plan.

An approval is bound to the plan's digest: one of another version of the plan is void. Given without a role it speaks
for every role.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from psycopg.rows import class_row

from crossfade.gates.spans import moment
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.gates import Approval, Mode

if TYPE_CHECKING:
    from datetime import timedelta

    import psycopg

    from crossfade.gates.subject import Look, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyApproval:
    """The default where there is no roster: somebody, in whatever role, has to approve."""

    kind: ClassVar[str] = "approval"
    mode: Mode = "enforce"
    hold: timedelta | None = None
    role: None = None


Entry: TypeAlias = Approval | AnyApproval


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One approval in the ledger."""

    approver: str
    role: str | None
    reason: str | None
    digest: str
    at: datetime
    db_user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Every approval of the run's phase, the latest first."""

    run: str
    phase: str
    digest: str
    approvals: tuple[Given, ...]


def observe(connection: psycopg.Connection[Any], subject: Subject, _entry: Entry, look: Look) -> Observation:
    """What was approved of this phase."""
    with connection.cursor(row_factory=class_row(Given)) as cursor:
        cursor.execute(
            "SELECT approver, role, reason, digest, at, db_user FROM crossfade.approvals"
            " WHERE run_id = %s AND phase = %s ORDER BY id DESC",
            [subject.run_id, look.phase.value],
        )
        approvals = tuple(cursor.fetchall())
    return Observation(run=subject.name, phase=look.phase.value, digest=subject.digest, approvals=approvals)


def judge(observation: Observation, entry: Entry) -> Judgement:
    """PASS with one approval that counts."""
    evidence = {"role": entry.role, "approvals": [_as_json(a, observation, entry) for a in observation.approvals]}
    counting = next((a for a in observation.approvals if _objection(a, observation, entry) is None), None)
    if counting is not None:
        role = f" ({counting.role})" if counting.role else ""
        reason = f"approved by {counting.approver}{role} at {moment(counting.at)}"
        return Judgement(verdict=Verdict.PASS, reason=reason, evidence=evidence)
    role = f" (role {entry.role})" if entry.role else ""
    command = f"crossfade approve {observation.run} --phase {observation.phase} --as YOU"
    void = any(a.digest != observation.digest for a in observation.approvals)
    others = "; an approval of another version of the plan is void" if void else ""
    reason = f"waits for an approval{role}: {command}{others}"
    return Judgement(verdict=Verdict.BLOCKED, reason=reason, evidence=evidence)


def _objection(given: Given, observation: Observation, entry: Entry) -> str | None:
    if given.digest != observation.digest:
        return "void: of another version of the plan"
    if entry.role is not None and given.role not in {entry.role, None}:
        return f"given as {given.role}, not as {entry.role}"
    return None


def _as_json(given: Given, observation: Observation, entry: Entry) -> dict[str, Any]:
    objection = _objection(given, observation, entry)
    return {
        "approver": given.approver,
        "role": given.role,
        "reason": given.reason,
        "at": given.at.isoformat(),
        "db_user": given.db_user,
        "digest": given.digest,
        "counts": objection is None,
        "words": objection or ("speaks for every role" if given.role is None else f"speaks as {given.role}"),
    }


def in_words(entry: Entry) -> str:
    """For `explain`."""
    return f"{entry.role or 'somebody'} has approved with crossfade approve"
