"""The two versions of an app: each a thread with a connection of its own that sends its statements over and over.

A writer works at one of two paces: what it writes is kept, or each round is rolled back, so that facts of before and
after can be compared although it was at work meanwhile. The first statement that fails ends it, and every later call
of this class fails with that statement and with what PostgreSQL said.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .case import Case

STATEMENTS = 20
"""How many each writer sends at least, wherever it is looked at what it does."""
SECONDS = 30.0
"""Nobody waits longer for a writer, and no statement for a lock."""
BETWEEN_ROUNDS = 0.02
"""Seconds, unless it is waited for; two writers that never paused would leave no processor to the engine."""


class Pace(Enum):
    """What a writer is told to do."""

    REST = "rest"
    KEEP = "keep"
    UNDO = "undo"
    END = "end"


class Writer:
    """One version of the app. Without statements it does nothing."""

    def __init__(self, url: str, name: str, statements: tuple[str, ...], numbers: Iterator[int]) -> None:
        self.name = name
        self._url = url
        self._statements = statements
        self._numbers = numbers
        self._changed = threading.Condition()
        self._pace = Pace.REST
        self._rests = True
        self._sent = self._goal = 0
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        if statements:
            self._thread.start()

    def work(self) -> None:
        """Send statements from now on, each committed by itself."""
        self._set(Pace.KEEP)

    def rehearse(self) -> None:
        """Send statements from now on, each round in a transaction that is rolled back."""
        self._set(Pace.UNDO)

    def rest(self) -> None:
        """Stop after some more statements, so that none is missing from what is looked at."""
        self.send_some()
        with self._changed:
            self._pace = Pace.REST
            self._changed.notify_all()
            self._await(lambda: self._rests, "did not come to rest")

    def send_some(self, least: int = STATEMENTS) -> None:
        """Wait until it has sent so many more statements. A writer that rests goes on resting."""
        with self._changed:
            if self._statements and self._pace is not Pace.REST:
                goal = self._goal = self._sent + least
                self._changed.notify_all()
                self._await(lambda: self._sent >= goal, f"sent fewer than {least} statements")
            self._raise()

    def end(self) -> None:
        """End the thread; nothing is said of a failure."""
        with self._changed:
            self._pace = Pace.END
            self._changed.notify_all()
        if self._statements:
            self._thread.join(SECONDS)

    def _set(self, pace: Pace) -> None:
        with self._changed:
            self._raise()
            self._pace = pace
            self._rests = not self._statements
            self._changed.notify_all()
        self.send_some(1)

    def _await(self, is_so: Callable[[], bool], otherwise: str) -> None:
        self._changed.wait_for(lambda: self._failure is not None or is_so(), SECONDS)
        self._raise()
        assert is_so(), f"{self.name} {otherwise} within {SECONDS:.0f} s"

    def _raise(self) -> None:
        assert self._failure is None, self._failure

    # In its thread

    def _live(self) -> None:
        try:
            with psycopg.connect(self._url, autocommit=True, application_name=self.name) as connection:
                connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{SECONDS:.0f}s"])
                while (pace := self._next()) is not Pace.END:
                    self._round(connection, pace, next(self._numbers))
        except psycopg.Error as error:
            self._fail(f"{self.name}: {error}")

    def _next(self) -> Pace:
        """What is to be done now; waits while that is nothing."""
        with self._changed:
            self._changed.wait_for(lambda: self._pace is Pace.END or self._sent < self._goal, BETWEEN_ROUNDS)
            while self._pace is Pace.REST:
                self._rests = True
                self._changed.notify_all()
                self._changed.wait()
            return self._pace

    def _round(self, connection: psycopg.Connection[Any], pace: Pace, number: int) -> None:
        if pace is Pace.KEEP:
            self._send_all(connection, number)
            return
        with connection.transaction(force_rollback=True):
            self._send_all(connection, number)

    def _send_all(self, connection: psycopg.Connection[Any], number: int) -> None:
        for statement in self._statements:
            try:
                done = connection.execute(statement.encode(), {"n": number})
            except psycopg.Error as error:
                self._fail(f"{self.name}: {error} (SQLSTATE {error.sqlstate}), in: {statement}, n = {number}")
                raise
            said = done.statusmessage or ""
            if done.rowcount == 0 and said.startswith(("INSERT", "UPDATE", "DELETE", "MERGE")):
                self._fail(f"{self.name}: touched no row: {statement}, n = {number}")
            with self._changed:
                self._sent += 1
                self._changed.notify_all()

    def _fail(self, what: str) -> None:
        """Keep what failed first."""
        with self._changed:
            self._failure = self._failure or what
            self._changed.notify_all()


@contextmanager
def writers(case: Case, url: str) -> Iterator[tuple[Writer, Writer]]:
    """The old and the new version of the app, both at rest; they end with the block."""
    old = Writer(url, "old version", case.old_writes, count(1001, 2))
    new = Writer(url, "new version", case.new_writes, count(1002, 2))
    try:
        yield old, new
    finally:
        old.end()
        new.end()
