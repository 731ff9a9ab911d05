"""Driving a run: take its lease, work, give it back; and begin anew where the connection was lost.

The lease's connection does nothing else, so the server notices at once when its owner is gone. A runner that loses a
connection takes the lease again, with a new token, and goes on from what the ledger says was committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import psycopg
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from crossfade.errors import DatabaseUnreachable, LeaseHeld
from crossfade.postgres.connect import is_loss
from crossfade.workflow import ledger

Connection = psycopg.Connection[Any]
T = TypeVar("T")
SUCCESSION_SECONDS = 2.0
"""How long to wait for the server to notice that a killed predecessor is gone."""
OUTAGE_SECONDS = 300.0
"""How long a lost connection is tried for again."""


class ConnectionLost(Exception):
    """The server or the way to it went away; what was committed is in the ledger."""


@dataclass(slots=True)
class _Outage:
    """Since when there has been no connection: one that could be had, and was lost, begins another outage."""

    since: float = field(default_factory=time.monotonic)

    def is_over_long(self, _state: RetryCallState) -> bool:
        return time.monotonic() - self.since >= OUTAGE_SECONDS


@contextmanager
def leased(connect: Callable[[], Connection], run_id: int, name: str) -> Iterator[tuple[Connection, int]]:
    """A connection to work with and the lease's token, for the time of the block.

    Raises LeaseHeld where another runner drives the run.
    """
    with connect() as holder, connect() as work:
        token = _take(holder, run_id, name)
        try:
            yield work, token
        finally:
            if not holder.broken and not holder.closed:
                _give_back(holder, run_id, token)


def _take(connection: Connection, run_id: int, name: str) -> int:
    until = time.monotonic() + SUCCESSION_SECONDS
    while True:
        token = ledger.try_lease(connection, run_id)
        if token is not None:
            return token
        if time.monotonic() >= until:
            row = ledger.get_run(connection, name)
            since = f" since {row.held_since:%Y-%m-%d %H:%M:%S %Z}" if row.held_since else ""
            raise LeaseHeld(
                f"run {name} is driven by another runner: {row.holder or 'unknown'}{since}",
                hint=f"Wait for it, or look at it with: crossfade status {name} --watch",
            )
        time.sleep(0.1)


def _give_back(connection: Connection, run_id: int, token: int) -> None:
    try:
        ledger.release_lease(connection, run_id, token)
    except psycopg.OperationalError:
        # The server has ended the session, and the lease with it.
        return


def surviving_outages(attempt: Callable[[], T]) -> T:
    """What `attempt` gives; called again where the connection was lost in it, until five minutes without one.

    Raises DatabaseUnreachable after that.
    """
    outage = _Outage()
    retrying = Retrying(
        retry=retry_if_exception_type(ConnectionLost),
        stop=outage.is_over_long,
        wait=wait_random_exponential(multiplier=0.2, max=10),
        reraise=True,
    )
    try:
        return retrying(partial(_telling_losses, attempt, outage))
    except ConnectionLost as lost:
        raise DatabaseUnreachable(
            f"the connection was lost and could not be had again within {OUTAGE_SECONDS:.0f} s: {lost}",
            hint="Run the same command again when the server is back; it goes on where it was.",
        ) from None


def _telling_losses(attempt: Callable[[], T], outage: _Outage) -> T:
    try:
        return attempt()
    except DatabaseUnreachable as error:
        # It was reachable when the command began.
        raise ConnectionLost(error.message) from error
    except psycopg.OperationalError as error:
        if not is_loss(error):
            raise
        outage.since = time.monotonic()
        raise ConnectionLost(str(error).strip()) from error
