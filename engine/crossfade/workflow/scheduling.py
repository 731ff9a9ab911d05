"""Schedules as the engine offers them, one method for each command."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from crossfade.errors import UnknownRun, UsageError
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.model import Plan
from crossfade.workflow import firing, ledger, schedules
from crossfade.workflow.actor import who_asks
from crossfade.workflow.firing import Firing
from crossfade.workflow.results import HistoryEntry
from crossfade.workflow.schedule_status import ScheduleStatus, schedule_status
from crossfade.workflow.schedules import ScheduleRow

Connection = psycopg.Connection[Any]


class Schedules:
    """The schedules of one database."""

    def __init__(
        self,
        *,
        read: Callable[[], Connection],
        connect: Callable[[], Connection],
        init: Callable[[], object],
        fixed: Fixed = NOTHING_FIXED,
    ) -> None:
        """`read` gives the connection that is kept, `connect` a new one; `init` creates the ledger.

        A plan that changes anything of `fixed` is refused.
        """
        self._fixed = fixed
        self._read = read
        self._connect = connect
        self._init = init

    def start(self, plan: Plan, acks: Iterable[str] = (), *, actor: str | None = None) -> ScheduleStatus:
        """Register a plan that has a schedule; does nothing if it was registered as it is.

        `actor` is who asks, as for a run. Raises PlanChanged, PreflightRefused, and Conflict where the name is a run's.
        """
        if plan.schedule is None:
            raise UsageError(f"plan {plan.name} has no schedule", hint="Add `schedule` to it, or start it as a run.")
        connection = self._read()
        if ledger.installed_version(connection) == 0:
            self._init()
        ledger.require(connection)
        schedules.register(
            connection, plan, tuple(acks), connect=self._connect, started_by=who_asks(actor), fixed=self._fixed
        )
        return self.status(plan.name)

    def __contains__(self, name: str) -> bool:
        """Whether a schedule is meant by the name: one that has not ended, or that no run has the name of."""
        connection = self._ledger()
        found = schedules.find(connection, name)
        return found is not None and (found.ended_at is None or ledger.find_run(connection, name) is None)

    def status(self, name: str) -> ScheduleStatus:
        """Where the schedule stands. Raises UnknownRun."""
        return schedule_status(self._ledger(), self._get(name))

    def all(self) -> tuple[ScheduleStatus, ...]:
        """Every schedule that has not ended, by name."""
        connection = self._ledger()
        return tuple(schedule_status(connection, found) for found in schedules.living(connection))

    def history(self, name: str) -> tuple[HistoryEntry, ...]:
        """The append-only record, oldest first. Raises UnknownRun."""
        found = self._get(name)
        return tuple(HistoryEntry(**row) for row in schedules.event_rows(self._ledger(), found.id))

    def pause(self, name: str, reason: str) -> ScheduleStatus:
        """Let it fire no more until it is resumed; runs that are under way go on."""
        schedules.pause(self._ledger(), self._get(name), reason)
        return self.status(name)

    def resume(self, name: str) -> ScheduleStatus:
        """Let it fire again, from now on. Raises WrongState where it is not paused."""
        schedules.resume(self._ledger(), self._get(name))
        return self.status(name)

    def end(self, name: str, reason: str | None = None) -> ScheduleStatus:
        """Let it never fire again; runs that are under way go on."""
        schedules.end(self._ledger(), self._get(name), reason)
        return self.status(name)

    def fire(self, name: str) -> Firing:
        """Fire it by hand, now; a worker drives the run. Raises WrongState where `overlap` does not let it."""
        return firing.fire_now(self._ledger(), self._get(name))

    def _get(self, name: str) -> ScheduleRow:
        found = schedules.find(self._ledger(), name)
        if found is None:
            names = ", ".join(s.name for s in schedules.living(self._ledger()))
            raise UnknownRun(
                f"there is no schedule {name} in this database",
                hint=f"There is: {names}." if names else "Register a plan with `schedule`: crossfade start PLAN",
            )
        return found

    def _ledger(self) -> Connection:
        ledger.require(self._read())
        return self._read()
