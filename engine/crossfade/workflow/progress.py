"""How far the rows of a run are: every number that is shown anywhere, computed here from the ledger and nowhere else.

Nothing is kept between two looks, and only the last few thousand batches are read, so a look costs the same after ten
batches and after a million.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from crossfade.backfill.position import cut_fraction
from crossfade.backfill.task import task_of
from crossfade.errors import DatabaseUnreachable
from crossfade.observe.eta import Eta, Outlook, estimate
from crossfade.observe.figures import RunProgress, TableProgress
from crossfade.plan.model import Backfill, Plan
from crossfade.workflow import ledger
from crossfade.workflow.queries import query
from crossfade.workflow.recent import Recent, recent_work
from crossfade.workflow.states import FINAL, GIVEN_UP, State

Connection = psycopg.Connection[Any]
_LEAST_POSITION = 0.05
"""Of the rows; where less is cut, the histogram's steps are too coarse to correct the estimate by."""
_NEARLY = 0.9999
"""The most that is said to be done before the work is finished."""
_NOBODY = "nobody is at work"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The run as the ledger has it."""

    name: str
    state: State
    paused: str | None
    now: datetime
    settings: Backfill
    throttled_share: float
    step: str | None
    is_held: bool
    is_compared: bool
    """Both sides are compared after the last batch; a change of data has no sides."""
    changes_ahead: int


def read_progress(connection: Connection, run_id: int) -> RunProgress | None:
    """How far the run's rows are now; None before the first relation was begun."""
    rows = _fetch(connection, "progress", {"run": run_id})
    if not rows:
        return None
    run = _read_run(connection, run_id)
    recent = recent_work(connection, run_id, run.settings)
    tables = [_table(connection, row, recent) for row in rows]
    return _whole(run, recent, rows, tables)


class ProgressReader:
    """Looks at a run by name, on a connection of its own, which is made anew where it was lost; `close` it."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None

    def __call__(self, name: str) -> RunProgress | None:
        """How far the run is; None where that cannot be read."""
        try:
            self._connection = self._connection or self._connect()
            run = ledger.find_run(self._connection, name)
            return None if run is None else read_progress(self._connection, run.id)
        except (psycopg.Error, DatabaseUnreachable):
            self.close()
            return None

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _read_run(connection: Connection, run_id: int) -> _Run:
    row = _fetch(connection, "backfilling_run", {"run": run_id})[0]
    return _Run(
        name=row["name"],
        state=State(row["state"]),
        paused=None if row["state"] in FINAL else row["paused"],
        now=row["now"],
        settings=Plan.from_json(row["plan"]).backfill.tuned(row["tuning"]),
        throttled_share=float(row["throttled_share"]),
        step=row["step"],
        is_held=row["holder"] is not None,
        is_compared=bool((row["program"] or {}).get("rows")),
        changes_ahead=row["changes_ahead"],
    )


def _fetch(connection: Connection, name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(name), parameters).fetchall()


def _table(connection: Connection, row: Mapping[str, Any], recent: Recent) -> TableProgress:
    finished = row["finished_at"] is not None
    fraction, estimated = (1.0, row["rows_estimated"]) if finished else _extent(connection, row)
    mine = recent.of(row["task_id"])
    return TableProgress(
        relation=row["relation"],
        rows_done=row["rows_done"],
        rows_estimated=estimated,
        fraction=fraction,
        rows_per_second=mine.rows_per_second or _average(row["rows_done"], row["working_seconds"]),
        batch_rows=row["batch_rows"],
        batch_ms=mine.batch_ms,
        batches=row["batches"],
        workers=0 if finished else max(len(mine.workers), row["in_hand"]),
        quarantined=row["quarantined"],
        waived=row["waived"],
        wal_per_second=mine.wal_per_second,
        working_seconds=row["working_seconds"],
        throttled_seconds=row["throttled_seconds"],
        throttled_by=row["throttled_by"],
        verified_share=_verified_share(row),
        eta_seconds=0.0 if finished else None,
        eta_p50=None,
        eta_p90=None,
        eta_reason=None,
        finished=finished,
        verified=row["verified_at"] is not None,
    )


def _verified_share(row: Mapping[str, Any]) -> float | None:
    if row["verified_at"] is None:
        return None
    return 1.0 if row["verified_share"] is None else float(row["verified_share"])


def _extent(connection: Connection, row: Mapping[str, Any]) -> tuple[float | None, int | None]:
    """What part of a relation's rows is done, and how many there are in all."""
    done, cut = row["rows_done"], row["rows_done"] + row["rows_ready"]
    estimated: int | None = row["rows_estimated"]
    if row["pass"] > 1:
        # Every row was done once; what is written now are rows that were moved past us.
        return _NEARLY, max(done, 1)
    position = cut_fraction(connection, task_of(row))
    if position is not None and position >= _LEAST_POSITION and cut:
        estimated = max(cut, round(cut / position))
    if estimated is None:
        return None, None
    return min(_NEARLY, done / max(estimated, cut, 1)), max(estimated, cut)


def _whole(
    run: _Run, recent: Recent, rows: Sequence[Mapping[str, Any]], tables: Sequence[TableProgress]
) -> RunProgress:
    workers = max(len(recent.workers), sum(row["in_hand"] for row in rows))
    state, blocked = _situation(run, tables, workers)
    done, estimated = sum(t.rows_done for t in tables), sum(t.rows_estimated or 0 for t in tables)
    is_over = all(t.finished for t in tables) and not run.changes_ahead
    outlook = Outlook(
        now=run.now,
        remaining=max(0, estimated - done),
        fraction=done / max(estimated, 1),
        batches=sum(t.batches for t in tables),
        intervals=recent.intervals,
        throttled_share=run.throttled_share,
        hours=run.settings.hours,
        blocked=blocked,
    )
    eta = Eta(reason=_ahead(run.changes_ahead)) if run.changes_ahead and not blocked else estimate(outlook)
    is_done = is_over and run.state not in GIVEN_UP
    current = next((t for t in tables if not t.finished and t.batches), tables[-1])
    return RunProgress(
        rows_done=done,
        rows_estimated=None if run.changes_ahead else estimated,
        fraction=1.0 if is_over else None if run.changes_ahead else min(_NEARLY, done / max(estimated, 1)),
        rows_per_second=recent.rows_per_second or _average(done, sum(t.working_seconds for t in tables)),
        batch_rows=current.batch_rows,
        batch_ms=recent.batch_ms,
        batches=outlook.batches,
        workers=0 if is_over else workers,
        quarantined=sum(t.quarantined for t in tables),
        waived=sum(t.waived for t in tables),
        wal_per_second=recent.wal_per_second,
        working_seconds=sum(t.working_seconds for t in tables),
        throttled_seconds=_throttled_seconds(rows),
        throttled_by=next((t.throttled_by for t in tables if t.throttled_by and not t.finished), None),
        verified_share=_mean_share(tables),
        eta_seconds=0.0 if is_done else _seconds(run, eta),
        eta_p50=None if is_done else eta.p50,
        eta_p90=None if is_done else eta.p90,
        eta_reason=None if is_done else eta.reason,
        state=state,
        target_ms=1000 * run.settings.aim.target,
        elapsed_seconds=_elapsed(run, rows),
        tables=_timed(run, outlook, tables),
    )


def _situation(run: _Run, tables: Sequence[TableProgress], workers: int) -> tuple[str, str | None]:
    """What is going on, in words; and why no row is being done, where it is not known when that will end."""
    throttled = next((t.throttled_by for t in tables if t.throttled_by and not t.finished), None)
    closed = run.settings.hours.closed_because(run.now)
    if run.paused is not None:
        return f"paused: {run.paused}", f"paused: {run.paused}"
    if run.state is not State.BACKFILLING:
        return run.state.value, f"the run is {run.state}"
    if run.step is not None:
        return f"step {run.step}", None
    if all(t.finished for t in tables) and not run.changes_ahead:
        return ("verifying" if run.is_compared and run.is_held else run.state.value), None
    if closed is not None:
        return closed, None
    if throttled is not None:
        return f"throttled, {throttled}", throttled
    if not workers and not run.is_held:
        return _NOBODY, _NOBODY
    return "backfilling", None


def _timed(run: _Run, outlook: Outlook, tables: Sequence[TableProgress]) -> tuple[TableProgress, ...]:
    """The tables, each with when it will be done: they are worked on one after the other."""
    timed: list[TableProgress] = []
    remaining = 0.0
    for table in tables:
        if not table.finished:
            remaining += max(0, (table.rows_estimated or 0) - table.rows_done)
            eta = estimate(replace(outlook, remaining=remaining))
            seconds = _seconds(run, eta)
            timed.append(replace(table, eta_p50=eta.p50, eta_p90=eta.p90, eta_reason=eta.reason, eta_seconds=seconds))
        else:
            timed.append(table)
    return tuple(timed)


def _seconds(run: _Run, eta: Eta) -> float | None:
    return None if eta.p50 is None else max(0.0, (eta.p50 - run.now) / timedelta(seconds=1))


def _ahead(changes: int) -> str:
    return f"the rows of {changes} more change{'s' * (changes > 1)} have not been looked at yet"


def _average(rows: int, seconds: float) -> float | None:
    return rows / seconds if rows and seconds > 0 else None


def _throttled_seconds(rows: Sequence[Mapping[str, Any]]) -> float:
    """Every relation of a change that is not finished is throttled at the same time; changes come one after another."""
    longest: dict[str, float] = {}
    for row in rows:
        longest[row["change_id"]] = max(longest.get(row["change_id"], 0.0), row["throttled_seconds"])
    return sum(longest.values())


def _mean_share(tables: Sequence[TableProgress]) -> float | None:
    """What part of all rows was compared; None before any was."""
    if all(t.verified_share is None for t in tables):
        return None
    weights = [max(t.rows_estimated or 0, 1) for t in tables]
    return sum(w * (t.verified_share or 0.0) for w, t in zip(weights, tables, strict=True)) / sum(weights)


def _elapsed(run: _Run, rows: Sequence[Mapping[str, Any]]) -> float:
    begun = min(row["started_at"] for row in rows)
    ends = [row["finished_at"] for row in rows]
    end = run.now if run.changes_ahead or None in ends else max(ends)
    return float((end - begun) / timedelta(seconds=1))
