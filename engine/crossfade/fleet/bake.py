"""Whether canaries stay as they were left: looked at again and again until the time to bake is over.

Only what a look has seen counts: a canary that cannot be read lets the time go on, and ends the wait as a failure once
it could not be read for five minutes. How long a run has been in its state is a matter of its database's clock alone,
so a second command goes on with what is left of the time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg

from crossfade.errors import Conflict, CrossfadeError, DatabaseUnreachable, WorkLeft
from crossfade.fleet.work import Look, look
from crossfade.postgres.connect import masked
from crossfade.workflow.results import Status
from crossfade.workflow.states import FORWARD, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crossfade.fleet.databases import Database

LONGEST_BLINDNESS = 300.0
"""Seconds that a canary may be out of sight."""


@dataclass(slots=True)
class Bake:
    """The canaries of a command, and in which state it left each."""

    run: str
    canaries: tuple[Database, ...]
    arrived: Mapping[str, State]
    time: timedelta
    _seen: dict[str, float] = field(default_factory=dict)
    _left: dict[str, timedelta] = field(default_factory=dict)

    def look(self) -> dict[str, CrossfadeError]:
        """Look at each canary now; what is wrong with those that did not stay as they were."""
        faults: dict[str, CrossfadeError] = {}
        for canary in self.canaries:
            fault = self._look(canary)
            if fault is not None:
                faults[canary.name] = fault
        return faults

    @property
    def left(self) -> timedelta:
        """What is left of the time, as of the last look; zero once it is over."""
        return max((self._left.get(c.name, self.time) for c in self.canaries), default=timedelta())

    def _look(self, canary: Database) -> CrossfadeError | None:
        try:
            seen = look(canary, self.run)
        except (CrossfadeError, psycopg.Error) as error:
            since = time.monotonic() - self._seen.setdefault(canary.name, time.monotonic())
            # It does not count as over before it was seen again.
            self._left[canary.name] = max(self._left.get(canary.name, self.time), timedelta(seconds=1))
            if since < LONGEST_BLINDNESS:
                return None
            return DatabaseUnreachable(
                f"the canary could not be looked at for {since / 60:.0f} minutes: {masked(str(error).strip())}"
            )
        self._seen[canary.name] = time.monotonic()
        self._left[canary.name] = time_left(seen, self.time)
        return fault_of(seen, self.arrived[canary.name])


def time_left(seen: Look, wanted: timedelta) -> timedelta:
    """How much longer a run has to stay in its state."""
    if seen.status is None or seen.status.state_since is None:
        return wanted
    return max(wanted - (seen.now - seen.status.state_since), timedelta())


def fault_of(seen: Look, arrived: State) -> CrossfadeError | None:
    """What is wrong with a run that was left in that state."""
    status = seen.status
    if not isinstance(status, Status):
        return Conflict("the run is not there any more")
    if status.state not in FORWARD or FORWARD.index(status.state) < FORWARD.index(arrived):
        return Conflict(f"the run did not stay {arrived}: it is {status.state}")
    if status.failed:
        return CrossfadeError(f"the run failed: {status.failed.get('message')}")
    if status.paused is not None:
        return WorkLeft(f"the run is paused: {status.paused}")
    return None
