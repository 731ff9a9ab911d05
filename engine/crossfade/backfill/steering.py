"""What the ledger says of a run while its batches go on: paused, tuned, and what the others are told of its waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """A run as people steer it."""

    state: str
    paused: str | None
    token: int
    tuning: Mapping[str, Any]
    """By key of the plan's `backfill`, as a plan writes it."""
    now: datetime
    """The database's clock."""
    relations: Sequence[Any]
    """Those that are not finished."""

    def __post_init__(self) -> None:
        named: Sequence[Sequence[str]] = self.relations
        object.__setattr__(self, "relations", tuple(QualifiedName(n[0], n[1]) for n in named))


def read_steering(connection: Connection, run_id: int) -> Steering:
    """The run as it is now."""
    with connection.cursor(row_factory=class_row(Steering)) as cursor:
        found = cursor.execute(
            "SELECT state, paused, token, tuning, pg_catalog.clock_timestamp() AS now, ARRAY("
            " SELECT pg_catalog.parse_ident(f.relation) FROM crossfade.backfills f"
            " WHERE f.run_id = r.id AND f.finished_at IS NULL) AS relations FROM crossfade.runs r WHERE id = %s",
            [run_id],
        ).fetchone()
    assert found is not None
    return found


def note_throttle(connection: Connection, run_id: int, reason: str | None, *, is_news: bool) -> bool:
    """Say for all to see why the batches wait, or that they go on; time that was waited is added up.

    What is measured changes with every look; only a new cause is worth an entry in the history. False where there is
    nothing yet that could wait, so that it has to be said again.
    """
    with connection.transaction():
        changed = connection.execute(
            "UPDATE crossfade.backfills SET throttled_by = %(reason)s,"
            " throttled_seconds = throttled_seconds"
            # What lies between two looks of a process that was away is not counted.
            " + least(coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - throttled_since), 0), 15),"
            " throttled_since = CASE WHEN %(reason)s::text IS NOT NULL THEN pg_catalog.clock_timestamp() END"
            " WHERE run_id = %(run)s AND finished_at IS NULL"
            " AND (throttled_by IS NOT NULL OR %(reason)s::text IS NOT NULL)",
            {"run": run_id, "reason": reason},
        )
        if is_news and (reason or changed.rowcount):
            connection.execute(
                "INSERT INTO crossfade.events (run_id, kind, data) VALUES (%s, %s, %s)",
                [run_id, "throttled" if reason else "unthrottled", Jsonb({"reason": reason} if reason else {})],
            )
    return changed.rowcount > 0
