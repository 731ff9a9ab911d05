"""Asking every gate in front of a phase, now: observe, judge, hold, record.

A gate that cannot be asked answers ERROR. Each gate is asked in a transaction of its own (a savepoint in one of the
caller's), so that a statement which fails takes nothing else with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from crossfade.errors import CrossfadeError
from crossfade.gates import combined, hold, overrides
from crossfade.gates.asking import Asking, judge_in_database
from crossfade.gates.kinds import is_guard_kind
from crossfade.gates.phase_gates import PhaseGate, gates_of, leaves
from crossfade.gates.queries import query
from crossfade.gates.recall import recalled
from crossfade.gates.sources.outside import Asked, Heard
from crossfade.gates.subject import Look, Subject
from crossfade.gates.verdict import GateResult, Judgement, PhaseVerdict, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.durations import format_duration
from crossfade.plan.gates import AskedEntry, CombinedEntry, OutsideEntry

Connection = psycopg.Connection[Any]
_LIMIT = "SELECT pg_catalog.set_config('statement_timeout', %s, true)"


def evaluate(connection: Connection, subject: Subject, phase: Phase, *, record: bool = True) -> PhaseVerdict:
    """The gates of a phase as they are now.

    With `record` the evaluation is kept with its evidence (one that is waited for, once a minute while its answer stays
    the same), and the time of `hold` begins, goes on or is broken by it.
    Without, nothing is written: the answer is the same, except that a hold which no recorded look began has not begun.
    """
    look = Look(phase=phase, now=_now(connection), record=record, watch=subject.watch)
    gates = gates_of(subject.plan, phase)
    # What is outside may take minutes; the database is asked afterwards, so that its answers are of now.
    sources, heard = _heard(subject, gates, look)
    look = replace(look, now=_now(connection), heard=sources)
    verdict = _verdict(connection, subject, gates, _Round(connection, subject, look, heard))
    if record:
        keep(connection, subject, verdict)
        _tidy_up(connection)
    return verdict


def _tidy_up(connection: Connection) -> None:
    """Take away what says nothing any more. That this fails is no reason to have no verdict."""
    with suppress(psycopg.Error), connection.transaction():
        connection.execute("SELECT crossfade.compact_legacy_writes(), crossfade.forget_sightings()")


def glance(connection: Connection, subject: Subject, phase: Phase) -> PhaseVerdict:
    """The gates of a phase, for who only wants to see them soon: nothing is written, and nothing outside is asked.

    The latest recorded answers stand in for those of what is outside. Nothing may begin on its word.
    """
    look = Look(phase=phase, now=_now(connection), record=False, watch=subject.watch)
    gates = gates_of(subject.plan, phase)
    heard = recalled(connection, subject, gates, look)
    return _verdict(connection, subject, gates, _Round(connection, subject, look, heard))


def _verdict(connection: Connection, subject: Subject, gates: Iterable[PhaseGate], asked: _Round) -> PhaseVerdict:
    given = overrides.standing(connection, subject, asked.look)
    results = tuple(overrides.applied(asked.result(gate), given) for gate in gates)
    return PhaseVerdict.of(asked.look.phase, results, run=subject.name)


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


def _now(connection: Connection) -> datetime:
    row = connection.execute("SELECT pg_catalog.clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def _heard(
    subject: Subject, gates: Iterable[PhaseGate], look: Look
) -> tuple[tuple[Heard, ...], Mapping[str, Judgement]]:
    """What sources and gates outside of the database say, the gates by key; all are asked side by side."""
    roster, every = subject.plan.apps or {}, tuple(leaves(gates))
    sources = Asked({app: roster[app] for gate in every for app in gate.apps})
    outside = {gate.key: gate.entry for gate in every if isinstance(gate.entry, OutsideEntry)}
    asked = {key: Asking(subject, entry, look) for key, entry in outside.items()}
    return sources.answers(), {key: one.judgement() for key, one in asked.items()}


@dataclass(frozen=True, slots=True)
class _Round:
    """One look at every gate of a phase."""

    connection: Connection
    subject: Subject
    look: Look
    heard: Mapping[str, Judgement]

    def result(self, gate: PhaseGate) -> GateResult:
        """The gate's answer, and those of its parts."""
        parts = tuple(self.result(part) for part in gate.parts)
        try:
            with self.connection.transaction():
                return self._held(gate, self._judgement(gate, parts), parts)
        except (psycopg.Error, CrossfadeError) as error:
            if self.connection.closed:
                raise
            reason = f"{gate.entry.kind} cannot be asked: {str(error).strip()}"
            if isinstance(error, psycopg.errors.QueryCanceled) and isinstance(gate.entry, AskedEntry):
                reason = f"{gate.entry.kind} does not answer within {format_duration(gate.entry.timeout)}"
            evidence = {"error": type(error).__name__, "sqlstate": getattr(error, "sqlstate", None)}
            is_guard = is_guard_kind(gate.entry)
            failed = Judgement(verdict=Verdict.ERROR, reason=reason, evidence=evidence, is_guard=is_guard)
            return self._held(gate, failed, parts)

    def _judgement(self, gate: PhaseGate, parts: tuple[GateResult, ...]) -> Judgement:
        if isinstance(gate.entry, CombinedEntry):
            return combined.judge(parts, gate.entry)
        heard = self.heard.get(gate.key)
        if heard is not None:
            return heard
        if not isinstance(gate.entry, AskedEntry):
            return judge_in_database(self.connection, self.subject, gate.entry, self.look)
        before = self.connection.execute("SELECT pg_catalog.current_setting('statement_timeout')").fetchone()
        assert before is not None
        self.connection.execute(_LIMIT, [f"{round(gate.entry.timeout / timedelta(milliseconds=1))}ms"])
        judgement = judge_in_database(self.connection, self.subject, gate.entry, self.look)
        # The transaction may be the caller's.
        self.connection.execute(_LIMIT, [before[0]])
        return judgement

    def _held(self, gate: PhaseGate, judgement: Judgement, parts: tuple[GateResult, ...]) -> GateResult:
        run_id, kind = self.subject.run_id, gate.entry.kind
        kept = hold.read(self.connection, run_id, self.look.phase, gate.key)
        held = hold.hold_for(judgement, kind=kind, kept=kept, look=self.look, hold=gate.hold, answering=gate.answering)
        if self.look.record:
            hold.keep(self.connection, run_id, self.look, gate.key, held.since)
        return GateResult(
            kind=kind,
            verdict=held.verdict,
            mode=gate.entry.mode,
            reason=held.reason,
            evidence=judgement.evidence,
            checked_at=self.look.now,
            passing_since=held.since,
            hold_until=held.until,
            holding=held.is_waiting,
            remembers=judgement.remembers,
            is_guard=judgement.is_guard or is_guard_kind(gate.entry),
            parts=parts,
        )
