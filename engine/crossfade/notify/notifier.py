"""Notifications of one engine: nothing is done, and no connection opened, until there may be somebody to tell."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

from crossfade.notify import outbox
from crossfade.notify.teller import Pace, Teller
from crossfade.observe.events import Emit, Event
from crossfade.observe.logging import get_logger
from crossfade.plan.notify import Target
from crossfade.postgres.connect import masked

Connection = psycopg.Connection[Any]


class Notifier:
    """Tells targets what happens to the runs that an engine drives. Nothing that it does fails or delays a run."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        targets: Sequence[Target] = (),
        *,
        environment: Mapping[str, str] = os.environ,
        pace: Pace | None = None,
    ) -> None:
        """`targets` are told of every run that is driven, besides those that the run's plan names."""
        self._connect = connect
        self._targets = tuple(targets)
        self._environment = environment
        self._pace = pace or Pace()
        self._teller: Teller | None = None

    def begin(self) -> None:
        """Tell from now on."""
        if self._teller is None:
            self._teller = Teller(self._connect, self._targets, self._environment, self._pace)

    def follow(self, connection: Connection, run: str, plan: Mapping[str, Any]) -> None:
        """Look after a run that is about to be driven, and whose plan is this document, if anybody is to be told.

        That may also be something of another run that could not be sent before.
        """
        if self._targets or plan.get("notify") or _has_unsent(connection):
            self.begin()
        if self._teller is not None:
            self._teller.follow(run)

    def beside(self, listener: Emit) -> Emit:
        """The listener, and after it whoever tells."""

        def emit(event: Event) -> None:
            listener(event)
            if self._teller is not None:
                self._teller.emit(event)

        return emit

    def close(self) -> None:
        """Wait for what is in hand, about a second at most; what is left stays in the outbox."""
        if self._teller is not None:
            self._teller.close()
            self._teller = None


def _has_unsent(connection: Connection) -> bool:
    try:
        return outbox.has_unsent(connection)
    except psycopg.Error as error:
        get_logger().warning("notifications_wait", reason=masked(str(error).strip()))
        return False
