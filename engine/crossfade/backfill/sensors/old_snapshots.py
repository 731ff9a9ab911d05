"""The sensor of old transactions: while one is open, nothing that a batch leaves behind can be removed.

It matters only where much has been left behind, so transactions are looked at only then. A replica
that holds rows back by `hot_standby_feedback` has no age that could be known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.backfill.sensors import dead_rows, words
from crossfade.backfill.sensors.queries import query
from crossfade.backfill.sensors.reading import Sensor

if TYPE_CHECKING:
    from collections.abc import Collection

    import psycopg

DEAD_SHARE = 0.2
"""Fewer dead rows than this share of a relation are no reason to wait."""
_MAY_SEE = "SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One transaction."""

    holder: str
    """`session PID` or `prepared transaction NAME`."""
    detail: str | None
    """The application, or who prepared it."""
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Dead rows and who holds them back."""

    relation: dead_rows.Relation | None = None
    """The relation with the largest share of dead rows."""
    oldest: Holder | None = None
    """The oldest transaction; looked for only where the share is large."""
    may_see: bool = True
    """Whether this role sees the transactions of others."""


def observe(connection: psycopg.Connection[Any], dead: dead_rows.Observation, own: Collection[int]) -> Observation:
    """The oldest transaction that is not of these process ids, where one of the relations has many dead rows."""
    worst = max(dead.relations, key=lambda r: r.share, default=None)
    if worst is None or worst.share <= DEAD_SHARE:
        return Observation(relation=worst)
    may_see = connection.execute(_MAY_SEE).fetchone()
    with connection.cursor(row_factory=class_row(Holder)) as cursor:
        oldest = cursor.execute(query("old_snapshots"), {"own": list(own)}).fetchone()
    return Observation(relation=worst, oldest=oldest, may_see=bool(may_see and may_see[0]))


def judge(observation: Observation, limit: timedelta, factor: float = 1.0) -> str | None:
    """Who has kept dead rows of the tables that are filled for longer than the limit."""
    worst, oldest = observation.relation, observation.oldest
    if worst is None or worst.share <= DEAD_SHARE:
        return None
    if oldest is not None and oldest.age > limit * factor:
        return (
            f"{oldest.holder}{f' ({oldest.detail})' if oldest.detail else ''} is {words.duration(oldest.age)} old, "
            f"{words.more_than(words.duration(limit * factor), factor)}, and keeps dead rows: "
            f"{words.percent(worst.share)} of {worst.full_name} are dead"
        )
    return None if observation.may_see else f"{Sensor.OLD_SNAPSHOTS} cannot be read: {words.NEEDS_PG_MONITOR}"
