"""`hold`: a gate has to pass for a while without a break, on the database's clock.

Since when it passes is kept in crossfade.passing. Whatever else than PASS a look finds starts the time again, and so
does evidence of what happened between two looks. While a run was `retained` no write was noted, so a time from before
a revert is void.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crossfade.gates.queries import query
from crossfade.gates.spans import moment
from crossfade.gates.verdict import Verdict
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.verdict import Judgement
    from crossfade.operations.step import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A judgement after `hold` was asked for."""

    verdict: Verdict
    reason: str
    since: datetime | None = None
    """Since when the gate passes; None breaks the time that was kept."""
    until: datetime | None = None
    """When it will have passed for long enough, if nothing happens before."""


def hold_for(
    judgement: Judgement, *, kind: str, kept_since: datetime | None, now: datetime, hold: timedelta, record: bool
) -> Held:
    """Ask of a judgement that it has been PASS for `hold`; `kept_since` is what an earlier look left."""
    passes = judgement.verdict is Verdict.PASS
    if not passes and judgement.clear_since is None:
        return Held(verdict=judgement.verdict, reason=judgement.reason)
    since = max(t for t in (kept_since or now, judgement.clear_since) if t)
    until = since + hold
    if not passes:
        return Held(verdict=judgement.verdict, reason=judgement.reason, since=since, until=until)
    if now >= until:
        return Held(verdict=Verdict.PASS, reason=judgement.reason, since=since)
    if kept_since is None and not record:
        reason = f"{kind} has to hold for {format_duration(hold)}, from the first crossfade gate or contract on"
        return Held(verdict=Verdict.BLOCKED, reason=reason)
    reason = f"{kind} holds since {moment(since)}, and has to for {format_duration(hold)}: until {moment(until)}"
    return Held(verdict=Verdict.BLOCKED, reason=reason, since=since, until=until)


def read_since(connection: psycopg.Connection[Any], run_id: int, phase: Phase, key: str) -> datetime | None:
    """Since when the gate has passed at every look."""
    row = connection.execute(query("read_passing"), {"run_id": run_id, "phase": phase.value, "gate": key}).fetchone()
    return row[0] if row else None


def keep_since(
    connection: psycopg.Connection[Any], run_id: int, phase: Phase, key: str, since: datetime | None
) -> None:
    """Remember it for the next look; None forgets it."""
    if since is None:
        connection.execute(
            "DELETE FROM crossfade.passing WHERE run_id = %s AND phase = %s AND gate = %s", [run_id, phase.value, key]
        )
    else:
        connection.execute(
            "INSERT INTO crossfade.passing (run_id, phase, gate, since) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (run_id, phase, gate) DO UPDATE SET since = excluded.since",
            [run_id, phase.value, key, since],
        )
