"""What one round of the sensors gives: for each that is on, why to wait, or that there is no reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.postgres.names import QualifiedName


class Sensor(StrEnum):
    """Every sensor, in the order in which a reason is chosen where there are several."""

    BRAKE = "brake"
    HTTP = "throttle_http"
    SQL = "throttle_sql"
    BLOCKED = "blocked sessions"
    REPLICA_LAG = "replica lag"
    SLOTS = "replication slots"
    ARCHIVE = "WAL archive"
    ACTIVE_SESSIONS = "active sessions"
    OLD_SNAPSHOTS = "old snapshots"
    DEAD_ROWS = "dead rows"
    CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One sensor's answer."""

    over: str | None = None
    """Why to begin to wait: the limit and what was measured, in words."""
    near: str | None = None
    """Why not to go on yet: what was measured is still too near the limit. Set wherever `over` is."""
    relation: QualifiedName | None = None
    """The relation that has to be vacuumed before batches go on."""
    blockers: tuple[int, ...] = ()
    """Process ids of our sessions that somebody has waited for longer than the limit."""

    @classmethod
    def unreadable(cls, sensor: Sensor, why: str) -> Reading:
        """The answer of a sensor that failed: what cannot be seen cannot be assumed to be well."""
        reason = f"{sensor} cannot be read: {why}"
        return cls(over=reason, near=reason)
