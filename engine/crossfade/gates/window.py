"""The gate `window`: it is a time at which the phase may begin, by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossfade.gates.spans import moment
from crossfade.gates.verdict import Judgement, Verdict

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import OpenWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The time."""

    now: datetime


def observe(_connection: psycopg.Connection[Any], _subject: Subject, _entry: OpenWindow, look: Look) -> Observation:
    """The look has it already."""
    return Observation(now=look.now)


def judge(observation: Observation, entry: OpenWindow) -> Judgement:
    """PASS while it is open."""
    hours, now = entry.hours, observation.now
    closed = hours.closed_because(now)
    change = hours.closes_after(now) if closed is None else hours.opens_after(now)
    evidence = {"now": now.isoformat(), "closes" if closed is None else "opens": change and change.isoformat()}
    if closed is not None:
        return Judgement(verdict=Verdict.BLOCKED, reason=closed, evidence=evidence)
    until = f" until {moment(change)}" if change else ""
    return Judgement(verdict=Verdict.PASS, reason=f"the window is open{until}", evidence=evidence)


def in_words(entry: OpenWindow) -> str:
    """For `explain`."""
    within = f"within {' or '.join(map(str, entry.open))}" if entry.open else ""
    without = f"not within {' or '.join(map(str, entry.freeze))}" if entry.freeze else ""
    return "it is " + ", ".join(w for w in (within, without) if w)
