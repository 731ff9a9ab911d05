"""What there is to tell, read from the ledger: the same for every process that looks, however often one does.

A run's history says which phases were done and what failed, the evaluations of its gates say what holds it. Spans are
on the database's clock, so short commands one after the other tell as much as one that waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from crossfade.notify.queries import query
from crossfade.plan.notify import Happening


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that happened to a run, or holds it."""

    run_id: int
    run: str
    notify: Sequence[Any]
    """What the run's plan has under `notify`, as JSON."""
    database: str
    event: Happening
    occurrence: str
    """Why it is told, the same at every look; a target is told of each once."""
    phase: str | None
    state: str
    """The run's state then."""
    at: datetime
    reasons: tuple[str, ...] = ()
    """Why the phase is held, or what the failure says."""
    code: str | None = None
    """The failure's."""
    seconds: float | None = None
    """How long the phase took, or has been held."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reasons", tuple(reason for reason in self.reasons if reason))


def read_facts(connection: psycopg.Connection[Any], driven: Sequence[str]) -> tuple[Fact, ...]:
    """Everything worth telling of runs whose plan names targets, and of the runs of these names."""
    with connection.cursor(row_factory=class_row(Fact)) as cursor:
        return tuple(cursor.execute(query("worth_telling"), {"driven": list(driven)}).fetchall())
