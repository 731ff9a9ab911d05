"""How far the rows of a run are, as frozen values: what `status`, the displays, the log and the metrics all show.

`crossfade.workflow.progress` computes them from the ledger; nobody else does. Fields that change by the clock alone do
not count when two values are compared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is said of one table's rows and of all rows of a run alike."""

    rows_done: int
    """Rows of the batches that are done, whether or not they had to be written."""
    rows_estimated: int | None
    """How many there will have been; corrected as the work goes on, exact at the end."""
    fraction: float | None
    """What of the rows is done, from 0 to 1; below 1 until the work is finished."""
    rows_per_second: float | None
    """While batches are being done, over the last ten minutes of that."""
    batch_rows: int
    """What the next batch takes."""
    batch_ms: float | None
    """How long the last few batches took on average."""
    batches: int
    workers: int = field(compare=False)
    """Who did a batch in the last minute, or has one in hand."""
    quarantined: int
    """Rows that were refused and that nobody has decided on."""
    waived: int
    wal_per_second: float | None
    """Bytes that the server writes while batches are being done, those of others included."""
    working_seconds: float
    """Time in batches, added up over the workers."""
    throttled_seconds: float = field(compare=False)
    throttled_by: str | None
    verified_share: float | None
    """What part of the rows was compared; None before that."""
    eta_seconds: float | None = field(compare=False)
    """From now to `eta_p50`; 0 once it is done."""
    eta_p50: datetime | None = field(compare=False)
    """When it will be done as likely as not."""
    eta_p90: datetime | None = field(compare=False)
    """When it will be done in nine cases of ten."""
    eta_reason: str | None = field(compare=False)
    """Why there is no such time, or not both."""

    def as_json(self) -> dict[str, Any]:
        """All fields by their names, fit for JSON; times in ISO 8601."""
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(self).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProgress(Figures):
    """How far the backfill of one relation is: a table, or a leaf partition."""

    relation: str
    finished: bool
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress(Figures):
    """How far the backfill of a run is, over all of its relations."""

    state: str
    """What is going on, in words: `backfilling`, `throttled, REASON`, `verifying`, …"""
    target_ms: float
    """How long a batch should take."""
    elapsed_seconds: float = field(compare=False)
    """Since the first relation was begun, until the last was finished."""
    tables: tuple[TableProgress, ...]

    @property
    def is_finished(self) -> bool:
        """Whether every row is done, and none is refused that somebody has to decide on."""
        return self.fraction == 1 and not self.quarantined

    def as_json(self) -> dict[str, Any]:
        """As for every figure, with the number of relations in place of what is known of each."""
        finished = sum(t.finished for t in self.tables)
        own = {k: v for k, v in Figures.as_json(self).items() if k != "tables"}
        return own | {"tables": len(self.tables), "tables_finished": finished}
