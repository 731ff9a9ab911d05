"""What came of a command in each database, as values; rolled up, and never stored anywhere.

The exit code of a fleet is the worst of its databases', in the order of `WORST_FIRST`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossfade.errors import CrossfadeError
    from crossfade.operations.step import Caution
    from crossfade.workflow.results import Status
    from crossfade.workflow.schedule_status import ScheduleStatus

WORST_FIRST = (130, 1, 2, 5, 6, 4, 3, 7, 0)
"""Exit codes: interrupted, an error, refused, a conflict, a lock, no proof, a gate, work left, done."""
INTERRUPTED = "interrupted"
"""The reason to stop that is a signal's."""
_WORK_LEFT, _INTERRUPTED = 7, 130


class Outcome(StrEnum):
    """How a command ended in one database."""

    DONE = "done"
    WAITS = "waits"
    """A gate does not pass."""
    LEFT = "left"
    """Stopped with work left: paused, the window closed, the time over."""
    BUSY = "busy"
    """Another runner drives the run."""
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_BEGUN = "not_begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one database stands after a command."""

    name: str
    is_canary: bool
    outcome: Outcome
    state: str | None = None
    """Of the run there; None where there is none, or it is not known."""
    status: Status | ScheduleStatus | None = None
    error: CrossfadeError | None = None
    cautions: tuple[Caution, ...] = ()

    @property
    def exit_code(self) -> int | None:
        """As the command would have had it on this database alone; None where it was not begun."""
        if self.outcome is Outcome.NOT_BEGUN:
            return None
        return 0 if self.error is None else self.error.exit_code

    def as_json(self) -> dict[str, Any]:
        """An element of `databases`."""
        found = {} if self.status is None else self.status.as_json()
        progress = found.get("progress") or {}
        return {
            "name": self.name,
            "canary": self.is_canary,
            "state": self.state,
            "state_since": found.get("state_since"),
            "outcome": self.outcome.value,
            "exit_code": self.exit_code,
            "error": None if self.error is None else self.error.as_json(),
            "paused": found.get("paused"),
            "failed": found.get("failed"),
            "next": found.get("next"),
            "progress": found.get("progress"),
            "rows_done": progress.get("rows_done"),
            "rows_estimated": progress.get("rows_estimated"),
            "eta_seconds": progress.get("eta_seconds"),
            "holder": found.get("holder"),
            "cautions": [
                {"code": c.code, "object": c.object, "message": c.message, "ack": c.ack} for c in self.cautions
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a command in all databases, in the order in which they are listed."""

    databases: tuple[Standing, ...]
    stopped: str | None = None
    """Why no other database was begun, where that was so."""

    @property
    def exit_code(self) -> int:
        """The worst of them; work is left where a database was not begun."""
        not_begun = _INTERRUPTED if self.stopped == INTERRUPTED else _WORK_LEFT
        return worst(not_begun if d.exit_code is None else d.exit_code for d in self.databases)

    def count(self, outcome: Outcome) -> int:
        """How many databases ended so."""
        return sum(d.outcome is outcome for d in self.databases)

    def as_json(self) -> dict[str, Any]:
        """The document of every `fleet` command."""
        databases = [d.as_json() for d in self.databases]
        return {
            "databases": databases,
            "summary": {
                "total": len(databases),
                **{outcome.value: self.count(outcome) for outcome in Outcome},
                "states": _counted(d.state for d in self.databases),
                "rows_done": _sum(d["rows_done"] for d in databases),
                "rows_estimated": _sum(d["rows_estimated"] for d in databases),
                "stopped": self.stopped,
                "exit_code": self.exit_code,
            },
        }


def worst(codes: Iterable[int]) -> int:
    """The worst exit code; one that is not in the order is an error."""
    known = [code if code in WORST_FIRST else 1 for code in codes]
    return min(known, key=WORST_FIRST.index, default=0)


def _counted(states: Iterable[str | None]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for state in states:
        counted[state or "unknown"] = counted.get(state or "unknown", 0) + 1
    return counted


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [n for n in numbers if n is not None]
    return sum(known) if known else None
