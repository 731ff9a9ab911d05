"""What a rehearsal makes a person think about, and what to write in the plan instead; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from crossfade.backfill.pace import AIM

if TYPE_CHECKING:
    from crossfade.backfill.rehearsal import Forecast, Measured, Outlook
    from crossfade.operations.rows.row_effects import CheckedKey
    from crossfade.plan.model import Backfill

_TIGHT_KEY = 0.8
_FEW_HOT = 0.5
_ALIKE = 0.2
"""How much samples may differ in their share of rows to write."""
_WAL_SHARE = 0.5
"""Of what the server lets pile up between two checkpoints, how much a backfill may take."""
_MANY_BYTES = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to think about: the object, and a sentence that says what to do."""

    about: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The server's settings that matter here."""

    max_wal_bytes: int
    checkpoint_seconds: int
    tells_own_wal: bool


def hints(
    measured: Sequence[Measured],
    forecasts: Sequence[Forecast],
    total: Outlook,
    plan: Backfill,
    server: Server,
) -> Iterator[Note]:
    """Everything that the numbers say."""
    for one, expected in zip(measured, forecasts, strict=True):
        yield from _of_relation(one, expected)
    yield from _batch_rows(measured, plan)
    yield from _hours(total, plan)
    yield from _wal(total, server)
    growth = (total.table_bytes or 0) + (total.index_bytes or 0)
    if growth > _MANY_BYTES:
        yield Note(
            about="disk",
            message=f"tables and indexes may grow by up to {size(growth)}; how much room the server's disk has cannot "
            "be seen from here: look before it runs",
        )


def _of_relation(one: Measured, expected: Forecast) -> Iterator[Note]:
    about = one.relation
    if one.skipped is not None:
        yield Note(about=about, message=f"no batch was tried: {one.skipped}")
    for sample in one.samples:
        if sample.skipped is not None:
            yield Note(about=about, message=f"the batch at the {sample.place} was not measured: {sample.skipped}")
    yield from (Note(about=about, message=warning) for warning in one.warnings)
    if one.rows and not one.key and one.skipped is None:
        yield Note(
            about=about,
            message="no key orders its rows, so that it is walked by place (ctid), and once more until a pass finds "
            "nothing: a primary key makes it one pass",
        )
    if one.room is not None and one.room.share > _TIGHT_KEY:
        yield Note(
            about=about,
            message=f"{one.room.column} has come to {one.room.greatest:,} of {one.room.limit:,} "
            f"({one.room.share:.0%}): new rows are refused once its type is exhausted",
        )
    shares = [s.written / s.rows for s in one.timed]
    if one.pending is None and shares and max(shares) - min(shares) > _ALIKE:
        yield Note(
            about=about,
            message=f"between {min(shares):.0%} and {max(shares):.0%} of the rows in a sample have to be written: how "
            "many there are in all is a guess",
        )
    refused = len({r.key for sample in one.samples for r in sample.refused})
    if refused:
        rows = "a row is" if refused == 1 else f"{refused} rows are"
        yield Note(
            about=about,
            message=f"{rows} refused already in the samples and would be set aside: correct them, or what refuses "
            "them, before it runs",
        )
    if expected.hot_share is not None and expected.hot_share < _FEW_HOT and one.widths and one.widths.indexes:
        yield Note(
            about=about,
            message=f"{1 - expected.hot_share:.0%} of the updates add an entry to every index of the table (not HOT): "
            "its pages are full, or an indexed column is set; REINDEX CONCURRENTLY afterwards gives the room back",
        )


def _batch_rows(measured: Sequence[Measured], plan: Backfill) -> Iterator[Note]:
    rates = [s.seconds / s.rows for one in measured for s in one.timed if s.rows >= min(100, plan.batch_rows)]
    if not rates:
        return
    seconds = plan.batch_rows * median(rates)
    if seconds > plan.aim.target:
        fitting = max(plan.min_rows, round(AIM * plan.aim.target / median(rates)))
        yield Note(
            about="batch_rows",
            message=f"a batch of {plan.batch_rows} rows takes about {seconds * 1000:.0f} ms, and `target` is "
            f"{plan.aim.target * 1000:.0f} ms: begin with `batch_rows: {fitting}`",
        )


def _hours(total: Outlook, plan: Backfill) -> Iterator[Note]:
    if total.seconds_p90 is None or total.finish_p90 is not None:
        return
    when = "at all" if total.finish_p50 is None else "if it goes as slowly as the slowest sample"
    limits = [name for name in ("window", "blackout", "deadline") if getattr(plan, name)]
    yield Note(
        about=" and ".join(limits) or "hours",
        message=f"it does not get done {when}: allow more hours, or more at a time "
        "(`workers`, `rows_per_second`, `wal_per_second`, less `nice`)",
    )


def _wal(total: Outlook, server: Server) -> Iterator[Note]:
    if not total.wal_bytes or not total.seconds_p50:
        return
    between_checkpoints = total.wal_bytes / max(1.0, total.seconds_p50) * server.checkpoint_seconds
    if total.wal_bytes > server.max_wal_bytes and between_checkpoints > server.max_wal_bytes:
        fitting = max(1, round(_WAL_SHARE * server.max_wal_bytes / server.checkpoint_seconds / 1024**2))
        yield Note(
            about="wal_per_second",
            message=f"it writes {size(total.wal_bytes)} of WAL, so fast that max_wal_size "
            f"({size(server.max_wal_bytes)}) forces checkpoints: write `wal_per_second: {fitting}MB`, or set "
            "max_wal_size higher; replicas and the archive have to take all of it",
        )


def about_keys(keys: Sequence[CheckedKey]) -> Iterator[Note]:
    """Foreign keys that make each row slow."""
    for key in keys:
        if key.scans:
            yield Note(
                about=key.table,
                message=f"foreign key {key.name} has no index on its columns, so that the whole table is read for each "
                "row: create one first (`create index concurrently`)",
            )


def size(count: int) -> str:
    """A size as a person reads it: 512 B, 3.4 MB, 120 GB."""
    value, units = float(count), iter(("B", "kB", "MB", "GB"))
    for unit in units:
        if value < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TB"
