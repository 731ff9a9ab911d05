"""The sensor of the server's load: how many sessions of others are at work just now, in all of its databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.backfill.sensors import words
from crossfade.backfill.sensors.queries import query
from crossfade.backfill.sensors.reading import Sensor
from crossfade.plan.words import counted

if TYPE_CHECKING:
    from collections.abc import Collection

    import psycopg


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Sessions of others."""

    active: int
    hidden: int
    """Those of which this role may not see whether they are at work."""


def observe(connection: psycopg.Connection[Any], own: Collection[int]) -> Observation:
    """Count them, without this session and those with these process ids."""
    with connection.cursor(row_factory=class_row(Observation)) as cursor:
        counted = cursor.execute(query("active_sessions"), {"own": list(own)}).fetchone()
    assert counted is not None
    return counted


def judge(observation: Observation, limit: int, factor: float = 1.0) -> str | None:
    """Whether more are at work than the limit."""
    if observation.active > limit * factor:
        active = counted(observation.active, "active session")
        return f"{active}, {words.more_than(f'{limit * factor:g}', factor)}"
    if observation.hidden:
        return f"{Sensor.ACTIVE_SESSIONS} cannot be read: {words.NEEDS_PG_MONITOR}"
    return None
