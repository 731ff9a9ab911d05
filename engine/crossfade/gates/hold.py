"""`hold`: a gate has to pass for a while without a break, on the database's clock.

Since when it passes, and when that was seen last, is kept in crossfade.passing. Whatever else than PASS a look finds
starts the time again, and so does evidence of what happened between two looks. Where such evidence leaves no trace, a
time in which nobody looked starts it again, too: a few seconds of the same command, which looks every second unless it
was stopped, and a minute between two commands. While a run was `retained` no write was noted, so a time from before a
revert is void.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.gates.queries import query
from crossfade.gates.spans import moment
from crossfade.gates.verdict import Verdict
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look
    from crossfade.gates.verdict import Judgement
    from crossfade.operations.step import Phase


LONGEST_BLINK = timedelta(seconds=5)
"""How long one command may not have looked."""
LONGEST_ABSENCE = timedelta(minutes=1)
"""How long no command may have looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an earlier look left."""

    since: datetime
    seen_at: datetime
    """When it was seen to pass last."""
    watch: str
    """By whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A judgement after `hold` was asked for."""

    verdict: Verdict
    reason: str
    since: datetime | None = None
    """Since when the gate passes; None breaks the time that was kept."""
    until: datetime | None = None
    """When it will have passed for long enough, if nothing happens before."""
    is_waiting: bool = False
    """Nothing but time is missing."""


def hold_for(judgement: Judgement, *, kind: str, kept: Kept | None, look: Look, hold: timedelta) -> Held:
    """Ask of a judgement that it has been PASS for `hold`; `kept` is what an earlier look left."""
    passes = judgement.verdict is Verdict.PASS
    if not passes and judgement.clear_since is None:
        return Held(
            verdict=judgement.verdict, reason=judgement.reason, until=judgement.until, is_waiting=bool(judgement.until)
        )
    kept_since = _unbroken_since(kept, judgement, look)
    since = max(t for t in (kept_since or look.now, judgement.clear_since) if t)
    until = since + hold
    if not passes:
        return Held(verdict=judgement.verdict, reason=judgement.reason, since=since, until=until)
    if look.now >= until:
        return Held(verdict=Verdict.PASS, reason=judgement.reason, since=since)
    if kept_since is None and not look.record:
        reason = f"{kind} has to hold for {format_duration(hold)}, from the first crossfade gate or contract on"
        return Held(verdict=Verdict.BLOCKED, reason=reason, is_waiting=True)
    unseen = ""
    if kept is not None and kept_since is None:
        unseen = f"; nobody looked from {moment(kept.seen_at)} on, so the time begins anew"
    reason = (
        f"{kind} holds since {moment(since)}, and has to for {format_duration(hold)}: until {moment(until)}{unseen}"
    )
    return Held(verdict=Verdict.BLOCKED, reason=reason, since=since, until=until, is_waiting=True)


def _unbroken_since(kept: Kept | None, judgement: Judgement, look: Look) -> datetime | None:
    """Since when nothing can have broken the time that was kept."""
    if kept is None:
        return None
    if judgement.remembers:
        return kept.since
    longest = LONGEST_BLINK if kept.watch == look.watch else LONGEST_ABSENCE
    return kept.since if look.now - kept.seen_at <= longest + look.asking else None


def read(connection: psycopg.Connection[Any], run_id: int, phase: Phase, key: str) -> Kept | None:
    """What the looks before have left."""
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        found = {"run_id": run_id, "phase": phase.value, "gate": key}
        return cursor.execute(query("read_passing"), found).fetchone()


def keep(connection: psycopg.Connection[Any], run_id: int, look: Look, key: str, since: datetime | None) -> None:
    """Remember for the next look since when it passes; None forgets it."""
    which = {"run_id": run_id, "phase": look.phase.value, "gate": key}
    if since is None:
        connection.execute(query("forget_passing"), which)
    else:
        connection.execute(query("keep_passing"), {**which, "since": since, "seen_at": look.now, "watch": look.watch})
