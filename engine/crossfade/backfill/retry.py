"""The one place where a backfill tries again: what can pass by itself, how long it is waited for, on which connection.

A unit of work is a function that commits or changes nothing. It is tried again after a lost connection (for half an
hour, as long as a failover may take), a lock that others hold (for five minutes; nothing is held meanwhile), and after
a deadlock, a serialisation failure or a statement that took too long (five attempts). A full disk is waited for without
an end, since nothing but room helps. From the second or third attempt on a unit is asked to do less.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_fixed, wait_random_exponential

from crossfade.errors import DatabaseUnreachable
from crossfade.postgres.connect import is_loss

if TYPE_CHECKING:
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]
T = TypeVar("T")

OUTAGE_SECONDS = 1800.0
"""How long a lost connection is tried for."""
PATIENCE_SECONDS = 300.0
"""How long a row that others hold is tried for."""
ATTEMPTS = 5
"""How often a unit of work is tried that failed by itself."""
_PREPARED_AFTER = 2
"""How often a statement is sent before the server is asked to keep it."""
_LOOK_SECONDS = 0.1
"""Between two looks, while waiting, at whether to stop."""
_SESSION = {
    "enable_seqscan": "off",
    "jit": "off",
    "row_security": "off",
    "synchronous_commit": "off",
    "idle_in_transaction_session_timeout": "30s",
    "crossfade.backfill": "on",
}
"""Ranges are walked by their index even before the table was analysed, and rows that a policy hides are an error. A
batch whose commit a crash of the server loses is lost whole, rows and entry in the ledger, and is done again. Triggers
of ours and of the users can tell by `crossfade.backfill` whose write it is."""


class Passing(Enum):
    """Why a unit of work failed, where that can pass by itself."""

    CONNECTION = "connection"
    LOCK = "lock"
    CONFLICT = "conflict"
    TIMEOUT = "timeout"
    DISK = "disk"


_STATES = {
    "55P03": Passing.LOCK,
    "40P01": Passing.CONFLICT,
    "40001": Passing.CONFLICT,
    "57014": Passing.TIMEOUT,
    "53300": Passing.CONNECTION,
    # What was the primary is a standby now; the next connection finds the new one.
    "25006": Passing.CONNECTION,
    "53100": Passing.DISK,
    "58030": Passing.DISK,
}
_WAITS = {
    Passing.CONNECTION: wait_random_exponential(multiplier=0.1, min=0.1, max=30),
    Passing.LOCK: wait_random_exponential(multiplier=0.1, min=0.1, max=5),
    Passing.CONFLICT: wait_random_exponential(multiplier=0.1, min=0.1, max=30),
    Passing.TIMEOUT: wait_random_exponential(multiplier=0.1, min=0.1, max=30),
    Passing.DISK: wait_fixed(60),
}


def wait_seconds(kind: Passing, failures: int) -> float:
    """How long to wait after so many failures of a kind, with jitter."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = failures
    return _WAITS[kind](state)


def passing(error: BaseException | None) -> Passing | None:
    """Why the error can pass by itself; None where it cannot."""
    if isinstance(error, DatabaseUnreachable):
        return Passing.CONNECTION
    if not isinstance(error, psycopg.Error):
        return None
    return Passing.CONNECTION if is_loss(error) else _STATES.get(error.sqlstate or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Which try of a unit of work this is, from 1, and by what its size is to be divided."""

    number: int = 1
    divisor: int = 1


@dataclass(slots=True)
class _Tries:
    """The failures of one unit of work so far."""

    begun: float = field(default_factory=time.monotonic)
    number: int = 0
    divisor: int = 1
    failed: dict[Passing, int] = field(default_factory=dict)

    def note(self, kind: Passing | None) -> None:
        if kind is None:
            return
        self.failed[kind] = self.failed.get(kind, 0) + 1
        if kind is Passing.TIMEOUT:
            self.divisor *= 4
        elif kind is not Passing.CONNECTION and self.failed[kind] >= 3:
            self.divisor *= 2

    def are_spent(self, state: RetryCallState) -> bool:
        kind = passing(state.outcome.exception() if state.outcome else None)
        match kind:
            case Passing.CONFLICT | Passing.TIMEOUT:
                return self.failed[kind] >= ATTEMPTS
            case Passing.DISK:
                return False
            case _:
                patience = PATIENCE_SECONDS if kind is Passing.LOCK else OUTAGE_SECONDS
                return time.monotonic() - self.begun >= patience


class Link:
    """One connection for a sequence of units of work, made anew after it was lost; a context manager."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        go_on: Callable[[], None],
        tell: Callable[[Link, Passing, str], None],
        where: QualifiedName,
    ) -> None:
        """`go_on` is asked before each attempt and raises to stop; `tell` hears of each attempt that failed."""
        self._connect = connect
        self._go_on = go_on
        self._tell = tell
        self.where = where
        """The relation that is being worked on, for messages."""
        self.connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._drop()

    def run(self, work: Callable[[Connection, Attempt], T]) -> T:
        """Do a unit of work, as often as it takes. Raises the last error once it is tried no more."""
        tries = _Tries()

        def attempt() -> T:
            self._go_on()
            tries.number += 1
            try:
                return work(self._ready(), Attempt(number=tries.number, divisor=tries.divisor))
            except (psycopg.Error, DatabaseUnreachable) as error:
                kind = passing(error)
                tries.note(kind)
                if kind is Passing.CONNECTION:
                    self._drop()
                raise

        retrying = Retrying(
            retry=retry_if_exception(lambda error: passing(error) is not None),
            stop=tries.are_spent,
            wait=_wait,
            sleep=self._sleep,
            before_sleep=self._report,
            reraise=True,
        )
        return retrying(attempt)

    def _ready(self) -> Connection:
        if self.connection is None or self.connection.closed:
            made = self._connect()
            try:
                for name, value in _SESSION.items():
                    made.execute("SELECT pg_catalog.set_config(%s, %s, false)", [name, value])
            except BaseException:
                made.close()
                raise
            # The same few statements for each batch; planning them would cost as much as the ledger's part of one.
            made.prepare_threshold = _PREPARED_AFTER
            self.connection = made
        return self.connection

    def release(self) -> None:
        """Give the connection back, where it would be idle for long; the next unit of work makes one."""
        self._drop()

    def _drop(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._go_on()
            time.sleep(min(left, _LOOK_SECONDS))

    def _report(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        kind = passing(error)
        if kind is not None and error is not None:
            self._tell(self, kind, trying_again(state.attempt_number, error, state.upcoming_sleep))


def trying_again(attempt: int, error: BaseException, seconds: float) -> str:
    """What is said of a failure that can pass by itself."""
    said = str(error).strip().splitlines()[0]
    return f"attempt {attempt}: {said}; tried again in {seconds:.1f} s"


def _wait(state: RetryCallState) -> float:
    kind = passing(state.outcome.exception() if state.outcome else None)
    return _WAITS[kind](state) if kind else 0.0
