"""The course of one command over a fleet: a thread for each database in hand, begun as the rollout decides.

The thread that runs the course decides and waits, so a signal always reaches it; those that work are left behind by a
KeyboardInterrupt, and the servers take back what was not committed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from crossfade.errors import CrossfadeError
from crossfade.fleet import bake
from crossfade.fleet.databases import Database
from crossfade.fleet.report import INTERRUPTED, Outcome, Report, Standing
from crossfade.fleet.rollout import Bake, Begin, Over, Rollout, Wait, decide
from crossfade.fleet.work import Work, carry_out, outcome_of
from crossfade.observe.events import Emit, Event
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.notify import Target
from crossfade.workflow.engine import Engine
from crossfade.workflow.results import Status
from crossfade.workflow.states import State

_TICK_SECONDS = 0.2
_BAKE_LOOK_SECONDS = 5.0
"""Between two looks at the canaries."""


class Onlooker(Protocol):
    """Who is told of what happens. Methods are called in any thread."""

    def watching(self, database: Database) -> AbstractContextManager[Emit]:
        """Entered while a database is in hand; what it gives takes in the events of that time."""

    def ended(self, standing: Standing) -> None:
        """A database is no longer in hand."""

    def baking(self, canaries: Sequence[str], left: timedelta) -> None:
        """The canaries were looked at, and have to stay as they are for so much longer."""


class Unwatched:
    """Nobody is told."""

    def watching(self, _database: Database) -> AbstractContextManager[Emit]:
        """Events go nowhere."""
        return nullcontext(_nobody_listens)

    def ended(self, standing: Standing) -> None:
        """Nothing."""

    def baking(self, canaries: Sequence[str], left: timedelta) -> None:
        """Nothing."""


def _nobody_listens(_event: Event) -> None:
    return


class Stop:
    """Whether all is to end in good order; knows the engines at work. Not to be taken back."""

    def __init__(self) -> None:
        self._engines: set[Engine] = set()
        self._is_asked = False

    def __bool__(self) -> bool:
        return self._is_asked

    def ask(self) -> None:
        """Let every engine end after what it has in hand. Takes no lock, as a signal handler must not."""
        self._is_asked = True
        for engine in tuple(self._engines):
            engine.stop()

    @contextmanager
    def reaching(self, engine: Engine) -> Iterator[None]:
        """Meanwhile the engine is one of those at work."""
        self._engines.add(engine)
        if self._is_asked:
            engine.stop()
        try:
            yield
        finally:
            self._engines.discard(engine)


@dataclass(slots=True)
class _Progress:
    """How far the course is; threads write only `arrived`, and the rest is the main thread's."""

    waiting: list[str]
    in_hand: dict[str, threading.Thread] = field(default_factory=dict)
    arrived: list[Standing] = field(default_factory=list)
    ended: dict[str, Standing] = field(default_factory=dict)


class Course:
    """One command over a fleet; to be run once."""

    def __init__(
        self,
        databases: Sequence[Database],
        run: str,
        work: Work,
        *,
        rollout: Rollout,
        stop: Stop,
        onlooker: Onlooker,
        notify: Sequence[Target] = (),
        fixed: Fixed = NOTHING_FIXED,
        max_duration: timedelta | None = None,
    ) -> None:
        self._databases = {d.name: d for d in databases}
        self._run = run
        self._work = work
        self._rollout = rollout
        self._stop = stop
        self._onlooker = onlooker
        self._notify = notify
        self._fixed = fixed
        self._until = None if max_duration is None else time.monotonic() + max_duration / timedelta(seconds=1)
        self._progress = _Progress(waiting=list(self._databases))
        self._changed = threading.Event()
        self._has_baked = not rollout.bake

    def time_left(self) -> timedelta | None:
        """What is left of `max_duration`."""
        return None if self._until is None else timedelta(seconds=max(0.0, self._until - time.monotonic()))

    def run(self) -> Report:
        """Work until all is done, or no other database is to be begun and none is in hand."""
        progress = self._progress
        while True:
            self._gather()
            decision = decide(
                self._rollout,
                waiting=progress.waiting,
                in_hand=progress.in_hand,
                ended={name: standing.outcome for name, standing in progress.ended.items()},
                has_baked=self._has_baked,
                stop=self._reason_to_stop(),
            )
            match decision:
                case Begin(names):
                    for name in names:
                        self._begin(self._databases[name])
                case Wait():
                    self._pause(_TICK_SECONDS)
                case Bake():
                    self._bake()
                case Over(reason):
                    return self._report(reason)

    def _reason_to_stop(self) -> str | None:
        if self._stop:
            return INTERRUPTED
        if self._until is not None and time.monotonic() >= self._until:
            return "--max-duration is reached"
        return None

    # A database in hand

    def _begin(self, database: Database) -> None:
        self._progress.waiting.remove(database.name)
        thread = threading.Thread(target=self._do, args=[database], name=f"crossfade-{database.name}", daemon=True)
        self._progress.in_hand[database.name] = thread
        thread.start()

    def _do(self, database: Database) -> None:
        try:
            with self._onlooker.watching(database) as emit:
                standing = carry_out(
                    database,
                    self._run,
                    self._work,
                    emit=emit,
                    held=self._stop.reaching,
                    notify=self._notify,
                    fixed=self._fixed,
                )
        except Exception as error:  # noqa: BLE001 -- a display's trouble; whoever waits has to hear of the database
            found = CrossfadeError(f"{type(error).__name__}: {error}", hint="This may be a bug in crossfade.")
            standing = Standing(name=database.name, is_canary=database.is_canary, outcome=Outcome.FAILED, error=found)
        self._progress.arrived.append(standing)
        self._changed.set()

    def _gather(self) -> None:
        progress = self._progress
        while progress.arrived:
            standing = progress.arrived.pop(0)
            progress.in_hand.pop(standing.name).join()
            progress.ended[standing.name] = standing
            self._onlooker.ended(standing)

    def _pause(self, seconds: float) -> None:
        if self._changed.wait(seconds):
            self._changed.clear()

    # Canaries

    def _bake(self) -> None:
        """See whether the canaries stay as they are, until the time is over or one did not."""
        canaries = tuple(self._databases[name] for name in self._rollout.canaries)
        baking = bake.Bake(self._run, canaries, self._arrived(), self._rollout.bake)
        while self._reason_to_stop() is None:
            faults = baking.look()
            self._fail(faults)
            self._has_baked = not faults and not baking.left
            if faults or self._has_baked:
                return
            self._onlooker.baking(self._rollout.canaries, baking.left)
            self._sleep(min(_BAKE_LOOK_SECONDS, baking.left / timedelta(seconds=1)))

    def _arrived(self) -> Mapping[str, State]:
        """The state in which each canary was left."""
        ended = self._progress.ended
        statuses = {name: ended[name].status for name in self._rollout.canaries}
        return {name: status.state for name, status in statuses.items() if isinstance(status, Status)}

    def _fail(self, faults: Mapping[str, CrossfadeError]) -> None:
        for name, error in faults.items():
            standing = replace(self._progress.ended[name], error=error, outcome=outcome_of(error))
            self._progress.ended[name] = standing
            self._onlooker.ended(standing)

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._reason_to_stop() is None:
            self._pause(min(left, _TICK_SECONDS))

    # The end

    def _report(self, reason: str | None) -> Report:
        ended = self._progress.ended
        not_begun = (
            Standing(name=d.name, is_canary=d.is_canary, outcome=Outcome.NOT_BEGUN)
            for d in self._databases.values()
            if d.name not in ended
        )
        standings = {**ended, **{s.name: s for s in not_begun}}
        return Report(databases=tuple(standings[name] for name in self._databases), stopped=reason)
