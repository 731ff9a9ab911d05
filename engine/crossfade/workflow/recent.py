"""The last ten minutes of a run's work, out of the ledger's batches; time in which nothing was done does not count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row

from crossfade.observe.eta import Interval
from crossfade.workflow.queries import query

if TYPE_CHECKING:
    from crossfade.plan.model import Backfill

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What was done in one relation in one interval."""

    interval: int
    """0 is the latest."""
    backfill_id: int
    batches: int
    rows: int
    work: float
    """Seconds from batch to batch."""
    seconds: float
    """In batches, added up over the workers."""
    wal: int | None
    """Bytes that the server wrote meanwhile; for batches at the same time more than once."""
    workers: Sequence[str] | None
    """Who did one of them within the last minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """What was done lately, in the whole run or in one relation."""

    pieces: tuple[Piece, ...]

    def of(self, backfill_id: int) -> Recent:
        """What was done of it in one relation."""
        return Recent(pieces=tuple(p for p in self.pieces if p.backfill_id == backfill_id))

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The latest first."""
        numbers = sorted({p.interval for p in self.pieces})
        each = ([p for p in self.pieces if p.interval == number] for number in numbers)
        return tuple(Interval(sum(p.rows for p in pieces), sum(p.work for p in pieces)) for pieces in each)

    @property
    def rows_per_second(self) -> float | None:
        """The mean rate; None where nothing was done."""
        return _ratio(sum(p.rows for p in self.pieces), sum(p.work for p in self.pieces))

    @property
    def batch_ms(self) -> float | None:
        """How long a batch of the latest interval took on average."""
        latest = min((p.interval for p in self.pieces), default=0)
        last = [p for p in self.pieces if p.interval == latest]
        return _ratio(1000 * sum(p.seconds for p in last), sum(p.batches for p in last))

    @property
    def wal_per_second(self) -> float | None:
        """Bytes; what workers at the same time saw of the same WAL is counted once."""
        work, seconds = sum(p.work for p in self.pieces), sum(p.seconds for p in self.pieces)
        return _ratio(sum(p.wal or 0 for p in self.pieces), max(work, seconds))

    @property
    def workers(self) -> frozenset[str]:
        """Who did a batch within the last minute."""
        return frozenset(name for p in self.pieces for name in p.workers or ())


def recent_work(connection: Connection, run_id: int, settings: Backfill) -> Recent:
    """What was done lately; `settings` say how long a worker may rest between two batches."""
    with connection.cursor(row_factory=class_row(Piece)) as cursor:
        found: Iterable[Piece] = cursor.execute(
            query("recent_work"),
            {
                "run": run_id,
                "nice": settings.nice,
                "rows_limit": settings.rows_per_second,
                "wal_limit": settings.wal_per_second,
            },
        ).fetchall()
    return Recent(pieces=tuple(found))


def _ratio(amount: float, of: float) -> float | None:
    return amount / of if amount and of > 0 else None
