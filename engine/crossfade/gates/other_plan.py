"""The gate `plan`: another run has come to a state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.gates.verdict import Judgement, Verdict

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import OtherPlan

_WAY = (
    "planned",
    "expanding",
    "expanded",
    "backfilling",
    "backfilled",
    "contracting",
    "retained",
    "dropping",
    "contracted",
)
"""The states of a run that nothing turns back, in order; in any other state it has reached none of them."""
_LATEST = "SELECT state FROM crossfade.runs WHERE name = %s ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Where the latest run of that name is; None where there is none."""

    state: str | None


def observe(connection: psycopg.Connection[Any], _subject: Subject, entry: OtherPlan, _look: Look) -> Observation:
    """Read it from the ledger."""
    row = connection.execute(_LATEST, [entry.name]).fetchone()
    return Observation(state=row[0] if row else None)


def judge(observation: Observation, entry: OtherPlan) -> Judgement:
    """PASS if it is there, or past it."""
    state = observation.state
    evidence = {"run": entry.name, "state": state, "wanted": entry.state}
    if state is None:
        return Judgement(verdict=Verdict.UNKNOWN, reason=f"there is no run {entry.name}", evidence=evidence)
    has_reached = state in _WAY and _WAY.index(state) >= _WAY.index(entry.state)
    reason = f"run {entry.name} is {state}" + ("" if has_reached else f", and has to be {entry.state}")
    return Judgement(verdict=Verdict.PASS if has_reached else Verdict.BLOCKED, reason=reason, evidence=evidence)


def in_words(entry: OtherPlan) -> str:
    """For `explain`."""
    past = "" if entry.state == "contracted" else " or past it"
    return f"run {entry.name} is {entry.state}{past}"
