"""Looks after backfills while they go on: reads their figures again and again, for all who show them.

The reader does the I/O and is given from outside. One thread looks once a second at each run that events say is in its
backfill, and once more at one that has left it. The latest figures stay in between, and where a look fails.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from crossfade.observe.events import BatchDone, Event, StateChanged, Throttled, WorkEnded

if TYPE_CHECKING:
    from crossfade.observe.figures import RunProgress

LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
"""How long the end of the last look is waited for."""
MOST_RUNS = 32
"""So many are remembered after they left their backfill."""
Read = Callable[[str], "RunProgress | None"]
"""The figures of a run by its name; None where they cannot be read, or there are none."""


def nothing_to_read(_run: str) -> RunProgress | None:
    """The reader where nobody keeps figures."""
    return None


@dataclass(slots=True)
class _Followed:
    """A run that is looked at."""

    begun: float = field(default_factory=time.monotonic)
    figures: RunProgress | None = None
    has_left: bool = False
    """It is no longer in its backfill."""
    is_over: bool = False
    """It was looked at since."""


class Lookout:
    """The latest figures of the runs at work; a context manager. `emit` may be called from any thread."""

    def __init__(self, read: Read = nothing_to_read, seconds: float = LOOK_SECONDS) -> None:
        """Between two looks go so many seconds."""
        self._read = read
        self._seconds = seconds
        self._runs: dict[str, _Followed] = {}
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._is_called = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="crossfade-lookout", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._is_called.set()
        self._thread.join(_PATIENCE_SECONDS)

    def __contains__(self, run: str) -> bool:
        return run in self._runs

    def latest(self, run: str) -> RunProgress | None:
        """The figures of the last look at a run; None while it is not in its backfill."""
        found = self._runs.get(run)
        return None if found is None or found.has_left else found.figures

    def elapsed_seconds(self, run: str) -> float:
        """Since this process first heard of the run's backfill."""
        found = self._runs.get(run)
        return 0.0 if found is None else time.monotonic() - found.begun

    def all_latest(self) -> Mapping[str, RunProgress]:
        """The figures of every run by its name, also of those that left their backfill lately."""
        with self._lock:
            return {name: run.figures for name, run in self._runs.items() if run.figures is not None}

    def emit(self, event: Event) -> None:
        """Take in an event: it begins the looking, or ends it."""
        match event:
            case StateChanged(target="backfilling") | BatchDone() | Throttled():
                self._follow(event.run)
            case StateChanged() | WorkEnded():
                self._leave(event.run)

    def _follow(self, name: str) -> None:
        found = self._runs.get(name)
        if found is None or found.has_left:
            with self._lock:
                self._runs.pop(name, None)
                self._runs[name] = _Followed()
        if self._runs[name].figures is None:
            self._is_called.set()  # there is something to see by now

    def _leave(self, name: str) -> None:
        found = self._runs.get(name)
        if found is None:
            return
        found.has_left = True
        with self._lock:
            gone = [n for n, run in self._runs.items() if run.has_left]
            for old in gone[: max(0, len(gone) - MOST_RUNS)]:
                del self._runs[old]
        self._is_called.set()

    def _watch(self) -> None:
        while not self._is_over.is_set():
            with self._lock:
                at_work = [(name, run) for name, run in self._runs.items() if not run.is_over]
            for name, run in at_work:
                was_last = run.has_left
                run.figures = self._read(name) or run.figures
                run.is_over = was_last
            self._is_called.wait(self._seconds if at_work else None)
            self._is_called.clear()
