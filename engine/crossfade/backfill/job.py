"""What a backfill works on: one row change of a run, and the ways to the outside that all its workers share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.errors import LostLease, WorkLeft, WrongState
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.backfill.control import Control
    from crossfade.operations.step import RowWork
    from crossfade.plan.model import Aim

Connection = psycopg.Connection[Any]
_SLICE_SECONDS = 0.05
"""Between two looks, while waiting, at whether to go on or to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row change of a run. Shared by the threads of a process."""

    connect: Callable[[], Connection]
    run_id: int
    run_name: str
    change: RowWork
    control: Control
    token: int | None = None
    """That of the run's lease; None for a helper, which does batches and nothing else."""

    @property
    def table(self) -> QualifiedName:
        """The table of the change."""
        return QualifiedName(self.change.schema, self.change.table)

    @property
    def aim(self) -> Aim:
        """What is wanted of a batch now; a person may change it while it runs."""
        return self.control.settings.aim

    def prove_lease(self, connection: Connection) -> None:
        """Within a transaction: go on only with the run's newest token, and keep it so. Raises LostLease, WorkLeft."""
        row = connection.execute(
            "SELECT state, paused, token FROM crossfade.runs WHERE id = %s FOR SHARE", [self.run_id]
        ).fetchone()
        assert row is not None
        self.require_open(*row)

    # Between two batches

    def check(self) -> None:
        """Raises WorkLeft where it is time to stop, and LostLease."""
        seen = self.control.seen()
        if seen is not None:
            self.require_open(seen.state, seen.paused, seen.token)
        reason = self.control.reason_to_stop()
        if reason is not None:
            raise self._left(reason)

    def admit(self, is_wanted: Callable[[], bool]) -> None:
        """Returns once a batch may begin, or nobody wants it any more. Raises WorkLeft where it is time to stop."""
        self.check()
        while is_wanted() and self.control.throttled_by() is not None:
            time.sleep(_SLICE_SECONDS)
            self.check()

    def rest(self, seconds: float, wait_seconds: float, is_wanted: Callable[[], bool]) -> None:
        """Rest after a batch that took so long: by `nice`, or as long as the limits of rows and WAL want."""
        self.sleep(max(self.control.settings.nice * seconds, wait_seconds), is_wanted)

    def sleep(self, seconds: float, is_wanted: Callable[[], bool]) -> None:
        """Wait, as long as anybody wants to. Raises WorkLeft where it is time to stop."""
        until = time.monotonic() + seconds
        while is_wanted() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_SECONDS))
            self.check()

    def require_open(self, state: str, paused: str | None, token: int) -> None:
        """Raises WorkLeft where the run is paused, WrongState where it was turned back, and LostLease."""
        if state != "backfilling":
            raise WrongState(
                f"run {self.run_name} was moved on by somebody: it is {state} by now; no other batch was begun",
                hint=f"Look at it with: crossfade status {self.run_name}",
            )
        if self.token is not None and token != self.token:
            raise self._lost_lease()
        if paused is not None:
            raise self._left(f"paused: {paused}", f"Let it go on with: crossfade resume {self.run_name}")

    def _left(self, reason: str, hint: str | None = None) -> WorkLeft:
        return WorkLeft(
            f"run {self.run_name} stops in the backfill of {self.table}: {reason}",
            hint=hint or f"Every batch until now is committed. Go on with: crossfade backfill {self.run_name}",
        )

    def _lost_lease(self) -> LostLease:
        return LostLease(
            f"another runner has taken over run {self.run_name}; nothing was changed by this one since",
            hint=f"Look at it with: crossfade status {self.run_name}",
        )
