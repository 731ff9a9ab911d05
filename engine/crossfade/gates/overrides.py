"""Overrides: a person's word, with a reason and an end, that a phase may begin although a gate does not pass.

One is bound to the plan's digest and to one kind of gate, and holds on the database's clock. The gate is asked all the
same, and its answer is shown. What the engine guards by itself (dependents, parity, a trigger that is missing) is not
policy, and no override goes past it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from crossfade.errors import UsageError
from crossfade.gates.kinds import is_guard_kind
from crossfade.gates.phase_gates import gates_of
from crossfade.gates.queries import query
from crossfade.gates.verdict import Override, Verdict
from crossfade.plan.words import nearest, one_of, shown

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.gates.verdict import GateResult
    from crossfade.operations.step import Phase

LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person overrides."""

    phase: Phase
    gate: str
    """A kind of gate."""
    actor: str
    reason: str
    lasts: timedelta

    def as_json(self) -> dict[str, Any]:
        """For the history; spans in seconds."""
        return {
            "phase": self.phase.value,
            "gate": self.gate,
            "actor": self.actor,
            "reason": self.reason,
            "seconds": self.lasts.total_seconds(),
        }


def give(connection: psycopg.Connection[Any], subject: Subject, wanted: Wanted) -> None:
    """Write it into the ledger. Raises UsageError where it cannot be, for a reason that it says."""
    _check(subject, wanted)
    parameters = {
        "run_id": subject.run_id,
        "phase": wanted.phase.value,
        "gate": wanted.gate,
        "digest": subject.digest,
        "actor": wanted.actor,
        "reason": wanted.reason,
        "lasts": wanted.lasts,
    }
    connection.execute(query("give_override"), parameters)


def _check(subject: Subject, wanted: Wanted) -> None:
    for name, value in (("--as", wanted.actor), ("--reason", wanted.reason)):
        if not value.strip() or not value.isprintable():
            raise UsageError(f"{name} is empty or no readable text", hint="An override is kept with who and why.")
    if not timedelta(0) < wanted.lasts <= LONGEST:
        raise UsageError("an override lasts for up to 7d", hint="Give --for a duration such as 30m.")
    gates = {gate.entry.kind: gate for gate in gates_of(subject.plan, wanted.phase)}
    if not gates:
        raise UsageError(f"no gate stands before {wanted.phase} of run {subject.name}", hint="Nothing to override.")
    if wanted.gate not in gates:
        hint = nearest(wanted.gate, gates) or f"before {wanted.phase} of run {subject.name} stand {one_of(gates)}"
        raise UsageError(f"no gate {shown(wanted.gate)} stands before {wanted.phase}", hint=hint)
    if is_guard_kind(gates[wanted.gate].entry):
        raise UsageError(
            f"{wanted.gate} is one of the engine's own guards, and cannot be overridden",
            hint="What it says is true of the data or the schema, not a matter of policy; remove the cause.",
        )


def standing(connection: psycopg.Connection[Any], subject: Subject, look: Look) -> Mapping[str, Override]:
    """Those that hold at the time of the look, by kind of gate; the latest of each."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = {"run_id": subject.run_id, "phase": look.phase.value, "digest": subject.digest, "now": look.now}
        rows = cursor.execute(query("standing_overrides"), found).fetchall()
    return {row["gate"]: Override(by=row["actor"], reason=row["reason"], until=row["until"]) for row in rows}


def applied(result: GateResult, given: Mapping[str, Override]) -> GateResult:
    """The answer with the override that goes past it, where there is one. Pure."""
    override = given.get(result.kind)
    if override is None or result.is_guard or result.verdict is Verdict.PASS:
        return result
    return replace(result, override=override)
