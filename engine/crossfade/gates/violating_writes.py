"""The gate `violating_writes`: nothing writes what a coming constraint would refuse, and no row violates it.

The triggers of a watch note such writes, with the time, the writer and the row's key. As with legacy writes, one in a
transaction that is still open blocks too. Rows that were there before are looked at once a minute, for as long as the
gate may take: validation at contract is what proves the rest, and should not come as a surprise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.gates import pair_control, violating_rows
from crossfade.gates.legacy_writes import OpenWriter
from crossfade.gates.queries import query
from crossfade.gates.spans import ago, moment
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.gates.violating_rows import Rows
    from crossfade.operations.step import Watch
    from crossfade.plan.gates import ViolatingWrites

_MOST_NAMED = 5
_MOST_WRITERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who wrote what a constraint would refuse, and when last."""

    relation: str
    constraint_name: str
    application_name: str
    role_name: str
    address: str | None
    noted: int
    last_at: datetime
    examples: list[str]
    """Keys of a few of the rows, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How far the silence about one constraint can be believed."""

    constraint: str
    table: str
    triggers: int
    """How many were looked at, partitions' included."""
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The notes of this run, the rows that violate, and whether silence would mean anything."""

    now: datetime
    since: datetime
    """When the run began."""
    hold: timedelta
    writers: tuple[Writer, ...] = ()
    """The latest first."""
    open_writers: tuple[OpenWriter, ...] = ()
    rows: tuple[Rows, ...] = ()
    controls: tuple[Control, ...] = ()


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: ViolatingWrites, look: Look) -> Observation:
    """Read the notes, after the open transactions, so that none falls between the two; then the rows and triggers."""
    notes = {"plan": subject.name, "since": subject.created_at}
    with connection.cursor(row_factory=class_row(OpenWriter)) as cursor:
        open_parameters = {"plan": subject.name, "kind": "violation"}
        open_writers = tuple(cursor.execute(query("open_legacy_writes"), open_parameters).fetchall())
    with connection.cursor(row_factory=class_row(Writer)) as cursor:
        writers = tuple(cursor.execute(query("violating_writers"), notes).fetchall())
    carried = pair_control.look_up(connection, subject.watches)
    return Observation(
        now=look.now,
        since=subject.created_at,
        hold=subject.plan.hold if entry.hold is None else entry.hold,
        writers=writers,
        open_writers=open_writers,
        rows=tuple(violating_rows.look(connection, watch, entry.timeout, look) for watch in subject.watches),
        controls=tuple(_control(watch, carried[watch.id]) for watch in subject.watches),
    )


def _control(watch: Watch, carried: tuple[pair_control.Carried, ...]) -> Control:
    table = str(QualifiedName(watch.schema, watch.table))
    faults = tuple(c.fault for c in carried if c.fault)
    return Control(
        constraint=watch.constraint,
        table=table,
        triggers=len(carried),
        faults=faults if carried else (f"no trigger watches {table}",),
    )


def judge(observation: Observation, _entry: ViolatingWrites) -> Judgement:
    """PASS if the control holds, no row violates and nothing wrote one that does within `hold`."""
    o = observation
    faults = [f for control in o.controls for f in control.faults]
    open_now = [_open_in_words(w) for w in o.open_writers[:_MOST_NAMED]]
    recent = [_in_words(w, o.now) for w in o.writers if o.now - w.last_at < o.hold][:_MOST_NAMED]
    rows = [r.in_words for r in o.rows if r.violating]
    last = o.writers[0].last_at if o.writers else None
    if recent:
        recent[-1] += f"; there has to be none for {format_duration(o.hold)}"
    unseen = [f"{'; '.join(faults)}: writes that violate are not seen"] if faults else []
    said = [*open_now, *recent, *rows, *unseen]
    clear_since = last
    if open_now or recent or rows:
        verdict = Verdict.BLOCKED
        clear_since = None if open_now or faults or rows else last
    elif faults:
        verdict, clear_since = Verdict.ERROR, None
    elif not o.controls:
        # A program watches whatever writes may violate its constraints.
        verdict = Verdict.PASS
        said = ["no table gets a constraint from this plan that a write could violate"]
    else:
        verdict = Verdict.PASS
        said = [f"no write that violates noted since {moment(last or o.since)}", *_unread(o)]
    return Judgement(
        verdict=verdict,
        reason="; ".join(said),
        evidence=_evidence(o),
        clear_since=clear_since,
        remembers=True,
        is_guard=bool(faults),
    )


def _unread(observation: Observation) -> list[str]:
    late = dict.fromkeys(r.table for r in observation.rows if r.out_of_time)
    return [f"not all rows of {table} could be looked at in time; validation will tell" for table in late]


def _in_words(writer: Writer, now: datetime) -> str:
    name = writer.application_name or "(no application_name)"
    address = f", from {writer.address}" if writer.address else ""
    example = f", such as {writer.examples[0]}" if writer.examples else ""
    return (
        f"{name} (role {writer.role_name}{address}) wrote a row of {writer.relation} that violates "
        f"{writer.constraint_name}{example}, {ago(writer.last_at, now)}"
    )


def _open_in_words(writer: OpenWriter) -> str:
    if writer.pid is None:
        return "a prepared transaction wrote a row that violates and is still open"
    name = writer.application_name or "(no application_name)"
    where = f"role {writer.role_name}, pid {writer.pid}"
    return f"{name} ({where}) wrote a row that violates in a transaction that is still open"


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
                "constraint": w.constraint_name,
                "noted": w.noted,
                "last_at": w.last_at.isoformat(),
                "examples": w.examples,
            }
            for w in o.writers[:_MOST_WRITERS]
        ],
        "open_transactions": [
            {"pid": w.pid, "application_name": w.application_name, "role": w.role_name} for w in o.open_writers
        ],
        "rows": [r.as_json() for r in o.rows],
        "control": [
            {"constraint": c.constraint, "table": c.table, "triggers": c.triggers, "faults": list(c.faults)}
            for c in o.controls
        ],
    }


def in_words(_entry: ViolatingWrites) -> str:
    """For `explain`."""
    return "nothing writes what a coming constraint would refuse, and no row violates it"
