"""Runners that are killed: each in a process of its own, by SIGKILL, at a moment that the test chooses.

This file is both sides. A test uses `Nursery`; its process runs this file as a program, imports crossfade once, and
forks a child for each life, so that a life costs no start-up. A moment is one of

    the first event that is not among those already survived   (every boundary in turn)
    just before the n-th round trip to the server, or just after it was sent and before the answer came
    some seconds after the life began
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Collection

    from crossfade.observe.events import Event

DEFECT = 70
"""The exit code of a life that ended by an exception outside the error family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a runner dies; never, if nothing is given."""

    new_event: Collection[str] | None = None
    """Events that are survived; the first other one is the last."""
    before_round_trip: int | None = None
    after_sending: int | None = None
    seconds: float | None = None


NEVER = Moment()


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How one runner ended, and the events that it told of."""

    exit_code: int
    events: tuple[str, ...]
    error: str | None

    @property
    def killed(self) -> bool:
        """Whether it died, and did not come to its end."""
        return self.exit_code == -signal.SIGKILL


class Nursery:
    """Lets runners live and die, one after the other; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()

    def life(self, url: str, command: str, run: str, moment: Moment = NEVER) -> Life:
        """One runner: `command` is a method of Engine that takes a run's name."""
        survived = None if moment.new_event is None else sorted(moment.new_event)
        order = {
            "url": url,
            "command": command,
            "run": run,
            "new_event": survived,
            "before_round_trip": moment.before_round_trip,
            "after_sending": moment.after_sending,
            "seconds": moment.seconds,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        events, error = [], None
        while True:
            line = self._process.stdout.readline()
            assert line, "the nursery has ended"
            told = json.loads(line)
            if "event" in told:
                events.append(told["event"])
            elif "error" in told:
                error = told["error"]
            else:
                return Life(exit_code=told["exit_code"], events=tuple(events), error=error)

    def finish(self, url: str, command: str, run: str) -> Life:
        """A runner that nobody kills; it has to come to its end without an error."""
        life = self.life(url, command, run)
        assert life.exit_code == 0, life
        return life

    def die_at_every_event(self, url: str, command: str, run: str, *, ends: Collection[int] = (0,)) -> tuple[str, ...]:
        """The same command again and again, killed at each event once; gives the events, in the order of the deaths.

        The last one has nothing left to do and nobody kills it; `ends` are the exit codes that it may have.
        """
        survived: list[str] = []
        while True:
            life = self.life(url, command, run, Moment(new_event=survived))
            if not life.killed:
                assert life.exit_code in ends, (life, survived)
                return tuple(survived)
            assert life.events[-1] not in survived, "a runner was killed that was to survive"
            survived.append(life.events[-1])


def label(event: Event) -> str:
    """The event's name: the same for a repetition after a death, and no other's."""
    facts = event.facts()
    told = [str(facts[key]) for key in ("source", "target", "step", "title", "relation", "rows_done") if key in facts]
    return " ".join((event.kind, *told))


def _tell(**facts: Any) -> None:
    # One write below PIPE_BUF: a death cannot cut it in two.
    os.write(1, (json.dumps(facts) + "\n").encode())


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at_round_trip(number: int, *, sent: bool) -> None:
    """Everything that a connection sends goes through `wait`: statements, BEGIN and COMMIT."""
    import psycopg

    genuine, count = psycopg.Connection.wait, 0

    def wait(self: psycopg.Connection[Any], generator: Any, *rest: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            if sent:
                next(generator, None)
            _die()
        return genuine(self, generator, *rest)

    psycopg.Connection.wait = wait  # type: ignore[method-assign,assignment] # this process is about to die of it


def _live(order: dict[str, Any]) -> int:
    from crossfade.errors import CrossfadeError
    from crossfade.workflow.engine import Engine

    def emit(event: Event) -> None:
        _tell(event=label(event))
        if order["new_event"] is not None and label(event) not in order["new_event"]:
            _die()

    if order["before_round_trip"] or order["after_sending"]:
        _die_at_round_trip(
            order["before_round_trip"] or order["after_sending"], sent=order["after_sending"] is not None
        )
    try:
        with Engine(order["url"], emit=emit) as engine:
            getattr(engine, order["command"])(order["run"])
    except CrossfadeError as error:
        _tell(error=f"{error.code}: {error.message}"[:2000])
        return error.exit_code
    return 0


def _raise_one(order: dict[str, Any]) -> None:
    """Fork a life and tell how it ended."""
    child = os.fork()
    if child == 0:
        code = DEFECT
        try:
            code = _live(order)
        except BaseException as error:
            _tell(error=repr(error)[:2000])
            raise
        finally:
            os._exit(code)
    if order["seconds"] is not None:
        time.sleep(order["seconds"])
        os.kill(child, signal.SIGKILL)  # not waited for yet, so the number is still its own
    _, status = os.waitpid(child, 0)
    _tell(exit_code=os.waitstatus_to_exitcode(status))


def _main() -> None:
    import pglast  # noqa: F401  # loaded once here, not in each life

    import crossfade.workflow.engine  # noqa: F401  # as above

    for line in sys.stdin:
        _raise_one(json.loads(line))


if __name__ == "__main__":
    _main()
