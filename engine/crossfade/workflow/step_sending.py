"""Sending the statements of a step: within its transaction, or each by itself in a session of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg

from crossfade.errors import LockNotAcquired, StepFailed
from crossfade.operations.step import Step
from crossfade.postgres import locks
from crossfade.postgres.connect import is_loss
from crossfade.postgres.statement import Statement
from crossfade.workflow.session import Session
from crossfade.workflow.step_locks import telling

_HINT = (
    "The step was rolled back. Remove the cause and run the command again; where the plan itself is wrong, take the "
    "run back with crossfade rollback, and correct it."
)
_HINTS = {
    "2BP01": "The step was rolled back. Drop what is named, run the command again, and make it anew after that.",
    "23505": "Nothing is enforced, and nothing of the index is left. Make the rows differ of which the message names "
    "one key, see that no live version writes more of them, and run the command again.",
}
"""What to do, by SQLSTATE."""
_NO_TABLE = "42P01"

Connection = psycopg.Connection[Any]


def send_one(connection: Connection, step: Step, statement: Statement) -> None:
    """Raises StepFailed with what PostgreSQL says, and LockNotAcquired outside a transaction.

    Within one a lock that is not had, and anywhere a conflict or a lost session, is the caller's: psycopg's error.
    """
    try:
        connection.execute(statement.text.encode())
    except psycopg.errors.LockNotAvailable as error:
        if connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
            raise
        raise LockNotAcquired(
            f"{step.title}: the statement waited longer than locks.give_up_after: {error}",
            hint="End the transactions it waits for, and run the command again; a half-built index is cleaned up then.",
        ) from None
    except psycopg.Error as error:
        if is_loss(error) or isinstance(error, locks.CONFLICTS):
            raise
        raise StepFailed(
            f"{step.title}: PostgreSQL says: {str(error).strip()} (SQLSTATE {error.sqlstate}), in: {statement.text}",
            sqlstate=error.sqlstate,
            hint=_HINTS.get(error.sqlstate or "", _HINT),
            location=step.id,
        ) from None


def send_where_it_is(connection: Connection, step: Step, statement: Statement) -> None:
    """Within a transaction: nothing is done where the table is not there."""
    try:
        with connection.transaction():
            send_one(connection, step, statement)
    except StepFailed as error:
        if error.sqlstate != _NO_TABLE:
            raise


def send_outside(
    session: Session, step: Step, statements: tuple[Statement, ...], is_lenient: Callable[[], bool] = lambda: False
) -> None:
    """In a session of their own, each in its own transaction, again where it was chosen as a deadlock's victim.

    `is_lenient` is asked where a table is not there: whether that is as good as done. Raises StepFailed and
    LockNotAcquired.
    """

    def send() -> None:
        for statement in statements:
            try:
                send_one(connection, step, statement)
            except StepFailed as error:
                if error.sqlstate != _NO_TABLE or not is_lenient():
                    raise

    with session.connect() as connection:
        give_up = round(session.plan.locks.give_up_after / timedelta(milliseconds=1))
        connection.execute("SELECT pg_catalog.set_config('lock_timeout', %s, false)", [f"{give_up}ms"])
        connection.execute("SELECT pg_catalog.set_config('statement_timeout', '0', false)")
        # Functions in an index's expressions may rely on the path that the users' sessions have.
        connection.execute("RESET search_path")
        pid = connection.info.backend_pid
        with locks.reporting_waits(session.connect, pid, telling(session, step.id)):
            locks.through_conflicts(send)


def is_done(connection: Connection, step: Step) -> bool:
    """Whether the step's effect is there."""
    with connection.transaction():
        # A query of the plan's own finds its names as the users' sessions do; ours name everything.
        connection.execute("SET LOCAL search_path TO DEFAULT")
        row = connection.execute(step.done.encode()).fetchone()
    return bool(row and row[0])
