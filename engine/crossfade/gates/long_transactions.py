"""The gate `long_transactions`: no transaction is open for long, in any database of the server.

An open transaction holds locks that the phase's steps wait for, and rows that nobody can clear away. Autovacuum does
not count. Sessions of roles that ours is no member of are seen with pg_read_all_stats only, and those with
track_activities off by nobody; while some are hidden, silence says nothing.
Source: PostgreSQL's documentation, "The Cumulative Statistics System", and pg_prepared_xacts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.gates.queries import query
from crossfade.gates.spans import ago
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import LongTransactions

_MOST_NAMED = 5
_MOST_LISTED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An open transaction; without a pid it is a prepared one."""

    pid: int | None
    name: str
    """Its application_name, or the prepared transaction's."""
    role: str | None
    database: str | None
    since: datetime | None
    """None where we may not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Every open transaction but ours, the longest first."""

    now: datetime
    transactions: tuple[Open, ...]


def observe(
    connection: psycopg.Connection[Any], _subject: Subject, _entry: LongTransactions, look: Look
) -> Observation:
    """Read them as they are now."""
    connection.execute("SELECT pg_catalog.pg_stat_clear_snapshot()")
    with connection.cursor(row_factory=class_row(Open)) as cursor:
        return Observation(now=look.now, transactions=tuple(cursor.execute(query("open_transactions")).fetchall()))


def judge(observation: Observation, entry: LongTransactions) -> Judgement:
    """BLOCKED by one that is old, UNKNOWN while some cannot be seen."""
    o, limit = observation, format_duration(entry.older_than)
    old = [t for t in o.transactions if t.since is not None and o.now - t.since > entry.older_than]
    hidden = [t for t in o.transactions if t.since is None]
    evidence = {"older_than": limit, "transactions": [_as_json(t) for t in old[:_MOST_LISTED]], "hidden": len(hidden)}
    if old:
        more = f" and {len(old) - _MOST_NAMED} more" if len(old) > _MOST_NAMED else ""
        named = "; ".join(_in_words(t, o.now) for t in old[:_MOST_NAMED])
        reason = f"open for longer than {limit}: {named}{more}"
        return Judgement(verdict=Verdict.BLOCKED, reason=reason, evidence=evidence)
    if hidden:
        reason = (
            f"{len(hidden)} session{'s' * (len(hidden) != 1)} cannot be looked into; run: GRANT pg_read_all_stats TO "
            "the role that crossfade uses, and leave track_activities on"
        )
        return Judgement(verdict=Verdict.UNKNOWN, reason=reason, evidence=evidence)
    return Judgement(verdict=Verdict.PASS, reason=f"no transaction is open for longer than {limit}", evidence=evidence)


def _in_words(transaction: Open, now: datetime) -> str:
    t = transaction
    who = "prepared transaction " + t.name if t.pid is None else f"{t.name or '(no application_name)'} (pid {t.pid})"
    begun = f", begun {ago(t.since, now)}" if t.since else ""
    return f"{who} of role {t.role} in {t.database}{begun}"


def _as_json(transaction: Open) -> dict[str, Any]:
    t = transaction
    since = t.since and t.since.isoformat()
    return {"pid": t.pid, "name": t.name, "role": t.role, "database": t.database, "since": since}


def in_words(entry: LongTransactions) -> str:
    """For `explain`."""
    return f"no transaction is open for longer than {format_duration(entry.older_than)}"
