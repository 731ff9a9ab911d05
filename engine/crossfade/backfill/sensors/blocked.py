"""The sensor of sessions that wait for a lock which a batch of ours holds; needs no rights.

A wait that began this very moment has no start yet, and counts as none. Who waits in a queue behind the one that waits
for us is not named: the first of the queue is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.backfill.sensors import words
from crossfade.backfill.sensors.queries import query

if TYPE_CHECKING:
    from collections.abc import Collection

    import psycopg


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """One session that waits for ours."""

    pid: int
    application: str | None
    waited: timedelta | None
    blockers: list[int]
    """Process ids of our sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everybody who waits for ours."""

    waiters: tuple[Waiter, ...]


def observe(connection: psycopg.Connection[Any], own: Collection[int]) -> Observation:
    """Who waits for the sessions with these process ids."""
    if not own:
        return Observation(waiters=())
    with connection.cursor(row_factory=class_row(Waiter)) as cursor:
        return Observation(waiters=tuple(cursor.execute(query("blocked"), {"own": list(own)}).fetchall()))


def judge(observation: Observation, limit: timedelta, factor: float = 1.0) -> str | None:
    """Who has waited for longer than the limit; the longest, where there are several."""
    longest = max(observation.waiters, key=_waited, default=None)
    if longest is None or _waited(longest) <= limit * factor:
        return None
    name = f" ({longest.application})" if longest.application else ""
    others = len(observation.waiters) - 1
    return (
        f"session {longest.pid}{name} has waited {words.duration(_waited(longest))} for a batch, "
        f"{words.more_than(words.duration(limit * factor), factor)}{f'; {others} more wait' if others else ''}"
    )


def blockers(observation: Observation, limit: timedelta) -> tuple[int, ...]:
    """Which sessions of ours have held somebody up for longer than the limit, by process id."""
    return tuple(sorted({pid for w in observation.waiters if _waited(w) > limit for pid in w.blockers}))


def _waited(waiter: Waiter) -> timedelta:
    return waiter.waited or timedelta(0)
