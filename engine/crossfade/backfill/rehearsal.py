"""What a backfill would come to, put together from three batches that were rolled back; pure.

A rehearsal is measured per relation (`Measured`), extrapolated (`forecast`) and summed up with the plan's limits and
hours (`Outlook`). Times are in seconds, sizes in bytes, shares between 0 and 1; None is what could not be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from crossfade.backfill.hints import Note
    from crossfade.operations.rows.row_effects import CheckedKey, FiredTrigger
    from crossfade.plan.model import Backfill

Place = Literal["beginning", "middle", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A row that the database refuses to take."""

    key: str
    sqlstate: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A row that is meant: what it has, and what a batch made of it."""

    key: str
    before: Mapping[str, Any]
    after: Mapping[str, Any] | None = None
    """None where the row would be deleted, or could not be found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One batch that was done and rolled back."""

    place: Place
    rows: int = 0
    """Rows of its range."""
    written: int = 0
    seconds: float = 0.0
    wal_bytes: int = 0
    updated: int = 0
    hot: int = 0
    """Row versions among the updated ones that needed no entry in any index."""
    refused: tuple[Refused, ...] = ()
    skipped: str | None = None
    """Why it says nothing of time and size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRoom:
    """How far an integer key has come."""

    column: str
    greatest: int
    limit: int

    @property
    def share(self) -> float:
        """Of the type's numbers, how many are behind it."""
        return self.greatest / self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Average sizes in the table that is written to, per row."""

    row: float
    indexes: float | None = None
    """The entries of one row in all indexes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was seen of one relation."""

    change: str
    relation: str
    writes: Literal["update", "delete", "copy"]
    key: tuple[str, ...] = ()
    """The columns by which it is walked; none where it is walked by place."""
    pages: int = 0
    rows: int = 0
    """Those that are still to be walked."""
    pending: int | None = None
    """How many of them have to be written, where they were counted."""
    widths: Widths | None = None
    room: KeyRoom | None = None
    samples: tuple[Sample, ...] = ()
    warnings: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    skipped: str | None = None
    """Why no batch was tried."""

    @property
    def timed(self) -> tuple[Sample, ...]:
        """The samples that say something of time and size."""
        return tuple(s for s in self.samples if s.skipped is None and s.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What one relation would come to."""

    rows_to_write: int | None
    rows_to_write_exact: bool
    seconds_p50: float | None
    """Of work, by one worker without a rest."""
    seconds_p90: float | None
    wal_bytes: int | None
    table_bytes: int | None
    """What the table grows by at most; VACUUM beside the batches makes some of the room fit for use again."""
    index_bytes: int | None
    hot_share: float | None


NOTHING_KNOWN = Forecast(
    rows_to_write=None,
    rows_to_write_exact=False,
    seconds_p50=None,
    seconds_p90=None,
    wal_bytes=None,
    table_bytes=None,
    index_bytes=None,
    hot_share=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What all relations come to under the plan's limits and in its hours, from now on."""

    rows: int | None
    """None where one of the relations could not be looked at."""
    rows_to_write: int | None
    seconds_p50: float | None
    seconds_p90: float | None
    finish_p50: datetime | None
    """None where it is not known, or never."""
    finish_p90: datetime | None
    wal_bytes: int | None
    table_bytes: int | None
    index_bytes: int | None


def forecast(measured: Measured, alike: Iterable[Measured]) -> Forecast:
    """Extrapolate one relation; where it has no sample of its own, by those of the change's other relations.

    Of one in which no batch could be tried nothing is known, not even whether it is like the others.
    """
    if measured.skipped is not None:
        return NOTHING_KNOWN
    samples = measured.timed or tuple(s for other in alike for s in other.timed)
    written = sum(s.written for s in samples)
    expected = _expected(measured, samples)
    rates = [s.seconds / s.rows for s in samples]
    updated = sum(s.updated for s in samples)
    hot = sum(s.hot for s in samples) / updated if updated else None
    return Forecast(
        rows_to_write=expected,
        rows_to_write_exact=measured.pending is not None,
        seconds_p50=measured.rows * median(rates) if rates else None if measured.rows else 0.0,
        seconds_p90=measured.rows * max(rates) if rates else None if measured.rows else 0.0,
        wal_bytes=_times(expected, sum(s.wal_bytes for s in samples) / written if written else None),
        table_bytes=_table_growth(measured, expected),
        index_bytes=_index_growth(measured, expected, hot),
        hot_share=hot,
    )


def _expected(measured: Measured, samples: Sequence[Sample]) -> int | None:
    if measured.pending is not None:
        return measured.pending
    seen = sum(s.rows for s in samples)
    return round(measured.rows * sum(s.written for s in samples) / seen) if seen else None


def _times(rows: int | None, each: float | None) -> int | None:
    if rows == 0:
        return 0
    return None if rows is None or each is None else round(rows * each)


def _table_growth(measured: Measured, expected: int | None) -> int | None:
    if measured.writes == "delete":
        return 0
    return _times(expected, measured.widths.row if measured.widths else None)


def _index_growth(measured: Measured, expected: int | None, hot: float | None) -> int | None:
    """A row version that is not HOT has an entry in every index, whichever column was changed."""
    if measured.writes == "delete":
        return 0
    each = measured.widths.indexes if measured.widths else None
    if measured.writes == "copy" or each is None:
        return _times(expected, each)
    return _times(expected, None if hot is None else each * (1 - hot))


def outlook(measured: Sequence[Measured], forecasts: Sequence[Forecast], plan: Backfill, now: datetime) -> Outlook:
    """Everything together. The median assumes that several workers add up, the 90th percentile that they do not."""
    rows = sum(m.rows for m in measured)
    wal = _total(f.wal_bytes for f in forecasts)
    p50, p90 = (_total(getattr(f, name) for f in forecasts) for name in ("seconds_p50", "seconds_p90"))
    seconds_p50 = None if p50 is None else _with_rests(p50 / plan.workers, rows, wal, plan)
    seconds_p90 = None if p90 is None else _with_rests(p90, rows, wal, plan)
    return Outlook(
        rows=None if any(m.skipped is not None for m in measured) else rows,
        rows_to_write=_total(f.rows_to_write for f in forecasts),
        seconds_p50=seconds_p50,
        seconds_p90=seconds_p90,
        finish_p50=None if seconds_p50 is None else plan.hours.finish_of(now, seconds_p50),
        finish_p90=None if seconds_p90 is None else plan.hours.finish_of(now, seconds_p90),
        wal_bytes=wal,
        table_bytes=_total(f.table_bytes for f in forecasts),
        index_bytes=_total(f.index_bytes for f in forecasts),
    )


def _total(values: Iterable[Any]) -> Any:
    """The sum; None where one of them is not known."""
    listed = list(values)
    return None if None in listed else sum(listed)


def _with_rests(seconds: float, rows: int, wal: int | None, plan: Backfill) -> float:
    by_rows = rows / plan.rows_per_second if plan.rows_per_second else 0.0
    by_wal = (wal or 0) / plan.wal_per_second if plan.wal_per_second else 0.0
    return max(seconds * (1 + plan.nice), by_rows, by_wal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a backfill would come to; nothing of it was kept."""

    name: str
    state: str | None
    """Where the plan's run stands; None where it was never started."""
    relations: tuple[tuple[Measured, Forecast], ...]
    total: Outlook
    stands_in: bool = False
    """The new column is not there yet: the old one was written in its place, with its own values."""
    triggers: tuple[FiredTrigger, ...] = ()
    foreign_keys: tuple[CheckedKey, ...] = ()
    missing_rights: tuple[str, ...] = ()
    """The GRANT for each right that the role lacks."""
    notes: tuple[Note, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The document of `backfill RUN --dry-run --json`."""
        return {
            "name": self.name,
            "state": self.state,
            "stands_in": self.stands_in,
            "relations": [{**asdict(m), **asdict(f)} for m, f in self.relations],
            "total": {
                **asdict(self.total),
                "finish_p50": _time(self.total.finish_p50),
                "finish_p90": _time(self.total.finish_p90),
            },
            "triggers": [asdict(t) for t in self.triggers],
            "foreign_keys": [asdict(k) for k in self.foreign_keys],
            "missing_rights": list(self.missing_rights),
            "notes": [asdict(n) for n in self.notes],
        }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
