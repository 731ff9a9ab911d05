"""The sensor of replication slots: who still has to fetch WAL, and how near that is to being thrown away.

A slot that is lost already does not hold a backfill up: nothing that waits can save it. Where nothing limits what slots
retain there is no share to measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.backfill.sensors import words
from crossfade.backfill.sensors.queries import query

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One replication slot."""

    name: str
    wal_status: str | None
    """`reserved`, `extended`, `unreserved` (to be lost at the next checkpoint) or `lost`."""
    retained: int | None
    """Bytes of WAL since the place that it needs."""
    may_retain: int
    """`max_slot_wal_keep_size` in bytes; -1 is without a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Every slot of the server."""

    slots: tuple[Slot, ...]


def observe(connection: psycopg.Connection[Any]) -> Observation:
    """All slots, whoever made them."""
    with connection.cursor(row_factory=class_row(Slot)) as cursor:
        return Observation(slots=tuple(cursor.execute(query("slots")).fetchall()))


def judge(observation: Observation, max_percent: int, factor: float = 1.0) -> str | None:
    """Which slot is about to be lost, or retains more than the percentage of what it may."""
    living = [s for s in observation.slots if s.wal_status != "lost"]
    ending = next((s for s in living if s.wal_status == "unreserved"), None)
    if ending is not None:
        return f"replication slot {ending.name} is about to be lost: {words.size(ending.retained or 0)} of WAL retained"
    worst = max(living, key=_share, default=None)
    allowed = max_percent / 100 * factor
    if worst is None or _share(worst) <= allowed:
        return None
    return (
        f"replication slot {worst.name} retains {words.size(worst.retained or 0)} of WAL, "
        f"{words.more_than(words.percent(allowed), factor)} of max_slot_wal_keep_size ({words.size(worst.may_retain)})"
    )


def _share(slot: Slot) -> float:
    return (slot.retained or 0) / slot.may_retain if slot.may_retain > 0 else 0.0
