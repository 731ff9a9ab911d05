"""What the gates of contract said, for how long that holds, and asking them again while a step waits for its locks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from crossfade.gates.verdict import PhaseVerdict
from crossfade.observe.events import Blocker
from crossfade.postgres import locks

FRESH_SECONDS = 1.0
"""How old the gates' answer may be when a step that hides the old shape tries for its locks."""

OLDEST_SECONDS = 5.0
"""How old it may be, on the database's clock, when the step has them."""

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class Asked:
    """The gates of contract, and what they said when they were asked last, a moment ago."""

    ask: Callable[[], PhaseVerdict]
    verdict: PhaseVerdict | None
    """None before a step that hides nothing."""


class AnswerTooOld(Exception):
    """What the gates said is no longer of now; nothing was changed."""


class GatesClosed(Exception):
    """A gate that passed does not pass any more."""

    def __init__(self, verdict: PhaseVerdict) -> None:
        super().__init__()
        self.verdict = verdict


def asking_again(on_wait: locks.OnWait, gates: Asked) -> locks.OnWait:
    """A step that hides the old shape may wait for minutes: before each further attempt the gates have to pass anew."""
    asked = time.monotonic()

    def report(attempt: int, seconds: float, blockers: tuple[Blocker, ...]) -> None:
        nonlocal asked
        on_wait(attempt, seconds, blockers)
        if time.monotonic() - asked < FRESH_SECONDS:
            return
        gates.verdict = gates.ask()
        if gates.verdict.blockers:
            raise GatesClosed(gates.verdict)
        asked = time.monotonic()

    return report


def refuse_old(connection: Connection, verdict: PhaseVerdict) -> None:
    """Raises AnswerTooOld: whoever was stopped for a while goes on with what the gates said before."""
    row = connection.execute(
        "SELECT pg_catalog.clock_timestamp() - %s < pg_catalog.make_interval(secs => %s)",
        [verdict.answered_at, OLDEST_SECONDS],
    ).fetchone()
    if row is None or not row[0]:
        raise AnswerTooOld
