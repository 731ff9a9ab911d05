"""One look through every sensor that is on, over one connection that is used for nothing else.

A sensor that fails answers that it cannot be read; only a lost connection is the caller's. Which sensors are on follows
from the limits, which may be exchanged at any time; one that the server has no use for (no replicas, no archive) finds
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

from crossfade.backfill.sensors import (
    active_sessions,
    archive,
    blocked,
    brake,
    checkpoints,
    dead_rows,
    http,
    old_snapshots,
    replica_lag,
    scalar,
    slots,
)
from crossfade.backfill.sensors.reading import Reading, Sensor
from crossfade.postgres.connect import is_loss

if TYPE_CHECKING:
    from crossfade.plan.throttles import Throttles
    from crossfade.postgres.names import QualifiedName

Connection: TypeAlias = psycopg.Connection[Any]
_Look: TypeAlias = Callable[[Connection], Reading]

BEGIN = 1.0
"""Waiting begins beyond the limit …"""
GO_ON = 0.8
"""… and ends below this share of it."""
_TIMEOUTS = {"statement_timeout": "1s", "lock_timeout": "500ms"}


class Sampler:
    """The sensors of one backfill, for one thread. `limits` and `relations` may be replaced at any time, by any."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        limits: Throttles,
        relations: Collection[QualifiedName],
        own_pids: Callable[[], Collection[int]],
    ) -> None:
        """`relations` are those that rows are written to; `own_pids` gives the process ids of our sessions."""
        self.limits = limits
        self.relations = relations
        self._connect = connect
        self._own_pids = own_pids
        self._counts = checkpoints.Observation()
        self._asker = http.Asker()

    def connect(self) -> Connection:
        """A connection for `sample`: one of the factory's, on which no statement takes longer than a second."""
        connection = self._connect()
        for name, value in _TIMEOUTS.items():
            connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", [name, value])
        return connection

    def sample(self, connection: Connection) -> dict[Sensor, Reading]:
        """What each sensor that is on says now. Raises psycopg.OperationalError if the connection is lost."""
        readings = {}
        for sensor, look in self._looks(self.limits):
            try:
                readings[sensor] = look(connection)
            except psycopg.Error as error:
                if is_loss(error) or connection.closed:
                    raise
                readings[sensor] = Reading.unreadable(sensor, str(error).strip().partition("\n")[0])
        return readings

    def _looks(self, limits: Throttles) -> Iterator[tuple[Sensor, _Look]]:
        """The sensors that are on, with how to read each."""
        yield Sensor.BRAKE, _brake
        if (url := limits.throttle_http) is not None:
            yield Sensor.HTTP, lambda _: _plain(http.judge(self._asker.ask(url)))
        if (statement := limits.throttle_sql) is not None:
            yield Sensor.SQL, lambda c: _plain(scalar.judge(scalar.observe(c, statement)))
        if (wait := limits.max_blocked) is not None:
            yield Sensor.BLOCKED, lambda c: _blocked(blocked.observe(c, self._own_pids()), wait)
        if limits.max_replica_lag is not None or limits.max_replica_bytes is not None:
            yield Sensor.REPLICA_LAG, lambda c: _replicas(replica_lag.observe(c), limits)
        yield from self._looks_at_the_server(limits)
        yield from self._looks_at_the_tables(limits)

    def _looks_at_the_server(self, limits: Throttles) -> Iterator[tuple[Sensor, _Look]]:
        if (retention := limits.max_slot_retention) is not None:
            yield Sensor.SLOTS, lambda c: _judged(slots.judge, slots.observe(c), retention)
        if (backlog := limits.max_archive_backlog) is not None:
            yield Sensor.ARCHIVE, lambda c: _judged(archive.judge, archive.observe(c), backlog)
        if (active := limits.max_active_sessions) is not None:
            yield (
                Sensor.ACTIVE_SESSIONS,
                lambda c: _judged(active_sessions.judge, active_sessions.observe(c, self._own_pids()), active),
            )
        if (requested := limits.max_checkpoints) is not None:
            yield Sensor.CHECKPOINTS, lambda c: self._checkpoints(c, requested)

    def _looks_at_the_tables(self, limits: Throttles) -> Iterator[tuple[Sensor, _Look]]:
        @cache  # one query serves both
        def dead(connection: Connection) -> dead_rows.Observation:
            return dead_rows.observe(connection, self.relations)

        if (age := limits.max_xmin_age) is not None:
            yield (
                Sensor.OLD_SNAPSHOTS,
                lambda c: _judged(old_snapshots.judge, old_snapshots.observe(c, dead(c), self._own_pids()), age),
            )
        if (share := limits.max_dead_rows) is not None:
            yield Sensor.DEAD_ROWS, lambda c: _dead_rows(dead(c), share)

    def _checkpoints(self, connection: Connection, limit: int) -> Reading:
        self._counts = checkpoints.observe(connection, self._counts)
        return _judged(checkpoints.judge, self._counts, limit)


def _replicas(seen: replica_lag.Observation, limits: Throttles) -> Reading:
    lag, behind = limits.max_replica_lag, limits.max_replica_bytes
    return Reading(over=replica_lag.judge(seen, lag, behind, BEGIN), near=replica_lag.judge(seen, lag, behind, GO_ON))


def _brake(connection: Connection) -> Reading:
    seen = brake.observe(connection)
    return _plain(brake.judge(seen) if seen else None)


def _blocked(seen: blocked.Observation, limit: Any) -> Reading:
    return Reading(
        over=blocked.judge(seen, limit, BEGIN),
        near=blocked.judge(seen, limit, GO_ON),
        blockers=blocked.blockers(seen, limit),
    )


def _dead_rows(seen: dead_rows.Observation, limit: int) -> Reading:
    reading, worst = _judged(dead_rows.judge, seen, limit), dead_rows.worst(seen)
    wants_one = reading.over is not None and worst is not None and not worst.is_vacuumed
    return replace(reading, relation=worst.full_name) if wants_one and worst is not None else reading


def _judged(judge: Callable[[Any, Any, float], str | None], seen: Any, limit: Any) -> Reading:
    """A sensor with one limit; no observation is nothing to wait for."""
    if seen is None:
        return Reading()
    return Reading(over=judge(seen, limit, BEGIN), near=judge(seen, limit, GO_ON))


def _plain(reason: str | None) -> Reading:
    """A sensor that says yes or no."""
    return Reading(over=reason, near=reason)
