"""A version of an app at work: a thread that sends what its `Sender` makes, over and over.

What it sends often is prepared, and goes on over every step of a plan. A prepared write keeps the types of its
parameters, though: before it sends values that only another type has, it connects again, as a pool does in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from ...operations.life.writers import Writer
from .sender import Lost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .sender import Sender
    from .shape import Shape

A_ROUND = 5
"""Statements."""


class LiveWriter(Writer):
    """As `Writer` is; `statements` says how many have been sent so far."""

    def __init__(self, url: str, sender: Sender, numbers: Iterator[int]) -> None:
        self.sender = sender
        self.statements = 0
        self._next_shape: Shape | None = None
        self._again: psycopg.Connection[Any] | None = None
        super().__init__(url, sender.name, ("as its sender makes them",), numbers)

    def turn_to(self, shape: Shape) -> None:
        """Send what this shape has room for from now on."""
        self._next_shape = shape

    def end(self) -> None:
        """As before."""
        super().end()
        if self._again is not None:
            self._again.close()

    def _send_all(self, connection: psycopg.Connection[Any], number: int) -> None:
        if self._next_shape is not None:
            self.sender.shape, self._next_shape = self._next_shape, None
            if self._again is not None:
                self._again.close()
            self._again = psycopg.connect(self._url, autocommit=True, application_name=self.name)
        for _ in range(A_ROUND):
            try:
                self.sender.some(self._again or connection)
            except psycopg.Error as error:
                notes = "; ".join(getattr(error, "__notes__", ()))
                self._fail(f"{error} (SQLSTATE {error.sqlstate}), in round {number}: {notes}")
                raise
            except Lost as error:
                self._fail(f"{error}, in round {number}")
            with self._changed:
                self.statements += 1
                self._sent += 1
                self._changed.notify_all()
