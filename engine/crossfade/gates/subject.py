"""What the gates of a phase are asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.operations.step import Phase, RowChange
    from crossfade.plan.model import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A run, as far as gates need to know it."""

    run_id: int
    name: str
    digest: str
    plan: Plan
    rows: tuple[RowChange, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the evidence."""

    phase: Phase
    now: datetime
    """The database's clock, read before any evidence."""
    record: bool
    """Whether what is seen is kept in the ledger."""
