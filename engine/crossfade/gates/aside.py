"""Asking aside: a call that runs in a daemon thread from the moment on at which it is made, and has a deadline.

Several that are made before the first one is waited for run side by side. A thread that hangs holds up neither the
answer of the others nor the end of the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """A call that is running aside."""

    def __init__(self, call: Callable[[], T], *, seconds: float, name: str = "crossfade-source") -> None:
        self._call = call
        self._deadline = time.monotonic() + seconds
        self._answer: T | None = None
        self._bug: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def answer(self) -> T | None:
        """What the call gave; None where it has given nothing by the deadline. Raises what the call raised."""
        self._thread.join(max(0.0, self._deadline - time.monotonic()))
        if self._bug is not None:
            raise self._bug
        return self._answer

    def _run(self) -> None:
        try:
            self._answer = self._call()
        except Exception as error:  # noqa: BLE001 - raised again by `answer`, in the thread that waits
            self._bug = error
