"""One look at the gates of a phase: each is judged, held for its time, and what is kept of that is written.

Each is asked in a transaction of its own (a savepoint in one of the caller's), so that a statement which fails takes
nothing else with it. One that cannot be asked answers ERROR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg

from crossfade.errors import CrossfadeError
from crossfade.gates import combined, hold
from crossfade.gates.asking import judge_in_database
from crossfade.gates.kinds import is_guard_kind
from crossfade.gates.phase_gates import PhaseGate
from crossfade.gates.subject import Look, Subject
from crossfade.gates.verdict import GateResult, Judgement, Verdict
from crossfade.plan.durations import format_duration
from crossfade.plan.gates import AskedEntry, CombinedEntry

Connection = psycopg.Connection[Any]
_LIMIT = "SELECT pg_catalog.set_config('statement_timeout', %s, true)"


@dataclass(frozen=True, slots=True)
class Round:
    """One look at every gate of a phase."""

    connection: Connection
    subject: Subject
    look: Look
    heard: Mapping[str, Judgement]
    """What gates outside of the database say, by key."""

    def later(self, took: timedelta) -> Round:
        """The same after other gates took so long to answer."""
        look = self.look
        return replace(self, look=replace(look, now=look.now + took, asking=look.asking + took))

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
        held = hold.hold_for(judgement, kind=kind, kept=kept, look=self.look, hold=gate.hold)
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
