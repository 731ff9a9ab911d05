"""The teller: a daemon thread that reads what there is to tell, puts it into the outbox, and has it sent.

It works on a connection of its own and beside the run: nothing that it does, or fails at, is seen by a phase. What it
cannot do now, another look or another process does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from pydantic import ValidationError

from crossfade.notify import outbox
from crossfade.notify.errands import Errands
from crossfade.notify.facts import read_facts
from crossfade.notify.messages import is_due
from crossfade.notify.outbox import Notification
from crossfade.notify.sending import Outcome, in_words, send
from crossfade.observe.events import Event, GatesEvaluated, StateChanged, WorkEnded
from crossfade.observe.logging import get_logger
from crossfade.plan.notify import Target, targets_of
from crossfade.postgres.connect import masked

Connection = psycopg.Connection[Any]
_DAY_SECONDS = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things may take, in seconds."""

    look: float = 5.0
    """Between two looks at the ledger, where no event calls for one."""
    attempt: float = 10.0
    """One try at a target, all in all."""
    farewell: float = 1.0
    """What is in hand at the end of a command is waited for so long, and nothing is begun after that."""


class Teller:
    """Tells targets what happens to the runs of one database, for as long as a command works."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        targets: Sequence[Target],
        environment: Mapping[str, str],
        pace: Pace,
    ) -> None:
        """`targets` are told of the runs that this process drives, besides those that the runs' plans name."""
        self._connect = connect
        self._targets = tuple(targets)
        self._environment = environment
        self._pace = pace
        self._called = threading.Event()
        self._ends_at: float | None = None
        self._driven: dict[str, float] = {}
        """When an event last told of the run."""
        self._answers: dict[str, GatesEvaluated] = {}
        self._is_news = True
        self._looked_at = 0.0
        self._errands = Errands(seconds=pace.attempt, wake=self._called.set)
        self._connection: Connection | None = None
        self._names: dict[str, str] = {}
        """Of targets, for the log."""
        self._added: set[tuple[int, str, str]] = set()
        self._complaints: set[str] = set()
        self._thread = threading.Thread(target=self._work, name="crossfade-teller", daemon=True)
        self._thread.start()

    # For the threads that drive runs

    def follow(self, run: str) -> None:
        """Look after a run that this process drives."""
        self._driven[run] = time.monotonic()

    def emit(self, event: Event) -> None:
        """Take in an event: it may call for a look at the ledger."""
        self.follow(event.run)
        match event:
            case StateChanged() | WorkEnded():
                self._look_soon()
            case GatesEvaluated() if self._answers.get(event.run) != event:
                self._answers[event.run] = event
                self._look_soon()

    def close(self) -> None:
        """Look once more, and wait for what is in hand, for `farewell` at most; the thread ends by itself."""
        self._is_news = True
        self._ends_at = time.monotonic() + self._pace.farewell
        self._called.set()
        self._thread.join(self._pace.farewell)

    def _look_soon(self) -> None:
        self._is_news = True
        self._called.set()

    # The thread

    def _work(self) -> None:
        is_over = False
        while not is_over:
            ends_at = self._ends_at
            try:
                has_begun = self._turn()
            except Exception as error:  # noqa: BLE001 -- whatever goes wrong here is not the run's trouble
                has_begun = False
                self._lose(error)
            is_over = ends_at is not None and not has_begun and self._errands.next_deadline is None
            if not is_over:
                self._called.wait(self._rest())
                self._called.clear()
        self._disconnect()

    def _rest(self) -> float:
        """Until the next thing to do, as far as that is known."""
        deadline = self._errands.next_deadline
        known = [self._looked_at + self._pace.look, *([] if deadline is None else [deadline])]
        return max(0.0, min(known) - time.monotonic())

    def _turn(self) -> bool:
        """One round; whether anything was begun in it."""
        connection = self._reached()
        for notification, outcome in self._errands.returned():
            outbox.settle(connection, notification, outcome)
            self._say(notification, outcome)
        if self._is_news or time.monotonic() >= self._looked_at + self._pace.look:
            self._is_news = False
            self._looked_at = time.monotonic()
            self._look(connection)
        return self._begin(connection)

    def _reached(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _look(self, connection: Connection) -> None:
        """Put into the outbox what there is to tell."""
        since = time.monotonic() - _DAY_SECONDS
        driven = tuple(name for name, at in tuple(self._driven.items()) if at > since)
        for fact in read_facts(connection, driven):
            for target in (*_targets_of(fact.notify), *(self._targets if fact.run in driven else ())):
                what = (fact.run_id, target.key, fact.occurrence)
                if what not in self._added and is_due(fact, target):
                    outbox.add(connection, fact, target)
                    self._added.add(what)

    def _begin(self, connection: Connection) -> bool:
        """Begin to send what is due; whether there was any."""
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            return False
        known, has_begun = self._known(connection), False
        while free := known.keys() - self._errands.busy:
            # Its row stays ours a little longer than the try, so that its end can be noted.
            found = outbox.take(connection, free, seconds=2 * self._pace.attempt)
            if found is None:
                break
            self._names[found.target] = in_words(known[found.target])
            sending = partial(send, known[found.target], found, self._environment, seconds=self._pace.attempt)
            self._errands.begin(found, sending)
            has_begun = True
        return has_begun

    def _known(self, connection: Connection) -> dict[str, Target]:
        """The targets that this process can tell, of those that are still to be told something, by key.

        A target of a run that others drive may need variables that only they have.
        """
        waiting = outbox.addressees(connection)
        keys = {one.target for one in waiting}
        named = ((target, one.run) for one in waiting for target in _targets_of(one.notify) if target.key in keys)
        plans = {t.key: t for t, run in named if run in self._driven or all(map(self._environment.get, t.variables))}
        return plans | {target.key: target for target in self._targets if target.key in keys}

    # Troubles

    def _say(self, notification: Notification, outcome: Outcome) -> None:
        """Log what could not be sent, a warning at first and then quietly."""
        if outcome.state == "sent":
            return
        complaint = f"{notification.target}: {outcome.reason}"
        self._warn(
            complaint,
            "notification_not_sent",
            run=notification.payload["run"],
            told=notification.payload["event"],
            target=self._names[notification.target],
            reason=outcome.reason,
            tried_again=outcome.state == "waiting",
        )

    def _lose(self, error: Exception) -> None:
        """Connect again at the next look; what was not noted is due again by then."""
        self._disconnect()
        self._looked_at = time.monotonic()
        name = type(error).__name__
        self._warn(name, "notifications_wait", reason=masked(f"{name}: {str(error).strip()}"))

    def _warn(self, complaint: str, event: str, **facts: Any) -> None:
        logger = get_logger()
        (logger.debug if complaint in self._complaints else logger.warning)(event, **facts)
        self._complaints.add(complaint)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _targets_of(document: Sequence[Any]) -> tuple[Target, ...]:
    """The targets that a plan names; none where a newer crossfade wrote them."""
    try:
        return targets_of(document)
    except ValidationError:
        return ()
