"""The sensor of the brake: one row in the ledger that stops the batches of every run, for as long as somebody wants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The brake's row."""

    is_on: bool
    reason: str | None
    actor: str | None
    since: datetime | None


def observe(connection: psycopg.Connection[Any]) -> Observation | None:
    """Whether it is on, and who put it on; None where nobody ever did."""
    with connection.cursor(row_factory=class_row(Observation)) as cursor:
        return cursor.execute("SELECT is_on, reason, actor, since FROM crossfade.brake").fetchone()


def judge(observation: Observation) -> str | None:
    """Wait while it is on."""
    if not observation.is_on:
        return None
    by = f" by {observation.actor}" if observation.actor else ""
    since = f" since {observation.since.astimezone(UTC):%Y-%m-%d %H:%M UTC}" if observation.since else ""
    return f"the brake is on{since}{by}{f': {observation.reason}' if observation.reason else ''}"
