"""What one worker remembers of its batches: which failed and are left alone, and how the next try is made.

A batch that fails is rolled back and ready for anybody. This worker turns to others meanwhile, and comes back to it:
later and later where somebody holds its rows, with a quarter of the rows after a time-out, with its rows locked in the
order of the key after a second deadlock. Five failures of the same kind, or five minutes of a held lock, are an error.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crossfade.backfill import retry
from crossfade.backfill.retry import Passing, wait_seconds

if TYPE_CHECKING:
    import psycopg

_DEADLOCKS = 2
"""After so many the rows are locked in order first, which costs a fifth more."""

_HALVED_AFTER = 3


@dataclass(slots=True)
class Trouble:
    """The failures of one batch."""

    error: psycopg.Error
    """The latest."""
    failed: dict[Passing, int] = field(default_factory=dict)
    refused: bool = False
    """A row of it was refused: it is written around."""
    since: float = field(default_factory=time.monotonic)
    until: float = 0.0
    """On the monotonic clock: when it is tried again."""

    @property
    def attempts(self) -> int:
        """How often it failed by itself."""
        return sum(self.failed.values())

    @property
    def locks_first(self) -> bool:
        """Whether its rows are locked in order first."""
        return self.failed.get(Passing.CONFLICT, 0) >= _DEADLOCKS

    def wants_less(self, kind: Passing) -> bool:
        """Whether the next try should take fewer rows: at once after a time-out, else after the third failure."""
        return kind is Passing.TIMEOUT or self.failed[kind] >= _HALVED_AFTER

    def is_spent(self, kind: Passing) -> bool:
        """Whether it is tried no more after a failure of this kind."""
        match kind:
            case Passing.LOCK:
                return time.monotonic() - self.since >= retry.PATIENCE_SECONDS
            case Passing.DISK:
                return False
            case _:
                return self.failed[kind] >= retry.ATTEMPTS


@dataclass(slots=True)
class Troubles:
    """The batches of one worker that failed and are not done."""

    _of: dict[int, Trouble] = field(default_factory=dict)
    last: int = 0
    """The batch that was claimed last."""

    def of(self, batch: int) -> Trouble | None:
        """What went wrong with a batch until now."""
        return self._of.get(batch)

    def failed(self, batch: int, kind: Passing, error: psycopg.Error) -> Trouble:
        """Note a failure that can pass by itself."""
        trouble = self._of.setdefault(batch, Trouble(error=error))
        trouble.error = error
        trouble.failed[kind] = trouble.failed.get(kind, 0) + 1
        trouble.until = time.monotonic() + wait_seconds(kind, trouble.failed[kind])
        return trouble

    def refused(self, batch: int, error: psycopg.Error) -> None:
        """Note that a row of the batch was refused."""
        self._of.setdefault(batch, Trouble(error=error)).refused = True

    def done(self, batch: int) -> None:
        """Forget a batch: it is done, or somebody else does it."""
        self._of.pop(batch, None)

    def avoided(self) -> tuple[int, ...]:
        """The batches that are left alone for now."""
        now = time.monotonic()
        return tuple(batch for batch, trouble in self._of.items() if trouble.until > now)

    def soonest(self) -> float:
        """Seconds until one that is left alone is tried again."""
        now = time.monotonic()
        return min((t.until - now for t in self._of.values() if t.until > now), default=0.0)
