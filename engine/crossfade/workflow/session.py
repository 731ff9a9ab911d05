"""What a runner works with: a leased run and the ways to the outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg

from crossfade.gates.subject import Subject
from crossfade.gates.verdict import PhaseVerdict
from crossfade.observe.events import Emit
from crossfade.plan.model import Plan
from crossfade.workflow.program import Program

Connection = psycopg.Connection[Any]


@dataclass(slots=True, kw_only=True)
class Session:
    """What a runner works with: a leased run and the ways to the outside."""

    connect: Callable[[], Connection]
    work: Connection
    run_id: int
    name: str
    digest: str
    created_at: datetime
    plan: Plan
    program: Program
    token: int
    emit: Emit
    should_stop: Callable[[], str | None]
    """Why to stop between two units of work; None to go on."""
    confirm: Callable[[str], None]
    """Returns if a person agrees; raises UsageError otherwise."""
    wait_until: float | None = None
    """On the monotonic clock: how long gates are waited for; None is not at all."""
    discards: bool = False
    """Whether a rollback may destroy what exists nowhere else."""
    answer: PhaseVerdict | None = None
    """What the gates said last."""
    triggers: Mapping[tuple[int, str], str] | None = None
    """How the run's triggers were when its rows were compared last: the version of each, by table and name."""
    watch: str = field(default_factory=lambda: uuid4().hex)
    """What tells the looks of this session at the gates from those of others."""

    def subject(self) -> Subject:
        """The run, for the gates."""
        return Subject(
            run_id=self.run_id,
            name=self.name,
            digest=self.digest,
            plan=self.plan,
            rows=self.program.rows,
            created_at=self.created_at,
            watches=self.program.watches,
            watch=self.watch,
        )
