"""The gate `legacy_writes`: nothing writes the old shape any more.

The triggers of a pair note such writes, with the time and the writer. A note is seen once its transaction commits, so
one that is still open blocks too: after a look that found neither, every write has a later time than the look. Silence
counts only while the positive control holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.gates import pair_control
from crossfade.gates.pair_control import Control
from crossfade.gates.queries import query
from crossfade.gates.spans import ago, moment
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import LegacyWrites

_MOST_NAMED = 5
_MOST_WRITERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who wrote the old shape of a column, and when last."""

    relation: str
    column_name: str
    application_name: str
    role_name: str
    address: str | None
    noted: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWriter:
    """A transaction that wrote the old shape and is still open; without a pid it is a prepared one."""

    pid: int | None
    application_name: str | None
    role_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The notes of this run, and whether their absence would mean anything."""

    now: datetime
    since: datetime
    """When the run began."""
    hold: timedelta
    writers: tuple[Writer, ...]
    """The latest first."""
    open_writers: tuple[OpenWriter, ...]
    conflicts: int
    controls: tuple[Control, ...]


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: LegacyWrites, look: Look) -> Observation:
    """Read the notes, after the open transactions, so that none falls between the two; then the control."""
    pairs = tuple(change for change in subject.rows if change.told_apart)
    carried = pair_control.look_up(connection, pairs)
    notes = {"plan": subject.name, "since": subject.created_at}
    with connection.cursor(row_factory=class_row(OpenWriter)) as cursor:
        open_writers = tuple(
            cursor.execute(query("open_legacy_writes"), {"plan": subject.name, "kind": "legacy"}).fetchall()
        )
    with connection.cursor(row_factory=class_row(Writer)) as cursor:
        writers = tuple(cursor.execute(query("legacy_writers"), notes).fetchall())
    conflicts = connection.execute(query("count_conflicts"), notes).fetchone()
    noted = frozenset((w.relation, w.column_name) for w in writers)
    return Observation(
        now=look.now,
        since=subject.created_at,
        hold=subject.plan.hold if entry.hold is None else entry.hold,
        writers=writers,
        open_writers=open_writers,
        conflicts=conflicts[0] if conflicts else 0,
        controls=tuple(
            pair_control.control(connection, subject.name, change, carried[change.id], noted) for change in pairs
        ),
    )


def judge(observation: Observation, _entry: LegacyWrites) -> Judgement:
    """PASS if the control holds and nothing wrote the old shape within `hold`."""
    o = observation
    faults = [f for control in o.controls for f in control.faults]
    open_now = [_open_in_words(w) for w in o.open_writers[:_MOST_NAMED]]
    recent = [_in_words(w, o) for w in o.writers if o.now - w.last_at < o.hold][:_MOST_NAMED]
    last = o.writers[0].last_at if o.writers else None
    if recent:
        recent[-1] += f"; there has to be none for {format_duration(o.hold)}"
    unseen = [f"{'; '.join(faults)}: writes of the old shape are not seen"] if faults else []
    said = [*open_now, *recent, *unseen]
    clear_since = last
    if open_now or recent:
        verdict = Verdict.BLOCKED
        clear_since = None if open_now or faults else last
    elif faults:
        verdict, clear_since = Verdict.ERROR, None
    elif not o.controls:
        verdict, clear_since = Verdict.UNKNOWN, None
        said = ["nothing watches the writes of this plan, so their absence says nothing"]
    else:
        verdict = Verdict.PASS
        said = [f"no write of the old shape noted since {moment(last or o.since)}"]
    return Judgement(
        verdict=verdict,
        reason="; ".join(said),
        evidence=_evidence(o),
        clear_since=clear_since,
        remembers=True,
        is_guard=bool(faults),
    )


def _in_words(writer: Writer, observation: Observation) -> str:
    name = writer.application_name or "(no application_name)"
    address = f", from {writer.address}" if writer.address else ""
    return (
        f"{name} (role {writer.role_name}{address}) wrote {writer.relation}.{writer.column_name} "
        f"{ago(writer.last_at, observation.now)}"
    )


def _open_in_words(writer: OpenWriter) -> str:
    if writer.pid is None:
        return "a prepared transaction wrote the old shape and is still open"
    name = writer.application_name or "(no application_name)"
    return f"{name} (role {writer.role_name}, pid {writer.pid}) wrote the old shape in a transaction that is still open"


def _evidence(observation: Observation) -> dict[str, Any]:
    o = observation
    return {
        "since": o.since.isoformat(),
        "last_write": o.writers[0].last_at.isoformat() if o.writers else None,
        "writers": [
            {
                "application_name": w.application_name,
                "role": w.role_name,
                "address": w.address,
                "relation": w.relation,
                "column": w.column_name,
                "noted": w.noted,
                "last_at": w.last_at.isoformat(),
            }
            for w in o.writers[:_MOST_WRITERS]
        ],
        "open_transactions": [
            {"pid": w.pid, "application_name": w.application_name, "role": w.role_name} for w in o.open_writers
        ],
        "conflicts": o.conflicts,
        "control": [c.as_json() for c in o.controls],
    }


def in_words(_entry: LegacyWrites) -> str:
    """For `explain`."""
    return "nothing writes the old shape"
