"""Asking every gate in front of a phase, now: what is outside of the database first, then the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from crossfade.gates import overrides
from crossfade.gates.asking import Asking
from crossfade.gates.phase_gates import PhaseGate, gates_of, leaves
from crossfade.gates.queries import query
from crossfade.gates.recall import recalled
from crossfade.gates.round import Round
from crossfade.gates.sources.outside import Asked, Heard
from crossfade.gates.subject import Look, Subject
from crossfade.gates.verdict import GateResult, Judgement, Override, PhaseVerdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import OutsideEntry
from crossfade.postgres.clock import database_now

Connection = psycopg.Connection[Any]
_GRACE = timedelta(seconds=2)
"""Over the time-outs of what is outside: ending a process, or looking up a name, may take longer than that."""
_FRESH = timedelta(seconds=1)
"""How old the answers of quick gates may be once the slow ones have answered."""


def evaluate(
    connection: Connection, subject: Subject, phase: Phase, *, record: bool = True, before: PhaseVerdict | None = None
) -> PhaseVerdict:
    """The gates of a phase as they are now.

    With `record` the evaluation is kept with its evidence (one that is waited for, once a minute while its answer stays
    the same), and the time of `hold` begins, goes on or is broken by it.
    Without, nothing is written: the answer is the same, except that a hold which no recorded look began has not begun.
    `before` is what the same command was answered a moment ago: a gate that may take long is not asked again as long as
    another one holds the phase back.
    """
    look = Look(phase=phase, now=database_now(connection), record=record, watch=subject.watch)
    gates = gates_of(subject.plan, phase)
    # What is outside may take minutes; the database is asked afterwards, so that its answers are of now.
    sources, heard = _heard(subject, gates, look)
    now = database_now(connection)
    longest = max((gate.answering for gate in gates), default=timedelta())
    look = replace(look, now=now, heard=sources, asking=min(now - look.now, longest + _GRACE))
    given = overrides.standing(connection, subject, look)
    results = _results(Round(connection, subject, look, heard), gates, given, before)
    verdict = PhaseVerdict.of(phase, results, run=subject.name, answered_at=database_now(connection))
    if record:
        keep(connection, subject, verdict)
        _tidy_up(connection)
    return verdict


def _results(
    asked: Round, gates: tuple[PhaseGate, ...], given: Mapping[str, Override], before: PhaseVerdict | None
) -> tuple[GateResult, ...]:
    """Those that may take long last; what the others said is too old after that, so they are asked once more."""

    def answer(one: Round, gate: PhaseGate) -> GateResult:
        return overrides.applied(one.result(gate), given)

    found = {n: answer(asked, gate) for n, gate in enumerate(gates) if not gate.is_slow}
    slow = {n: gate for n, gate in enumerate(gates) if gate.is_slow}
    if before is not None and any(result.holds_back for result in found.values()):
        return tuple(found.get(n, before.gates[n]) for n in range(len(gates)))
    found |= {n: answer(asked, gate) for n, gate in slow.items()}
    took = database_now(asked.connection) - asked.look.now if slow else timedelta()
    if took > _FRESH:
        again = asked.later(took)
        found |= {n: answer(again, gate) for n, gate in enumerate(gates) if n not in slow}
    return tuple(found[n] for n in range(len(gates)))


def _tidy_up(connection: Connection) -> None:
    """Take away what says nothing any more. That this fails is no reason to have no verdict."""
    with suppress(psycopg.Error), connection.transaction():
        connection.execute("SELECT crossfade.compact_legacy_writes(), crossfade.forget_sightings()")


def glance(connection: Connection, subject: Subject, phase: Phase) -> PhaseVerdict:
    """The gates of a phase, for who only wants to see them soon: nothing is written, and nothing outside is asked.

    The latest recorded answers stand in for those of what is outside. Nothing may begin on its word.
    """
    look = Look(phase=phase, now=database_now(connection), record=False, watch=subject.watch)
    gates = gates_of(subject.plan, phase)
    given = overrides.standing(connection, subject, look)
    asked = Round(connection, subject, look, recalled(connection, subject, gates, look))
    results = tuple(overrides.applied(asked.result(gate), given) for gate in gates)
    return PhaseVerdict.of(phase, results, run=subject.name, answered_at=look.now)


def keep(connection: Connection, subject: Subject, verdict: PhaseVerdict, *, step: str | None = None) -> None:
    """Write an evaluation into the ledger; with `step`, as the one on whose word that step runs.

    Raises psycopg.Error.
    """
    parameters = {
        "run_id": subject.run_id,
        "phase": verdict.phase.value,
        "verdict": verdict.verdict.value,
        "gates": Jsonb(verdict.as_json()["gates"]),
        "step": step,
    }
    connection.execute(query("record_evaluation"), parameters)


def _heard(
    subject: Subject, gates: Iterable[PhaseGate], look: Look
) -> tuple[tuple[Heard, ...], Mapping[str, Judgement]]:
    """What sources and gates outside of the database say, the gates by key; all are asked side by side."""
    roster, every = subject.plan.apps or {}, tuple(leaves(gates))
    sources = Asked({app: roster[app] for gate in every for app in gate.apps})
    outside = {gate.key: gate.entry for gate in every if isinstance(gate.entry, OutsideEntry)}
    asked = {key: Asking(subject, entry, look) for key, entry in outside.items()}
    return sources.answers(), {key: one.judgement() for key, one in asked.items()}
