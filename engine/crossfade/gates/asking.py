"""Asking one gate, in the database or outside of it; what is outside is asked in a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from crossfade.errors import CrossfadeError
from crossfade.gates.kinds import KINDS, Entry, InDatabase, Outside
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import OutsideEntry

_GRACE_SECONDS = 1.0
"""Over the entry's own time-out: looking up a name, or ending a process, may take longer than that."""


def judge_in_database(connection: psycopg.Connection[Any], subject: Subject, entry: Entry, look: Look) -> Judgement:
    """Observe and judge. Raises psycopg.Error."""
    kind = KINDS[type(entry)]
    assert isinstance(kind, InDatabase)
    return kind.judge(kind.observe(connection, subject, entry, look), entry)


class Asking:
    """A gate outside of the database that is being asked, from the moment on at which this is made."""

    def __init__(self, subject: Subject, entry: OutsideEntry, look: Look) -> None:
        self._entry = entry
        self._answer: Judgement | None = None
        self._bug: Exception | None = None
        # Counted from here on: one that is waited for after another has had its time too.
        self._until = time.monotonic() + entry.timeout.total_seconds() + _GRACE_SECONDS
        self._thread = threading.Thread(
            target=self._ask, args=[subject, look], name=f"crossfade-{entry.kind}", daemon=True
        )
        self._thread.start()

    def judgement(self) -> Judgement:
        """What it says; ERROR where it says nothing in time. Raises what only a bug of the kind's own can raise."""
        self._thread.join(max(0.0, self._until - time.monotonic()))
        if self._bug is not None:
            raise self._bug
        if self._answer is None:
            reason = f"{self._entry.kind} does not answer within {format_duration(self._entry.timeout)}"
            return Judgement(verdict=Verdict.ERROR, reason=reason)
        return self._answer

    def _ask(self, subject: Subject, look: Look) -> None:
        kind = KINDS[type(self._entry)]
        assert isinstance(kind, Outside)
        try:
            self._answer = kind.judge(kind.observe(subject, self._entry, look), self._entry)
        except (OSError, CrossfadeError) as error:
            reason = f"{self._entry.kind} cannot be asked: {error}"
            self._answer = Judgement(verdict=Verdict.ERROR, reason=reason, evidence={"error": type(error).__name__})
        except Exception as error:  # noqa: BLE001 - raised again by `judgement`, in the thread that waits
            self._bug = error
