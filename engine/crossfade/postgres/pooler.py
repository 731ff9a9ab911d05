"""Is there a pooler between us and the server that gives every transaction to another server process?

Such a pooler breaks what we rely on: leases are a session's advisory locks, and a lock report names a session. Worse,
our session settings would stay behind for the apps of the pool, so this is asked before any are made. It is recognised
by what it does, whatever its name: two idle sessions of ours are served by one server process, or one session by
several. A pooler in session mode does neither, and nor does a direct connection.
"""

from __future__ import annotations

import selectors
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ExecStatus

from crossfade.errors import UsageError
from crossfade.postgres.connect import open_bare

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_ROUNDS = 3
_SECONDS = 3.0
"""How long one answer is waited for. In session mode a pool of one server process never serves our second session."""
_BACKEND = b"SELECT pg_catalog.pg_backend_pid() || ' of ' || pg_catalog.pg_postmaster_start_time()"


def transaction_pooler(url: str) -> str | None:
    """Why we believe that a pooler in transaction or statement mode is in the way, in words; None where none is.

    Opens two sessions and leaves nothing behind. Raises UsageError for a URL that cannot be read and
    DatabaseUnreachable where two connections cannot be had.
    """
    with closing(open_bare(url)) as first, closing(open_bare(url)) as second:
        for _ in range(_ROUNDS):
            # One session twice: a pool that deals two processes out in turn would hide behind an even number of looks.
            mine, again, other = _backend(first), _backend(first), _backend(second)
            if mine is None or again is None or other is None:
                return None
            if mine != again:
                return _words("One session of ours was served by two server processes", mine, again)
            if mine == other:
                return _words("Two sessions of ours were served by the same server process", mine)
    return None


class PooledConnection(UsageError):
    """A transaction pooler stands between us and the server."""

    code = "transaction_pooler"


def refuse_transaction_pooler(url: str) -> None:
    """Raises PooledConnection where `transaction_pooler` finds one."""
    pooled = transaction_pooler(url)
    if pooled is not None:
        raise PooledConnection(
            f"{pooled} Leases, session settings and lock reports need a session of their own.",
            hint="Connect crossfade to the server itself, or through a pool in session mode; apps may stay.",
        )


def _words(what: str, *backends: str) -> str:
    pids = ", ".join(f"pid {b.partition(' ')[0]}" for b in backends)
    return f"{what} ({pids}), so a pooler in transaction or statement mode is between us and the server."


def _backend(connection: psycopg.Connection[Any]) -> str | None:
    """The server process that answers now; None where no answer comes in time. The session is of no use then."""
    wire = connection.pgconn
    try:
        wire.send_query(_BACKEND)
        if not _answered(wire):
            return None
    except psycopg.OperationalError:
        return None  # cut off while it waited, by a limit of the pool's
    answer = wire.get_result()
    value = answer.get_value(0, 0) if answer is not None and answer.status == ExecStatus.TUPLES_OK else None
    while wire.get_result() is not None:
        pass
    return None if value is None else value.decode()


def _answered(wire: PGconn) -> bool:
    deadline = time.monotonic() + _SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(wire.socket, selectors.EVENT_READ)
        while wire.is_busy():
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                return False
            wire.consume_input()
    return True
