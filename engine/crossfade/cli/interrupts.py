"""Signals while a command works: the first Ctrl-C or SIGTERM asks the engine to stop, the second one cancels.

The engine finishes the batch or step that it has in hand and raises Interrupted. The second signal raises
KeyboardInterrupt where the command stands; what was not committed is rolled back by the database.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stoppable(Protocol):
    """What can be asked to end after the work in hand."""

    def stop(self) -> None:
        """End after the work in hand."""


@contextmanager
def stopping(engine: Stoppable) -> Iterator[Callable[[], bool]]:
    """Let signals stop the engine in good order; gives whether one came."""
    asked = False

    def on_signal(_number: int, _frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        engine.stop()
        # Not by sys.stderr: the signal may have come in the midst of a write to it, which cannot be entered twice.
        with suppress(OSError):
            os.write(2, b"\nStopping after what is in hand; once more cancels it.\n")

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def cancelling() -> Iterator[None]:
    """Let the first signal cancel at once, while a person is asked."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
