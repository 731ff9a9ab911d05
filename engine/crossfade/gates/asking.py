"""Asking one gate, in the database or outside of it; what is outside is asked in a thread of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from crossfade.errors import CrossfadeError
from crossfade.gates.aside import Aside
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
        self._aside = Aside(
            partial(_judge_outside, subject, entry, look),
            seconds=entry.timeout.total_seconds() + _GRACE_SECONDS,
            name=f"crossfade-{entry.kind}",
        )

    def judgement(self) -> Judgement:
        """What it says; ERROR where it says nothing in time. Raises what only a bug of the kind's own can raise."""
        late = f"{self._entry.kind} does not answer within {format_duration(self._entry.timeout)}"
        return self._aside.answer() or Judgement(verdict=Verdict.ERROR, reason=late)


def _judge_outside(subject: Subject, entry: OutsideEntry, look: Look) -> Judgement:
    kind = KINDS[type(entry)]
    assert isinstance(kind, Outside)
    try:
        return kind.judge(kind.observe(subject, entry, look), entry)
    except (OSError, CrossfadeError) as error:
        reason = f"{entry.kind} cannot be asked: {error}"
        return Judgement(verdict=Verdict.ERROR, reason=reason, evidence={"error": type(error).__name__})
