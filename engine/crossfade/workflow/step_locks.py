"""The locks that a step needs: which are there to be had, how they are got, and who is told while it waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg

from crossfade.errors import WorkLeft
from crossfade.observe.events import Blocker, LockWaited
from crossfade.operations.step import Step
from crossfade.postgres import locks
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Lock, LockMode
from crossfade.workflow.session import Session

HELD_SECONDS = 10.0
"""How long one statement of a step may take that neither rewrites nor reads a table, while it holds its locks."""

Connection = psycopg.Connection[Any]


def locked(
    session: Session,
    what: str,
    wanted: tuple[Lock, ...],
    body: Callable[[], None],
    on_wait: locks.OnWait,
    *,
    statement: float | None = HELD_SECONDS,
    views: tuple[QualifiedName, ...] = (),
) -> None:
    """Call `body` in a transaction that holds these locks, got as the plan says. Raises LockNotAcquired."""
    policy = locks.LockPolicy(
        timeout=session.plan.locks.timeout / timedelta(seconds=1),
        give_up_after=session.plan.locks.give_up_after / timedelta(seconds=1),
        statement=statement,
    )
    locks.in_slices(session.work, wanted, policy, body, what=what, on_wait=on_wait, views=views)


def behind_others(session: Session, step: Step, body: Callable[[], None]) -> None:
    """Call `body` in a transaction while nobody changes the step's tables."""
    held = tuple(Lock(relation=x.relation, mode=LockMode.ACCESS_SHARE) for x in still_there(session.work, step.locks))
    locked(session, step.title, held, body, waiting_for(session, step.id))


def still_there(connection: Connection, wanted: tuple[Lock, ...]) -> tuple[Lock, ...]:
    """Without what somebody dropped since the program was compiled: a partition that is gone must not stop an undo.

    And tables only: LOCK TABLE takes no materialised view, and of a view every table below.
    """
    found = _nameable(connection, wanted, ["r", "p"])
    return tuple(lock for lock in wanted if lock.relation in found)


def views_of(connection: Connection, wanted: tuple[Lock, ...]) -> tuple[QualifiedName, ...]:
    """The views among these that nobody may read meanwhile."""
    closed = tuple(lock for lock in wanted if lock.mode is LockMode.ACCESS_EXCLUSIVE)
    return tuple(_nameable(connection, closed, ["v"]).values())


def _nameable(connection: Connection, wanted: tuple[Lock, ...], kinds: list[str]) -> dict[str, QualifiedName]:
    """The relations of these kinds that are there, in schemas that our role may use.

    Any other it cannot name, not even to look it up: the statement that needs the lock takes it, within the same time.
    """
    rows = connection.execute(
        "SELECT w.name, n.nspname::pg_catalog.text, c.relname::pg_catalog.text"
        " FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)"
        " CROSS JOIN LATERAL pg_catalog.parse_ident(w.name) AS at (path)"
        " JOIN pg_catalog.pg_namespace n ON n.nspname = at.path[1]"
        " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = at.path[2]"
        " WHERE c.relkind = ANY (%s) AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')",
        [[lock.relation for lock in wanted], kinds],
    ).fetchall()
    return {relation: QualifiedName(schema, name) for relation, schema, name in rows}


def waiting_for(session: Session, step: str) -> locks.OnWait:
    """Tells of each wait for a lock, and stops if it is time to. Raises WorkLeft."""

    tell = telling(session, step)

    def report(attempt: int, seconds: float, blockers: tuple[Blocker, ...]) -> None:
        tell(attempt, seconds, blockers)
        stop = session.should_stop()
        if stop is not None:
            raise WorkLeft(f"run {session.name} stops while it waits for a lock: {stop}")

    return report


def telling(session: Session, step: str) -> locks.OnWait:
    """Tells of each wait for a lock."""

    def report(attempt: int, seconds: float, blockers: tuple[Blocker, ...]) -> None:
        session.emit(
            LockWaited(run=session.name, step=step, attempt=attempt, waited_seconds=seconds, blockers=blockers)
        )

    return report
