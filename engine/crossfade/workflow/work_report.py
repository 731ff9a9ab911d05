"""What a worker did, as a value: for the end of `crossfade worker`, and for `--json`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossfade.workflow.due import Task
    from crossfade.workflow.firing import Firing
    from crossfade.workflow.tasks import Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What was done for a run, and how it ended."""

    run: str
    task: Task
    ending: Ending

    def as_json(self) -> dict[str, Any]:
        """For `worker --json`."""
        return {
            "run": self.run,
            "task": self.task.value,
            "outcome": self.ending.outcome,
            "batches": self.ending.batches,
            "reason": self.ending.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a worker did; of a long life, the latest thousand of each."""

    fired: tuple[Firing, ...]
    work: tuple[Piece, ...]
    waiting: tuple[tuple[str, str], ...]
    """Runs that are not over, and why nothing is done for them."""
    stopped: str | None
    """Why it ended, if it was not because nothing was due."""
    left_work: bool
    """It ended in the middle of something."""

    @property
    def has_failed(self) -> bool:
        """Whether a run failed in its hands."""
        return any(p.ending.outcome == "failed" for p in self.work)

    def as_json(self) -> dict[str, Any]:
        """The document of `worker --json`."""
        return {
            "fired": [f.as_json() for f in self.fired],
            "work": [p.as_json() for p in self.work],
            "waiting": [{"run": run, "reason": reason} for run, reason in self.waiting],
            "stopped": self.stopped,
        }
