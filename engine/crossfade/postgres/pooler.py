"""Is there a pooler between us and the server that gives every transaction to another server process?

Such a pooler breaks what we rely on: leases are a session's advisory locks, settings are a session's, and a lock report
names a session. It is recognised by what it does, whatever its name: two live sessions of ours that are idle are served
by one server process, or one session by several. A pooler in session mode, and none at all, does neither.
"""

from __future__ import annotations

import selectors
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import conninfo
from psycopg.pq import ExecStatus

from crossfade.errors import DatabaseUnreachable
from crossfade.postgres.connect import connect, masked

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_ROUNDS = 3
_SECONDS = 3.0
"""How long one answer is waited for. In session mode a pool of one server process never serves our second session."""
_BACKEND = b"SELECT pg_catalog.pg_backend_pid() || ' of ' || pg_catalog.pg_postmaster_start_time()"


def transaction_pooler(url: str) -> str | None:
    """Why we believe that a pooler in transaction or statement mode is in the way, in words; None where none is.

    Opens two sessions and leaves nothing behind. Raises DatabaseUnreachable where they cannot be had.
    """
    with closing(connect(url)) as first, closing(_second(url)) as second:
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


def _words(what: str, *backends: str) -> str:
    pids = ", ".join(f"pid {b.partition(' ')[0]}" for b in backends)
    return f"{what} ({pids}), so a pooler in transaction or statement mode is between us and the server."


def _second(url: str) -> psycopg.Connection[Any]:
    """A bare session: setting it up as one of ours could wait for a server process that our first one holds."""
    options: dict[str, Any] = {"connect_timeout": "10", **conninfo.conninfo_to_dict(url)}
    try:
        return psycopg.connect(**options, autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(
            f"a second connection could not be had: {masked(str(error).strip())}",
            hint="crossfade needs several connections at a time; raise the limit of this role, database or pool.",
        ) from None


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
