"""Asking every gate in front of a phase, now: observe, judge, hold, record.

A gate that cannot be asked answers ERROR. Each gate is asked in a transaction of its own (a savepoint in one of the
caller's), so that a statement which fails takes nothing else with it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from crossfade.errors import CrossfadeError
from crossfade.gates import hold
from crossfade.gates.asking import Asking, judge_in_database
from crossfade.gates.phase_gates import PhaseGate, gates_of
from crossfade.gates.queries import query
from crossfade.gates.subject import Look, Subject
from crossfade.gates.verdict import GateResult, Judgement, PhaseVerdict, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import OutsideEntry

Connection = psycopg.Connection[Any]


def evaluate(connection: Connection, subject: Subject, phase: Phase, *, record: bool = True) -> PhaseVerdict:
    """The gates of a phase as they are now.

    With `record` the evaluation is kept with its evidence (one that is waited for, once a minute while its answer stays
    the same), and the time of `hold` begins, goes on or is broken by it.
    Without, nothing is written: the answer is the same, except that a hold which no recorded look began has not begun.
    """
    look = Look(phase=phase, now=_now(connection), record=record)
    gates = gates_of(subject.plan, phase)
    asked = {n: Asking(subject, g.entry, look) for n, g in enumerate(gates) if isinstance(g.entry, OutsideEntry)}
    heard = {n: one.judgement() for n, one in asked.items()}
    # What is outside may take minutes; the database is asked afterwards, so that its answers are of now.
    look = replace(look, now=_now(connection)) if asked else look
    results = tuple(_ask(connection, subject, gate, look, heard.get(n)) for n, gate in enumerate(gates))
    verdict = PhaseVerdict.of(phase, results, run=subject.name)
    if record:
        parameters = {
            "run_id": subject.run_id,
            "phase": phase.value,
            "verdict": verdict.verdict.value,
            "gates": Jsonb(verdict.as_json()["gates"]),
        }
        connection.execute(query("record_evaluation"), parameters)
        connection.execute("SELECT crossfade.compact_legacy_writes()")
    return verdict


def _now(connection: Connection) -> datetime:
    row = connection.execute("SELECT pg_catalog.clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def _ask(connection: Connection, subject: Subject, gate: PhaseGate, look: Look, heard: Judgement | None) -> GateResult:
    try:
        with connection.transaction():
            judgement = heard or judge_in_database(connection, subject, gate.entry, look)
            return _held(connection, subject, gate, look, judgement)
    except (psycopg.Error, CrossfadeError) as error:
        if connection.closed:
            raise
        reason = f"{gate.entry.kind} cannot be asked: {str(error).strip()}"
        evidence = {"error": type(error).__name__, "sqlstate": getattr(error, "sqlstate", None)}
        failed = Judgement(verdict=Verdict.ERROR, reason=reason, evidence=evidence)
        return _held(connection, subject, gate, look, failed)


def _held(connection: Connection, subject: Subject, gate: PhaseGate, look: Look, judgement: Judgement) -> GateResult:
    kept_since = hold.read_since(connection, subject.run_id, look.phase, gate.key)
    held = hold.hold_for(
        judgement, kind=gate.entry.kind, kept_since=kept_since, now=look.now, hold=gate.hold, record=look.record
    )
    if look.record:
        hold.keep_since(connection, subject.run_id, look.phase, gate.key, held.since)
    return GateResult(
        kind=gate.entry.kind,
        verdict=held.verdict,
        mode=gate.entry.mode,
        reason=held.reason,
        evidence=judgement.evidence,
        checked_at=look.now,
        passing_since=held.since,
        hold_until=held.until,
        holding=judgement.verdict is Verdict.PASS and held.verdict is not Verdict.PASS,
    )
