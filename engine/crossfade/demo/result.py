"""What the demo measured, and whether crossfade kept its promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crossfade.demo.traffic import Failure
from crossfade.workflow.states import State

FAILURES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How to look inside a server that was left running."""

    url: str
    psql: str
    status: str
    stop: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """The figures of one demo."""

    state: State
    rows: int
    """Users at the end."""
    statements: int
    """Of all app processes."""
    failed_statements: int
    longest_statement_ms: float
    p99_ms_idle: float
    """Of one app alone, before anything was changed."""
    p99_ms_during: float
    """Of all apps, from the first step of expand to the last of contract."""
    lock_attempts: int
    """How often a step tried for its locks, those that had them at once included."""
    batches: int
    parity_mismatches: int
    """Rows whose two columns differed, in any of the comparisons, and rows that lost what was written."""
    seconds: float
    schema_equal: bool
    """Whether the schema at the end is the one that a plain RENAME COLUMN gives."""
    blocked_by: str | None
    """Why contract was refused while the old version lived; None where it was not."""
    failures: tuple[Failure, ...] = ()
    kept: Kept | None = None

    @property
    def ok(self) -> bool:
        """Whether everything went as promised."""
        return not any(self.problems())

    def problems(self) -> Iterator[str]:
        """What did not, a line each."""
        if self.failed_statements:
            yield f"{self.failed_statements} statements failed; the first:"
            yield from (f"  {f}" for f in self.failures[:FAILURES_SHOWN])
        if self.parity_mismatches:
            yield f"{self.parity_mismatches} rows differ, or lost what was written"
        if self.blocked_by is None:
            yield "contract was not blocked by the old version that was live"
        if not self.schema_equal:
            yield "the schema at the end is not the one that plain DDL gives"
        if self.state is not State.CONTRACTED:
            yield f"the run ended in state {self.state}, not {State.CONTRACTED}"

    def as_json(self) -> dict[str, Any]:
        """The document of `demo --json`."""
        document: dict[str, Any] = {
            "state": self.state.value,
            "rows": self.rows,
            "statements": self.statements,
            "failed_statements": self.failed_statements,
            "longest_statement_ms": round(self.longest_statement_ms, 3),
            "p99_ms_idle": round(self.p99_ms_idle, 3),
            "p99_ms_during": round(self.p99_ms_during, 3),
            "lock_attempts": self.lock_attempts,
            "batches": self.batches,
            "parity_mismatches": self.parity_mismatches,
            "seconds": round(self.seconds, 2),
            "schema_equal": self.schema_equal,
            "blocked_by": self.blocked_by,
        }
        if not self.ok:
            document["problems"] = [p.strip() for p in self.problems()]
        return document | ({"url": self.kept.url, "stop": self.kept.stop} if self.kept else {})
