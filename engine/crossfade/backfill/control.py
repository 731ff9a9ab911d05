"""What the workers of a run ask between two batches: may we go on, how fast, and is there a reason to wait.

One thread per process looks at the run once a second, on a connection of its own: whether it is paused, how it was
tuned, and what the server says by the throttles. Workers read what it found last and never ask a sensor themselves.
Nothing here ever ends a run: it waits, for one named reason, or stops with work left.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import psycopg
from pydantic import ValidationError

from crossfade.backfill.pace import patience
from crossfade.backfill.sensors.sampler import Sampler
from crossfade.backfill.steering import Steering, note_throttle, read_steering
from crossfade.backfill.throttle import Throttle
from crossfade.backfill.vacuum import Cleaner
from crossfade.errors import CrossfadeError
from crossfade.observe.events import Emit, Event, Throttled, Vacuumed
from crossfade.plan.hours import Hours

if TYPE_CHECKING:
    from crossfade.backfill.task import Task
    from crossfade.plan.model import Backfill
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]
LOOK_SECONDS = 1.0
"""Between two looks at the run and the server."""
_LENGTHS = 100
"""Of so many batches the slow ones say whether another fits into what is left of a window."""
_SHORTEST = 0.05
"""Seconds; the least that a statement is given, however soon the window closes."""
_TOLD_SECONDS = 5.0
"""Between two entries of the same cause, whose figures change with every look."""
_ALWAYS = Hours()


@dataclass(frozen=True, slots=True)
class _InHand:
    """A batch that a worker of this process has in hand."""

    connection: Connection
    pid: int
    batch: int


class Control:
    """The steering of one run in one process, shared by its workers; a context manager."""

    def __init__(
        self,
        *,
        connect: Callable[[], Connection],
        run_id: int,
        run_name: str,
        plan: Backfill,
        worker: str,
        should_stop: Callable[[], str | None],
        emit: Emit,
    ) -> None:
        """`worker` names this process in the ledger; `should_stop` says why to stop, if it is time."""
        self._connect = connect
        self._run_id = run_id
        self._run_name = run_name
        self._plan = plan
        self.settings = plan
        """What the plan says, with what a person changed since."""
        self.worker = worker
        self._should_stop = should_stop
        self._emit = emit
        self._speaking = threading.Lock()
        self._hands: dict[int, _InHand] = {}
        self._throttle = Throttle()
        self._held: tuple[str, float] | None = None
        self._tuning: Mapping[str, Any] = {}
        self._closes: datetime | None = None
        self._told: str | None = None
        self._told_at = 0.0
        self._seen: Steering | None = None
        self._made_way: set[int] = set()
        self._died: Exception | None = None
        self._lengths: deque[float] = deque(maxlen=_LENGTHS)
        self._sampler = Sampler(connect, plan, (), self._own_pids)
        self._clock: tuple[datetime, float] | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="crossfade-control", daemon=True)
        self._cleaner = Cleaner(connect, self._vacuumed)

    def __enter__(self) -> Self:
        with self._sampler.connect() as connection:
            self._look(connection)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._cleaner.close()
        with suppress(psycopg.Error, CrossfadeError), self._connect() as connection:
            # Nobody waits any more; what is left undone is for the next one to say.
            note_throttle(connection, self._run_id, None, is_news=self._told is not None)

    # What workers ask

    def seen(self) -> Steering | None:
        """The run at the latest look. Raises what ended the looking, which no worker should outlive."""
        if self._died is not None:
            raise self._died
        return self._seen

    def reason_to_stop(self) -> str | None:
        """Why no other batch is begun, if it is time to stop with work left."""
        return self._should_stop() or self._closed()

    def throttled_by(self) -> str | None:
        """The one reason why the batches wait; None when they go on."""
        held = self._held
        if held is not None and time.monotonic() < held[1]:
            return held[0]
        return self._throttle.reason_at(time.monotonic())

    def patience(self) -> float:
        """Seconds that a batch's statement may take, and no longer than the window is open."""
        wanted = patience(self.settings.aim.target)
        if self._closes is None:
            return wanted
        return max(_SHORTEST, min(wanted, (self._closes - self._now()) / timedelta(seconds=1)))

    # What workers say

    def emit(self, event: Event) -> None:
        """Tell the listeners, one thread at a time."""
        with self._speaking:
            self._emit(event)

    @contextmanager
    def in_hand(self, connection: Connection, batch: int = 0) -> Iterator[None]:
        """For the time of a batch: it can be cancelled."""
        mine = threading.get_ident()
        self._hands[mine] = _InHand(connection, connection.info.backend_pid, batch)
        try:
            yield
        finally:
            self._hands.pop(mine, None)

    def wrote(self, task: Task, rows: int, estimated: int) -> None:
        """Count rows that were written, so that their dead versions are cleared away in time."""
        self._cleaner.wrote(task.relation, rows, estimated)

    def hold(self, reason: str, until: float) -> None:
        """Let nobody begin a batch until then, on the monotonic clock."""
        self._held = (reason, until)

    def made_way(self, batch: int) -> bool:
        """Whether the batch was cancelled because somebody waited for it; asked once."""
        if batch not in self._made_way:
            return False
        self._made_way.discard(batch)
        return True

    def cancel(self) -> None:
        """Cancel the batches in hand; they are rolled back."""
        for hand in tuple(self._hands.values()):
            _cancel(hand.connection)

    def took(self, seconds: float) -> None:
        """Remember how long a batch took."""
        self._lengths.append(seconds)

    # The thread that looks

    def _watch(self) -> None:
        connection: Connection | None = None
        while not self._is_over.wait(LOOK_SECONDS):
            try:
                connection = connection or self._sampler.connect()
                self._look(connection)
            except (psycopg.Error, CrossfadeError):
                # Workers find out themselves, and wait for the server to come back; what was read grows stale.
                if connection is not None:
                    connection.close()
                connection = None
            except Exception as error:  # noqa: BLE001 -- raised again by every worker
                self._died = error
                break
        if connection is not None:
            connection.close()

    def _look(self, connection: Connection) -> None:
        found = read_steering(connection, self._run_id)
        self._seen, self._clock = found, (found.now, time.monotonic())
        if found.tuning != self._tuning:
            self._tuning = found.tuning
            self._obey(found.tuning)
        self._closes = self.settings.hours.closes_after(found.now) if self._has_hours() else None
        self._sampler.relations = found.relations
        readings = self._sampler.sample(connection)
        self._throttle = self._throttle.after(readings, time.monotonic())
        for reading in readings.values():
            if reading.relation is not None:
                self._cleaner.clean(reading.relation)
        self._make_way(pid for reading in readings.values() for pid in reading.blockers)
        self._tell(connection)

    def _obey(self, tuning: Mapping[str, Any]) -> None:
        try:
            self.settings = self._plan.tuned(dict(tuning))
        except ValidationError:
            # Written by a newer crossfade, or by hand: what is known holds on.
            return
        self._sampler.limits = self.settings

    def _make_way(self, pids: Iterable[int]) -> None:
        """Cancel the batches that somebody has waited for too long."""
        blocking = frozenset(pids)
        for hand in tuple(self._hands.values()):
            if hand.pid in blocking:
                self._made_way.add(hand.batch)
                _cancel(hand.connection)

    def _tell(self, connection: Connection) -> None:
        """Say why batches wait: in the ledger with what was measured, to the listeners when the cause changes."""
        reason = self.throttled_by()
        cause = self._throttle.cause.sensor if self._throttle.cause else reason
        is_news = cause != self._told
        if is_news or (reason is not None and time.monotonic() - self._told_at >= _TOLD_SECONDS):
            is_said = note_throttle(connection, self._run_id, reason, is_news=is_news)
            self._told_at = time.monotonic() if is_said else -_TOLD_SECONDS
        if is_news:
            self._told = cause
            sensor = self._throttle.cause.sensor.value if self._throttle.cause else None
            self.emit(Throttled(run=self._run_name, reason=reason, sensor=sensor))

    def _own_pids(self) -> tuple[int, ...]:
        return tuple(hand.pid for hand in tuple(self._hands.values()))

    def _has_hours(self) -> bool:
        return self.settings.hours != _ALWAYS and self._clock is not None

    def _now(self) -> datetime:
        """The database's clock."""
        assert self._clock is not None
        return self._clock[0] + timedelta(seconds=time.monotonic() - self._clock[1])

    def _closed(self) -> str | None:
        """Why no batch may begin by the plan's hours: they are closed, or would be before it ends."""
        if not self._has_hours():
            return None
        hours, now = self.settings.hours, self._now()
        closed = hours.closed_because(now)
        if closed is not None or not self._lengths:
            return closed
        length = sorted(self._lengths)[round(0.95 * (len(self._lengths) - 1))]
        if hours.admits(now, length):
            return None
        return f"a batch takes up to {length:.1f} s, and the window closes at {self._closes:%Y-%m-%d %H:%M:%S %Z}"

    def _vacuumed(self, relation: QualifiedName, message: str) -> None:
        self.emit(Vacuumed(run=self._run_name, relation=str(relation), message=message))


def _cancel(connection: Connection) -> None:
    with suppress(psycopg.Error):
        if not connection.closed:
            connection.cancel_safe(timeout=5)
