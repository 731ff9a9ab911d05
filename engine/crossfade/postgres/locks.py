"""Waiting for DDL locks without making others wait: the one place where a lock is tried for again.

Whoever queues for a strong lock makes every later query on the table queue behind it, so a wait is cut into slices: all
locks of a step are asked for in one LOCK TABLE under a short `lock_timeout`, and again a quarter of a second later.
Before each attempt the holders are looked up; while one of them sits in a transaction older than a second an attempt
would most likely only hurt, and is spared seven times of eight. Nobody is killed.

PostgreSQL lets an ordinary autovacuum give way only after `deadlock_timeout`, a second by default and longer than any
slice of ours; where we may, that setting is lowered for the attempt.

A table that our role may not lock, such as somebody else's that a foreign key refers to, is looked at like the others
and locked by the statement itself, within the same slice.

Whoever reads a view locks it first and the tables below afterwards. A step that has to lock both takes them in the same
order, or each statement that comes by the view would close a circle with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random,
    wait_random_exponential,
)

from crossfade.errors import LockNotAcquired
from crossfade.observe.events import Blocker
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Lock, LockMode

_SQL = resources.files("crossfade.postgres").joinpath("sql")

LONG_TRANSACTION = 1.0
"""Seconds; a holder this old is waited for without an attempt."""
_TRIED_ANYWAY = 8
"""Every so manieth attempt is made all the same: where some transaction is always old, one may be about to end."""
SLOWEST_SLICE = 0.1
"""Seconds; a slice grows up to this, once eight attempts have failed against holders that come and go."""

CONFLICTS = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
"""What one of two transactions in each other's way is told, and what passes when it tries again."""
_CONFLICT_ATTEMPTS = 5

OnWait = Callable[[int, float, tuple[Blocker, ...]], None]
"""Called with the attempt's number, the seconds waited so far, and who holds the locks."""


class _Busy(Exception):
    """The locks were not to be had in this attempt."""

    def __init__(self, blockers: tuple[Blocker, ...]) -> None:
        super().__init__()
        self.blockers = blockers


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPolicy:
    """How long one attempt may wait, and all of them together, in seconds."""

    timeout: float
    give_up_after: float
    statement: float | None = None
    """How long one statement of the body may take, in seconds; None is for as long as it needs."""


@dataclass(slots=True)
class LockWait:
    """What the waiting came to; filled by `in_slices`."""

    attempts: int = 0
    seconds: float = 0.0


def in_slices(
    connection: psycopg.Connection[Any],
    locks: Sequence[Lock],
    policy: LockPolicy,
    body: Callable[[], None],
    *,
    what: str,
    on_wait: OnWait,
    views: Sequence[QualifiedName] = (),
) -> LockWait:
    """Run `body` in a transaction that holds `locks`; it is called only once they are held.

    `views` are locked in ACCESS EXCLUSIVE mode before them. Raises LockNotAcquired when the policy's limit is over;
    nothing was changed then.
    """
    waited, begun = LockWait(), time.monotonic()

    def report(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Busy):
            on_wait(state.attempt_number, time.monotonic() - begun, error.blockers)

    retrying = Retrying(
        retry=retry_if_exception_type(_Busy),
        stop=stop_after_delay(policy.give_up_after),
        wait=wait_random(0.2, 0.3),
        before_sleep=report,
        reraise=True,
    )
    try:
        for attempt in retrying:
            with attempt:
                waited.attempts = attempt.retry_state.attempt_number
                _attempt(connection, (locks, views), policy, waited.attempts, lambda: _held(waited, begun, body))
    except _Busy as busy:
        holders = "; ".join(str(b) for b in busy.blockers) or "no holder was seen at the last look"
        relations = ", ".join((*map(str, views), *(x.relation for x in locks)))
        raise LockNotAcquired(
            f"{what}: the lock on {relations} could not be had within "
            f"{policy.give_up_after:.0f} s ({waited.attempts} attempts). Held by: {holders}.",
            hint="Nothing was changed. Run the command again once that transaction has ended.",
        ) from None
    return waited


def _held(waited: LockWait, begun: float, body: Callable[[], None]) -> None:
    waited.seconds = time.monotonic() - begun
    body()


def _slice(policy: LockPolicy, attempt: int) -> float:
    growth = 1 + max(0, attempt - _TRIED_ANYWAY) / 10
    return min(policy.timeout * growth, max(SLOWEST_SLICE, policy.timeout))


def _attempt(
    connection: psycopg.Connection[Any],
    wanted: tuple[Sequence[Lock], Sequence[QualifiedName]],
    policy: LockPolicy,
    number: int,
    body: Callable[[], None],
) -> None:
    locks, views = wanted
    asked = (*locks, *(Lock(relation=str(view), mode=LockMode.ACCESS_EXCLUSIVE) for view in views))
    holders = blockers(connection, asked) if asked else ()
    is_long = any(b.transaction_seconds > LONG_TRANSACTION and b.state != "autovacuum" for b in holders)
    if is_long and number % _TRIED_ANYWAY:
        raise _Busy(holders)
    try:
        with connection.transaction():
            _take(connection, locks, views, policy.timeout if is_long else _slice(policy, number))
            _set_local(connection, "statement_timeout", f"{round((policy.statement or 0) * 1000)}ms")
            body()
    except (psycopg.errors.LockNotAvailable, *CONFLICTS, _TakingTimedOut):
        raise _Busy(holders or blockers(connection, asked)) from None


def through_conflicts(body: Callable[[], None]) -> None:
    """Call `body`, and again where it was chosen to give way, five times altogether. Raises its last error."""
    retrying = Retrying(
        retry=retry_if_exception_type(CONFLICTS),
        stop=stop_after_attempt(_CONFLICT_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
    retrying(body)


class _TakingTimedOut(Exception):
    """Several locks together took longer than a slice allows."""


def _take(
    connection: psycopg.Connection[Any], locks: Sequence[Lock], views: Sequence[QualifiedName], seconds: float
) -> None:
    milliseconds = max(1, round(seconds * 1000))
    _set_local(connection, "lock_timeout", f"{milliseconds}ms")
    # lock_timeout counts for each lock by itself; with many partitions the whole LOCK TABLE has to be bounded.
    _set_local(connection, "statement_timeout", f"{2 * milliseconds}ms")
    if _may_lower_deadlock_timeout(connection):
        _set_local(connection, "deadlock_timeout", "10ms")
    try:
        for view in views:
            # LOCK TABLE would take every table below as well; this changes nothing, and takes the view alone.
            connection.execute(
                sql.SQL("ALTER VIEW {} SET SCHEMA {}").format(
                    sql.Identifier(view.schema, view.name), sql.Identifier(view.schema)
                )
            )
        locks = _permitted(connection, locks)
        for mode in sorted({x.mode for x in locks}, reverse=True):
            relations = sql.SQL(", ").join(
                # Already quoted, from the catalog; every partition that a statement reaches is among them by itself.
                sql.SQL("ONLY ") + sql.SQL(x.relation)
                for x in locks
                if x.mode is mode
            )
            words = sql.SQL(mode.words)  # a keyword of LockMode
            connection.execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(relations, words))
    except psycopg.errors.QueryCanceled:
        raise _TakingTimedOut from None


def _permitted(connection: psycopg.Connection[Any], locks: Sequence[Lock]) -> tuple[Lock, ...]:
    """Those that LOCK TABLE lets our role take: SELECT does for the weakest mode, others want a right to write."""
    rows = connection.execute(
        "SELECT w.name, pg_catalog.has_table_privilege(w.name, 'SELECT'),"
        " pg_catalog.has_table_privilege(w.name, 'UPDATE, DELETE, TRUNCATE')"
        " FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS w (name)",
        [[lock.relation for lock in locks]],
    ).fetchall()
    read = {name for name, may_read, _ in rows if may_read}
    written = {name for name, _, may_write in rows if may_write}
    return tuple(x for x in locks if x.relation in (read if x.mode is LockMode.ACCESS_SHARE else written))


def _set_local(connection: psycopg.Connection[Any], name: str, value: str) -> None:
    connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", [name, value])


def _may_lower_deadlock_timeout(connection: psycopg.Connection[Any]) -> bool:
    if connection.info.server_version >= 150000:
        query = "SELECT pg_catalog.has_parameter_privilege('deadlock_timeout', 'SET')"
    else:
        query = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
    row = connection.execute(query).fetchone()  # one of two literals
    return bool(row and row[0])


_HOLDERS = _SQL.joinpath("lock_holders.sql").read_bytes()


def blockers(connection: psycopg.Connection[Any], locks: Sequence[Lock]) -> tuple[Blocker, ...]:
    """Who holds a lock in the way of these, the oldest transaction first; one entry for each session and each prepared
    transaction."""
    wanted = [(lock.relation, mode.pg_name) for lock in locks for mode in lock.mode.conflicts()]
    parameters = {"relations": [r for r, _ in wanted], "modes": [m for _, m in wanted]}
    with connection.cursor(row_factory=class_row(Blocker)) as cursor:
        found = cursor.execute(_HOLDERS, parameters).fetchall()
    return tuple({(b.pid, b.application_name): b for b in reversed(found)}.values())[::-1]


_WAITED_FOR = _SQL.joinpath("waited_for.sql").read_bytes()


@contextmanager
def reporting_waits(
    connect: Callable[[], psycopg.Connection[Any]], pid: int, on_wait: OnWait, *, every: float = 1.0
) -> Iterator[None]:
    """While the block runs, look from a second session at whom the session `pid` waits for, and report it.

    For statements that cannot run in a transaction: CREATE INDEX CONCURRENTLY waits for old transactions, which holds
    up nobody else.
    """
    over, begun = threading.Event(), time.monotonic()

    def look() -> None:
        looks = 0
        with connect() as second, second.cursor(row_factory=class_row(Blocker)) as cursor:
            while not over.wait(every):
                found = tuple(cursor.execute(_WAITED_FOR, {"pid": pid}).fetchall())
                if found:
                    looks += 1
                    on_wait(looks, time.monotonic() - begun, found)

    watcher = threading.Thread(target=_quietly, args=(look,), name="crossfade-waits", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join(timeout=5)


def _quietly(look: Callable[[], None]) -> None:
    """A look that fails must not disturb the work it looks at."""
    try:
        look()
    except psycopg.Error:
        return
