"""What the gates of a phase are asked about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from crossfade.gates.sources.outside import Heard
    from crossfade.operations.step import Phase, RowChange, Watch
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
    watches: tuple[Watch, ...] = ()
    watch: str = field(default_factory=lambda: uuid4().hex)
    """Which command asks."""

    @property
    def relations(self) -> tuple[tuple[str, str], ...]:
        """Schema and name of every table whose rows are migrated or watched."""
        rows = ((change.schema, change.table) for change in self.rows)
        return (*rows, *((watch.schema, watch.table) for watch in self.watches))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the evidence."""

    phase: Phase
    now: datetime
    """The database's clock, read before any evidence."""
    record: bool
    """Whether what is seen is kept in the ledger."""
    watch: str = ""
    """Which command looks: its looks follow each other, unless it was stopped for a while."""
    asking: timedelta = timedelta()
    """How much of the time since the look before went by because others were asked, and nobody was away."""
    heard: tuple[Heard, ...] | None = None
    """What the sources of the roster's apps say that are outside of the database; None where they were not asked, and
    what the ledger has of them has to do."""
