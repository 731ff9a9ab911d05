"""What gates outside of the database said last, for a look that asks nothing there.

An answer stands in for a new one while it is so young that whoever waits would have looked again; an older one, or
none, is UNKNOWN, with what it was and when. Nothing begins on the word of such a look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crossfade.gates.phase_gates import leaves
from crossfade.gates.queries import query
from crossfade.gates.spans import ago
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.gates import OutsideEntry

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.phase_gates import PhaseGate
    from crossfade.gates.subject import Look, Subject

YOUNG = timedelta(minutes=2)
"""An answer that stays the same is recorded once a minute."""


def recalled(
    connection: psycopg.Connection[Any], subject: Subject, gates: Sequence[PhaseGate], look: Look
) -> Mapping[str, Judgement]:
    """By key, the latest recorded answers of the gates, or their parts, that are outside of the database or ask there.

    One that is old is left out where the gate has something to say all the same, by what the ledger has.
    """
    asked = {"run_id": subject.run_id, "phase": look.phase.value}
    row = connection.execute(query("latest_evaluation"), asked).fetchone()
    recorded, at = row or ((), look.now)
    answers = {gate.key: answer for gate, answer in _paired(gates, recorded) if gate.answering and not gate.parts}
    judged = {key: judge(answer, at, look.now) for key, answer in answers.items()}
    outside = {gate.key: gate.entry.kind for gate in leaves(gates) if isinstance(gate.entry, OutsideEntry)}
    young = {key: judgement for key, judgement in judged.items() if look.now - at <= YOUNG or key in outside}
    return {key: _never_asked(kind, subject, look) for key, kind in outside.items()} | young


def judge(answer: Mapping[str, Any], at: datetime, now: datetime) -> Judgement:
    """What a recorded answer of that time says now. Pure."""
    when, kind = ago(at, now), answer["kind"]
    passed = answer["verdict"] == Verdict.PASS or answer["passing_since"] is not None
    verdict = Verdict.PASS if passed else Verdict(answer["verdict"])
    said = f"{kind} passed {when}" if passed and answer["verdict"] != Verdict.PASS else f"{answer['reason']}, {when}"
    if now - at > YOUNG:
        reason = f"it was {verdict} {when}, and status does not ask outside of the database; crossfade gate does"
        return Judgement(verdict=Verdict.UNKNOWN, reason=f"{kind}: {reason}", evidence=answer["evidence"])
    return Judgement(verdict=verdict, reason=said, evidence=answer["evidence"])


def _never_asked(kind: str, subject: Subject, look: Look) -> Judgement:
    reason = (
        f"{kind} was not asked: status does not ask outside of the database; "
        f"crossfade gate {subject.name} --phase {look.phase} does"
    )
    return Judgement(verdict=Verdict.UNKNOWN, reason=reason)


def _paired(gates: Sequence[PhaseGate], recorded: Any) -> Iterator[tuple[PhaseGate, Mapping[str, Any]]]:
    """Each gate with its recorded answer; none where other gates stood there then, as after an upgrade."""
    if [gate.entry.kind for gate in gates] != [answer["kind"] for answer in recorded]:
        return
    for gate, answer in zip(gates, recorded, strict=True):
        yield gate, answer
        yield from _paired(gate.parts, answer.get("gates", ()))
