"""The gate `soak`: the run has rested in a state for a while, by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossfade.gates.spans import moment
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import Rested, Soak

_BEFORE: dict[Phase, Rested] = {
    Phase.EXPAND: "planned",
    Phase.BACKFILL: "expanded",
    Phase.CONTRACT: "backfilled",
}
"""The state that a phase begins from."""
_REACHED = (
    "SELECT pg_catalog.max(at) FROM crossfade.events"
    " WHERE run_id = %s AND kind = 'state_changed' AND data ->> 'target' = %s::pg_catalog.text"
    " AND data ->> 'source' <> 'contracting'"
)
"""That contract was called off before anything was hidden does not begin the time anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Since when the run is in the state, or past it."""

    now: datetime
    state: str
    since: datetime | None


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: Soak, look: Look) -> Observation:
    """When the run came to the state for the last time."""
    state = entry.since or _BEFORE[look.phase]
    if state == "planned":
        return Observation(now=look.now, state=state, since=subject.created_at)
    row = connection.execute(_REACHED, [subject.run_id, state]).fetchone()
    return Observation(now=look.now, state=state, since=row[0] if row else None)


def judge(observation: Observation, entry: Soak) -> Judgement:
    """PASS once it has been there for long enough."""
    o, wanted = observation, format_duration(entry.for_)
    evidence = {"state": o.state, "since": o.since and o.since.isoformat(), "for": wanted}
    if o.since is None:
        return Judgement(verdict=Verdict.BLOCKED, reason=f"the run has not been {o.state} yet", evidence=evidence)
    until = o.since + entry.for_
    if o.now < until:
        reason = f"{o.state} since {moment(o.since)}, and has to be for {wanted}: until {moment(until)}"
        return Judgement(verdict=Verdict.BLOCKED, reason=reason, evidence=evidence)
    return Judgement(verdict=Verdict.PASS, reason=f"{o.state} since {moment(o.since)}", evidence=evidence)


def in_words(entry: Soak) -> str:
    """For `explain`."""
    state = entry.since or "in the state that the phase begins from"
    return f"the run has been {state} for {format_duration(entry.for_)}"
