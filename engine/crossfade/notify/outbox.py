"""The outbox: notifications that wait in the ledger until they are sent, by whichever process comes first.

Each function is one short statement; none is open while a target is asked. A notification that is taken belongs to its
taker for a while, and to anybody after that, so that one whose process was killed is sent by another: with the same
`delivery`, by which a receiver knows it again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from crossfade.notify.messages import payload_of
from crossfade.notify.queries import query

if TYPE_CHECKING:
    from crossfade.notify.facts import Fact
    from crossfade.notify.sending import Outcome
    from crossfade.plan.notify import Target

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One that was taken, to be sent."""

    id: int
    target: str
    """The target's key."""
    payload: Mapping[str, Any]
    delivery: UUID
    attempts: int
    """This one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """A target that is still to be told something of a run."""

    target: str
    """The target's key."""
    run: str
    notify: list[Any]
    """What the run's plan has under `notify`, as JSON."""


def add(connection: Connection, fact: Fact, target: Target) -> None:
    """Have the target told of the fact, once however often this is called."""
    parameters = {
        "run_id": fact.run_id,
        "target": target.key,
        "event": fact.event,
        "occurrence": fact.occurrence,
        "payload": Jsonb(payload_of(fact)),
    }
    connection.execute(query("add_notification"), parameters)


def has_unsent(connection: Connection) -> bool:
    """Whether anybody is still to be told anything."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM crossfade.notifications WHERE state IN ('waiting', 'sending'))"
    ).fetchone()
    return bool(row and row[0])


def addressees(connection: Connection) -> tuple[Addressee, ...]:
    """The targets that are still to be told something; what has waited for a day is given up before."""
    connection.execute(query("give_up"))
    with connection.cursor(row_factory=class_row(Addressee)) as cursor:
        return tuple(cursor.execute(query("unsent_targets")).fetchall())


def take(connection: Connection, targets: Collection[str], *, seconds: float) -> Notification | None:
    """The oldest notification that is due for one of these targets, which is nobody else's for so many seconds."""
    with connection.cursor(row_factory=class_row(Notification)) as cursor:
        parameters = {"targets": list(targets), "seconds": seconds}
        return cursor.execute(query("take_notification"), parameters).fetchone()


def settle(connection: Connection, notification: Notification, outcome: Outcome) -> None:
    """Note what became of a try."""
    parameters = {
        "id": notification.id,
        "attempts": notification.attempts,
        "state": outcome.state,
        "last_error": outcome.reason,
        "seconds": outcome.again_after,
    }
    connection.execute(query("settle_notification"), parameters)
