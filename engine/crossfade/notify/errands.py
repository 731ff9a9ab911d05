"""Errands: tries at sending that run aside, one for each target at a time, each with a limit to all of it.

A target that hangs keeps only its own thread. Its try is given up at the limit, and no other one at it begins before
that thread is over, so that threads do not pile up. They are daemons: none holds up the end of the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from crossfade.notify.outbox import Notification
from crossfade.notify.sending import Outcome, again, no_answer

Send = Callable[[], Outcome]


@dataclass(slots=True)
class _Errand:
    notification: Notification
    deadline: float
    """On the monotonic clock."""
    outcome: Outcome | None = None
    """Set by its thread when that is over."""
    is_told: bool = False
    """It was given up at its deadline."""


class Errands:
    """The tries that one process has in hand. Only its thread's owner calls the methods."""

    def __init__(self, *, seconds: float, wake: Callable[[], None]) -> None:
        """A try may take so many seconds; `wake` is called from another thread when one is over."""
        self._seconds = seconds
        self._wake = wake
        self._in_hand: dict[str, _Errand] = {}

    @property
    def busy(self) -> frozenset[str]:
        """Keys of the targets that a thread is at."""
        return frozenset(self._in_hand)

    @property
    def next_deadline(self) -> float | None:
        """When the next try is given up that is still waited for; None where none is."""
        return min((e.deadline for e in self._in_hand.values() if not e.is_told), default=None)

    def begin(self, notification: Notification, send: Send) -> None:
        """Let a thread try it."""
        errand = _Errand(notification, time.monotonic() + self._seconds)
        self._in_hand[notification.target] = errand

        def run() -> None:
            try:
                errand.outcome = send()
            except Exception as error:  # noqa: BLE001 -- a thread has nobody to raise to; the outbox keeps what it was
                errand.outcome = again(notification, f"this is a bug in crossfade: {type(error).__name__}")
            self._wake()

        threading.Thread(target=run, name=f"crossfade-notify-{notification.id}", daemon=True).start()

    def returned(self) -> Iterator[tuple[Notification, Outcome]]:
        """Each try that is over or has reached its limit, once."""
        for target, errand in tuple(self._in_hand.items()):
            if errand.outcome is not None:
                del self._in_hand[target]
                if not errand.is_told:
                    yield errand.notification, errand.outcome
            elif not errand.is_told and time.monotonic() >= errand.deadline:
                errand.is_told = True
                yield errand.notification, again(errand.notification, no_answer(self._seconds))
