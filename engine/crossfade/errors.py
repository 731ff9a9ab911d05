"""The error family: every failure that is not a bug in crossfade.

An error takes facts, keeps them as fields, and builds from them a message that says what happened and where, and a
`hint` that says what to do next. `code` is stable and goes to `--json`; `exit_code` is the one of the design
(1 error, 2 bad usage or an invalid plan, 3 a gate is BLOCKED, 4 a gate is UNKNOWN or ERROR, 5 conflict, 6 a lock could
not be had in time, 7 stopped with work left). The command line prints these and shows a traceback for anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


class CrossfadeError(Exception):
    """The root of the family. Subclasses set `code` and `exit_code` and pass a finished message."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, location: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location

    def as_json(self) -> dict[str, Any]:
        """The value of `error` in a `--json` document."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "location": self.location}


class UsageError(CrossfadeError):
    """The command was called in a way that cannot work."""

    code = "usage"
    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProblem:
    """One fault of a plan file, with the place where it stands (1-based)."""

    file: str
    line: int
    column: int
    message: str
    hint: str | None = None

    @property
    def location(self) -> str:
        """`file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.location}: {self.message}{hint}"


class InvalidPlan(CrossfadeError):
    """A plan file is not a plan; `problems` has every fault of the file, in the order of the text."""

    code = "invalid_plan"
    exit_code = 2

    def __init__(self, problems: tuple[PlanProblem, ...]) -> None:
        super().__init__(
            "\n".join(str(p) for p in problems),
            hint=problems[0].hint,
            location=problems[0].location,
        )
        self.problems = problems

    def as_json(self) -> dict[str, Any]:
        """The first problem's position as `location`; every problem under `problems`."""
        return super().as_json() | {
            "problems": [
                {"location": p.location, "line": p.line, "column": p.column, "message": p.message, "hint": p.hint}
                for p in self.problems
            ]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason why preflight says no: the object, what is wrong with it, and what to do instead."""

    code: str
    object: str
    message: str
    instead: str
    ack: str | None = None
    """The word for `--ack` that accepts it; None where nothing can."""

    def __str__(self) -> str:
        ack = f" Or accept it with --ack {self.ack}." if self.ack else ""
        return f"{self.object}: {self.message} {self.instead}{ack}"


class PreflightRefused(CrossfadeError):
    """The plan is well formed, but this database cannot take it; `refusals` names each object."""

    code = "preflight_refused"
    exit_code = 2

    def __init__(self, plan: str, refusals: tuple[Refusal, ...]) -> None:
        lines = "\n".join(f"  - {r}" for r in refusals)
        super().__init__(
            f"plan {plan} cannot run on this database:\n{lines}",
            hint=refusals[0].instead,
            location=refusals[0].object,
        )
        self.refusals = refusals

    def as_json(self) -> dict[str, Any]:
        """Every refusal under `refusals`."""
        return super().as_json() | {
            "refusals": [
                {"code": r.code, "object": r.object, "message": r.message, "instead": r.instead, "ack": r.ack}
                for r in self.refusals
            ]
        }


class GateBlocked(CrossfadeError):
    """A gate answered BLOCKED: somebody still needs the old shape, or a condition does not hold."""

    code = "gate_blocked"
    exit_code = 3


class GateUnknown(CrossfadeError):
    """A gate answered UNKNOWN or ERROR: there is no proof, and only proof advances."""

    code = "gate_unknown"
    exit_code = 4


class Conflict(CrossfadeError):
    """The run is not in a state for this, the plan has changed, or another runner holds the lease."""

    code = "conflict"
    exit_code = 5


class WrongState(Conflict):
    """This command is not for a run in this state."""

    code = "wrong_state"


class PlanChanged(Conflict):
    """The plan file is not the one that the run was started with."""

    code = "plan_changed"


class BaselineChanged(Conflict):
    """Somebody else changed a table of the run since its last step; `changes` says how, a line for each."""

    code = "baseline_changed"

    def __init__(self, message: str, *, changes: tuple[str, ...], hint: str, location: str | None = None) -> None:
        super().__init__(message, hint=hint, location=location)
        self.changes = changes

    def as_json(self) -> dict[str, Any]:
        """With every change under `changes`."""
        return super().as_json() | {"changes": list(self.changes)}


class WouldDiscard(Conflict):
    """Going back would destroy what only new versions wrote, and stops there; `would_destroy` says what, in words."""

    code = "would_discard"

    def __init__(self, run: str, would_destroy: tuple[str, ...], *, reverts: bool = False) -> None:
        going_back, hint = f"rolling run {run} back", f"or give it up: crossfade rollback {run} --discard"
        if reverts:
            going_back, hint = f"reverting run {run}", f"or change it, and do it again: crossfade revert {run}"
        super().__init__(
            f"{going_back} would destroy what exists nowhere else: {'; '.join(would_destroy)}",
            hint=f"Copy it elsewhere first, {hint}",
        )
        self.would_destroy = would_destroy

    def as_json(self) -> dict[str, Any]:
        """With each piece under `would_destroy`."""
        return super().as_json() | {"would_destroy": list(self.would_destroy)}


class RowsInTheWay(Conflict):
    """Going back would fail for rows that the old shape does not take, and stops there; `rows` says which, in words."""

    code = "rows_in_the_way"

    def __init__(self, run: str, rows: tuple[str, ...], *, reverts: bool = True, location: str | None = None) -> None:
        back, on = ("revert", "contract") if reverts else ("rollback", "advance")
        super().__init__(
            f"run {run} cannot be {'reverted' if reverts else 'rolled back'} while rows do not fit what they go back "
            f"to: {'; '.join(rows)}",
            hint=f"Set them to something that fits, and do it again: crossfade {back} {run}. Or go on: "
            f"crossfade {on} {run}",
            location=location,
        )
        self.rows = rows

    def as_json(self) -> dict[str, Any]:
        """With each kind of row under `rows`."""
        return super().as_json() | {"rows": list(self.rows)}


class Irreversible(Conflict):
    """A step that is done cannot be taken back, as the plan says; `reason` is its reason. Nothing was changed."""

    code = "irreversible"

    def __init__(self, run: str, going_back: str, what: str, reason: str, *, location: str) -> None:
        super().__init__(
            f"run {run} cannot be {going_back}: this is done, and the plan says that nothing takes it back: {what}: "
            f"{reason}",
            hint=f"Nothing was changed. Go on with: crossfade advance {run}. What has to be otherwise is a plan of its "
            "own.",
            location=location,
        )
        self.reason = reason

    def as_json(self) -> dict[str, Any]:
        """With the plan's reason."""
        return super().as_json() | {"reason": self.reason}


class LeaseHeld(Conflict):
    """Another runner drives this run."""

    code = "lease_held"


class LostLease(Conflict):
    """This runner's lease was taken over while it was away; it changed nothing since."""

    code = "lost_lease"


class LockNotAcquired(CrossfadeError):
    """The lock that a step needs could not be had within the plan's limit; the step changed nothing."""

    code = "lock_timeout"
    exit_code = 6


class WorkLeft(CrossfadeError):
    """Stopped as asked, with work left: paused, or out of time."""

    code = "work_left"
    exit_code = 7


class Interrupted(CrossfadeError):
    """Ctrl-C or SIGTERM; what was in hand is finished and committed."""

    code = "interrupted"
    exit_code = 130


class UnknownRun(CrossfadeError):
    """No run of that name is in the ledger."""

    code = "unknown_run"
    exit_code = 2


class StepFailed(CrossfadeError):
    """The database refused a step's statement for a reason that does not pass by itself."""

    code = "step_failed"

    def __init__(
        self, message: str, *, sqlstate: str | None, hint: str | None = None, location: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, location=location)
        self.sqlstate = sqlstate

    def as_json(self) -> dict[str, Any]:
        """With the database's SQLSTATE."""
        return super().as_json() | {"sqlstate": self.sqlstate}


class RowsFailed(CrossfadeError):
    """Rows that the backfill could not migrate; they are listed with their keys and nothing was skipped silently."""

    code = "rows_failed"


class VerificationFailed(CrossfadeError):
    """Both sides of a pair are not equal on every row; nothing was hidden."""

    code = "verification_failed"


class DatabaseUnreachable(CrossfadeError):
    """No connection to the database could be made."""

    code = "database_unreachable"


class DatabaseRefused(CrossfadeError):
    """The database refused a statement of ours outside a step: missing rights, most of the time."""

    code = "database_refused"

    def __init__(self, message: str, *, sqlstate: str | None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate

    def as_json(self) -> dict[str, Any]:
        """With the database's SQLSTATE."""
        return super().as_json() | {"sqlstate": self.sqlstate}
