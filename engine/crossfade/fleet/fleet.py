"""A fleet: one plan over many databases, one method for each command; the engine's, as a roll-up.

Every database is worked on by itself, through the engine and its own ledger; there is no transaction over two, and
nothing is stored in common. The same command again goes on where it was. Methods give a `Report` and raise only for
what is wrong with the call itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from crossfade.errors import UsageError
from crossfade.fleet.course import Course, Onlooker, Stop, Unwatched
from crossfade.fleet.databases import Database
from crossfade.fleet.report import Report
from crossfade.fleet.rollout import Rollout, canaries_of
from crossfade.fleet.work import Answer, Work, look, started
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.model import Plan
from crossfade.plan.notify import Target
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import FORWARD, State


class Fleet:
    """crossfade on many databases."""

    def __init__(
        self,
        databases: Sequence[Database],
        rollout: Rollout | None = None,
        *,
        onlooker: Onlooker | None = None,
        notify: Sequence[Target] = (),
        fixed: Fixed = NOTHING_FIXED,
    ) -> None:
        """`onlooker` is told of what happens, in any thread; the targets of `notify`, of each run that is driven.

        A plan that changes anything of `fixed` is refused.

        `rollout` says how commands that change something go, and which databases are canaries; without it those are
        the databases that say so themselves.
        """
        self._rollout = rollout or Rollout(canaries=canaries_of(databases, ()))
        self.databases = tuple(replace(d, is_canary=d.name in self._rollout.canaries) for d in databases)
        self._onlooker = onlooker or Unwatched()
        self._notify = tuple(notify)
        self._fixed = fixed
        self._stop = Stop()

    def stop(self) -> None:
        """Ask a running command, from a signal handler or another thread, to end after what is in hand everywhere."""
        self._stop.ask()

    # Looking: every database, whatever the others say

    def check(self, plan: Plan, acks: Iterable[str] = ()) -> Report:
        """What the plan meets in each database; nothing is changed."""
        accepted = tuple(acks)
        return self._look(plan.name, lambda engine, _database: engine.check(plan, accepted))

    def status(self, name: str) -> Report:
        """Where the run, or the schedule, of that name stands in each database."""
        return self._look(name, lambda _engine, database: look(database, name).status)

    # Moving: canaries first

    def start(self, plan: Plan, acks: Iterable[str] = ()) -> Report:
        """Register the plan's run, or its schedule; canaries make no difference, since no table is touched."""
        accepted = tuple(acks)
        rollout = replace(self._rollout, canaries=(), bake=timedelta())
        return self._course(plan.name, lambda engine, _database: started(engine, plan, accepted), rollout).run()

    def expand(self, target: Plan | str, *, acks: Iterable[str] = (), wait: timedelta | None = None) -> Report:
        """Make the new shape beside the old, in each database."""
        accepted = tuple(acks)
        return self._move(target, lambda engine, _database: engine.expand(target, acks=accepted, wait=wait))

    def backfill(
        self,
        target: Plan | str,
        *,
        acks: Iterable[str] = (),
        wait: timedelta | None = None,
        max_duration: timedelta | None = None,
    ) -> Report:
        """Fill the new shape in each database; `max_duration` is that of all of it."""
        accepted = tuple(acks)
        course: Course | None = None

        def work(engine: Engine, _database: Database) -> Answer:
            assert course is not None
            return engine.backfill(target, acks=accepted, wait=wait, max_duration=course.time_left())

        course = self._course(_name(target), work, self._rollout, max_duration)
        return course.run()

    def contract(
        self, target: Plan | str, *, confirm: str, acks: Iterable[str] = (), wait: timedelta | None = None
    ) -> Report:
        """Hide the old shape in each database, and drop it. Raises UsageError where `confirm` is not the run's name."""
        name, accepted = _name(target), tuple(acks)
        if confirm != name:
            raise UsageError(
                f"confirmed was {confirm}, but the run is {name}", hint="Give the name of the run that is meant."
            )
        return self._move(target, lambda engine, _database: engine.contract(target, acks=accepted, wait=wait))

    def advance(
        self,
        target: Plan | str,
        *,
        acks: Iterable[str] = (),
        to: State | None = None,
        wait: timedelta | None = None,
    ) -> Report:
        """As far as the gates let it in each database, or to a state."""
        accepted = tuple(acks)
        if to is not None and to not in FORWARD:
            raise UsageError(
                f"advance goes forward; {to} is not on the way", hint=f"States on the way: {', '.join(FORWARD)}"
            )
        return self._move(target, lambda engine, _database: engine.advance(target, acks=accepted, to=to, wait=wait))

    # Inside

    def _look(self, name: str, work: Work) -> Report:
        return self._course(name, work, Rollout(concurrency=self._rollout.concurrency, tolerated=None)).run()

    def _move(self, target: Plan | str, work: Work) -> Report:
        return self._course(_name(target), work, self._rollout).run()

    def _course(self, name: str, work: Work, rollout: Rollout, max_duration: timedelta | None = None) -> Course:
        return Course(
            self.databases,
            name,
            work,
            rollout=rollout,
            stop=self._stop,
            onlooker=self._onlooker,
            notify=self._notify,
            fixed=self._fixed,
            max_duration=max_duration,
        )


def _name(target: Plan | str) -> str:
    return target if isinstance(target, str) else target.name
