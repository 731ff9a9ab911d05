"""Figures of a backfill, made up, and waiting for those who read them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from crossfade.observe.figures import RunProgress, TableProgress

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 60.0


def until(condition: Callable[[], object]) -> None:
    """Wait for what another thread or process does."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)


def table_progress(relation: str = "public.users") -> TableProgress:
    """A table that is being filled."""
    return TableProgress(
        relation=relation,
        rows_done=12_345,
        rows_estimated=30_000,
        fraction=0.412,
        rows_per_second=300.0,
        batch_rows=987,
        batch_ms=38.0,
        batches=40,
        workers=3,
        quarantined=2,
        waived=1,
        wal_per_second=4.0 * 1024**2,
        working_seconds=42.0,
        throttled_seconds=7.0,
        throttled_by=None,
        verified_share=None,
        eta_seconds=None,
        eta_p50=None,
        eta_p90=None,
        eta_reason=None,
        finished=False,
        verified=False,
    )


def run_progress(*tables: TableProgress) -> RunProgress:
    """A run that is in its backfill; its own figures are those of one table."""
    one = table_progress()
    shared = {name: getattr(one, name) for name in one.as_json() if name not in ("relation", "finished", "verified")}
    return RunProgress(**shared, state="backfilling", target_ms=50.0, elapsed_seconds=65.0, tables=tables or (one,))
