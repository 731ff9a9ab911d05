"""The sensor of checkpoints that came before their time, because so much WAL was written or somebody asked for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.backfill.sensors import words
from crossfade.plan.words import counted

if TYPE_CHECKING:
    import psycopg

MINUTE = 60.0
_SINCE_17 = (
    "SELECT num_requested, extract(epoch FROM pg_catalog.clock_timestamp()) FROM pg_catalog.pg_stat_checkpointer"
)
_BEFORE_17 = "SELECT checkpoints_req, extract(epoch FROM pg_catalog.clock_timestamp()) FROM pg_catalog.pg_stat_bgwriter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The server's counter of requested checkpoints at one moment."""

    requested: int
    at: float
    """Seconds of the server's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The counts of the last minute, the oldest first, the last one just taken."""

    counts: tuple[Count, ...] = ()


def observe(connection: psycopg.Connection[Any], earlier: Observation) -> Observation:
    """One more count, behind those of the last minute."""
    since_17 = connection.info.server_version >= 170000
    row = connection.execute(_SINCE_17 if since_17 else _BEFORE_17).fetchone()
    assert row is not None
    return after(earlier, Count(requested=row[0], at=float(row[1])))


def after(earlier: Observation, now: Count) -> Observation:
    """The counts with one more; those of more than a minute ago, and those before the counter was set back, go."""
    kept = (c for c in earlier.counts if now.at - MINUTE <= c.at <= now.at and c.requested <= now.requested)
    return Observation(counts=(*kept, now))


def judge(observation: Observation, limit: int, factor: float = 1.0) -> str | None:
    """Whether more were requested in the last minute than the limit."""
    if not observation.counts:
        return None
    requested = observation.counts[-1].requested - observation.counts[0].requested
    if requested <= limit * factor:
        return None
    limited = words.more_than(f"{limit * factor:g}", factor)
    return f"{counted(requested, 'checkpoint')} requested in the last minute, {limited}"
