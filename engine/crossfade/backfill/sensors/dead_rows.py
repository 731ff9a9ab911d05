"""The sensor of dead rows in the tables that are filled: past a share of them the batches wait for a vacuum.

Ours is begun at once where we may; else autovacuum is waited for, if it comes: a table that it leaves alone, or for
which it has no reason yet, is not waited for. Nor is one with few dead rows, whatever their share: they cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.backfill.sensors import words
from crossfade.backfill.sensors.queries import query
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Collection

    import psycopg

FEWEST = 100_000
"""Fewer dead rows than this, of one relation, are no reason for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """The rows of one relation, as the statistics have them."""

    schema: str
    name: str
    live: int
    dead: int
    is_due: bool
    """Whether autovacuum is to come by itself."""
    is_vacuumed: bool
    """Whether a vacuum is at work there; False too where this role may not see it."""

    @property
    def share(self) -> float:
        """Dead rows of all; none where they are few."""
        return self.dead / (self.live + self.dead) if self.dead >= FEWEST else 0.0

    @property
    def full_name(self) -> QualifiedName:
        """Schema and name."""
        return QualifiedName(self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The relations that are filled."""

    relations: tuple[Relation, ...]


def observe(connection: psycopg.Connection[Any], relations: Collection[QualifiedName]) -> Observation:
    """What the statistics say of these relations; one that is gone is left out."""
    names = {"schemas": [r.schema for r in relations], "names": [r.name for r in relations]}
    with connection.cursor(row_factory=class_row(Relation)) as cursor:
        return Observation(relations=tuple(cursor.execute(query("dead_rows"), names).fetchall()))


def worst(observation: Observation) -> Relation | None:
    """The relation with the greatest share of dead rows, of those that a vacuum is to be expected for."""
    return max((r for r in observation.relations if r.is_due or r.is_vacuumed), key=lambda r: r.share, default=None)


def judge(observation: Observation, max_percent: int, factor: float = 1.0) -> str | None:
    """Which relation has to be vacuumed first; the worst, where there are several."""
    found = worst(observation)
    allowed = max_percent / 100 * factor
    if found is None or found.share <= allowed:
        return None
    return (
        f"{words.percent(found.share)} of the rows of {found.full_name} are dead, "
        f"{words.more_than(words.percent(allowed), factor)}; "
        f"{'a vacuum is at work' if found.is_vacuumed else 'a vacuum comes first'}"
    )
