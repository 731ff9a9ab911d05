"""The sensor of replicas that fall behind, by time and by bytes of WAL.

A replica that has replayed everything is not late, whatever lag was measured last; one that is still catching up is
behind by an unknown time. Logical subscribers are left out: many confirm only now and then what they have long
received. What they hold back is the business of `slots`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.backfill.sensors import words
from crossfade.backfill.sensors.queries import query
from crossfade.backfill.sensors.reading import Sensor

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One replica that is connected."""

    name: str
    state: str | None
    """`streaming` or `catchup`; None where this role may not see it."""
    lag: timedelta | None
    behind: int | None
    """Bytes of WAL that are written and not replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Every replica."""

    replicas: tuple[Replica, ...]


def observe(connection: psycopg.Connection[Any]) -> Observation:
    """The replicas as the primary knows them."""
    with connection.cursor(row_factory=class_row(Replica)) as cursor:
        return Observation(replicas=tuple(cursor.execute(query("replica_lag")).fetchall()))


def judge(
    observation: Observation, max_lag: timedelta | None, max_bytes: int | None, factor: float = 1.0
) -> str | None:
    """Which replica is behind by more than a limit; the worst, where there are several."""
    if any(r.state is None for r in observation.replicas):
        return f"{Sensor.REPLICA_LAG} cannot be read: {words.NEEDS_PG_MONITOR}"
    catching_up = max((r for r in observation.replicas if r.state == "catchup"), key=_bytes, default=None)
    if catching_up is not None:
        return f"replica {catching_up.name} is catching up, {words.size(_bytes(catching_up))} behind"
    slowest = max(observation.replicas, key=_lag, default=None)
    if slowest is not None and max_lag is not None and _lag(slowest) > max_lag * factor:
        limit = words.more_than(words.duration(max_lag * factor), factor)
        return f"replica {slowest.name} is {words.duration(_lag(slowest))} behind, {limit}"
    farthest = max(observation.replicas, key=_bytes, default=None)
    if farthest is not None and max_bytes is not None and _bytes(farthest) > max_bytes * factor:
        limit = words.more_than(words.size(max_bytes * factor), factor)
        return f"replica {farthest.name} is {words.size(_bytes(farthest))} of WAL behind, {limit}"
    return None


def _lag(replica: Replica) -> timedelta:
    # The server keeps the last lag that it measured until the replica reports again, which is up to 10 s later.
    return (replica.lag if replica.behind else None) or timedelta(0)


def _bytes(replica: Replica) -> int:
    return replica.behind or 0
