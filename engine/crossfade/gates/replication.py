"""The gate `replication`: whoever replicates the tables keeps up, and a person has taken note of logical replication.

A logical subscriber whose table lacks the new column stops at the first row that has it, and one that still wants the
old column stops after contract; crossfade cannot look into it. So a publication of the tables, a logical slot of the
database or, before contract, a subscription that writes into the tables needs a person's word for each phase: the same
that preflight asks to be accepted with `--ack cdc`. Lag is told of standbys to members of pg_read_all_stats only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.gates import acknowledgement
from crossfade.gates.acknowledgement import Shown, how_to
from crossfade.gates.queries import query
from crossfade.gates.spans import moment
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.durations import format_duration
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.publications import publications_of

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import Replication

_MOST_NAMED = 5
_MOST_LISTED = 50
_WHY = {
    Phase.EXPAND: "a subscriber whose table lacks the new column stops when the first row arrives",
    Phase.BACKFILL: "every row that is filled is sent to them",
    Phase.CONTRACT: "from then on rows are sent under the new name only, and one that wants the old column stops",
}
"""What a person takes note of, by phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """A physical standby that is connected."""

    name: str
    state: str | None
    """`streaming` where all is well; None where our role may not see it."""
    lag: timedelta | None
    behind: int | None
    """Bytes of WAL that are written and not replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A logical slot of this database, or a physical one of the server."""

    name: str
    is_logical: bool
    active: bool
    is_lost: bool
    behind: int | None
    """Of a logical slot: bytes of WAL that are written and not confirmed; None as long as it is being made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Who replicates, and what a person has taken note of."""

    run: str
    phase: Phase
    standbys: tuple[Standby, ...] = ()
    slots: tuple[Slot, ...] = ()
    logical: tuple[Shown, ...] = ()
    """Publications, subscriptions and logical slots, each as `publication NAME` and so on."""


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: Replication, look: Look) -> Observation:
    """Read them as they are now. Raises psycopg.Error."""
    connection.execute("SELECT pg_catalog.pg_stat_clear_snapshot()")
    with connection.cursor(row_factory=class_row(Standby)) as cursor:
        standbys = tuple(cursor.execute(query("standbys")).fetchall())
    with connection.cursor(row_factory=class_row(Slot)) as cursor:
        slots = tuple(cursor.execute(query("replication_slots")).fetchall())
    names = [*_who_replicates(connection, subject, look.phase), *(f"slot {s.name}" for s in slots if s.is_logical)]
    role = entry.acknowledged_by
    return Observation(
        run=subject.name,
        phase=look.phase,
        standbys=standbys,
        slots=slots,
        logical=acknowledgement.look_up(connection, subject, look, gate=entry.kind, role=role, names=names),
    )


def _who_replicates(connection: psycopg.Connection[Any], subject: Subject, phase: Phase) -> Iterator[str]:
    """Publications that send the tables' changes, and before contract subscriptions that write into them."""
    oids = _relations(connection, subject)
    renamed = {name for change in subject.rows for name in change.old} if phase is Phase.CONTRACT else set()
    for publication in publications_of(connection, oids):
        # One with a list of columns sends no others, and so not the new one; the old one is sent by its name.
        if publication.columns is None or renamed & set(publication.columns):
            yield f"publication {publication.name}"
    if phase is Phase.CONTRACT:
        for (name,) in connection.execute(query("subscriptions"), {"oids": oids}):
            yield f"subscription {name}"


def _relations(connection: psycopg.Connection[Any], subject: Subject) -> list[int]:
    """Every table that the plan names, with its partitions and children."""
    named = [str(QualifiedName(schema, table)) for schema, table in subject.relations]
    tables = [table for change in subject.plan.changes for table in change.tables]
    named += [str(QualifiedName(t.schema, t.name)) for t in tables if t.schema is not None]
    bare = [quoted(t.name) for t in tables if t.schema is None]
    with connection.transaction(force_rollback=True):
        # Where a plan names no schema, it means the path of the users' sessions.
        connection.execute("SET LOCAL search_path TO DEFAULT")
        found = connection.execute(query("family"), {"names": [*named, *bare]}).fetchall()
    return [oid for oid, *_ in found]


def judge(observation: Observation, entry: Replication) -> Judgement:
    """BLOCKED by who lags or was not taken note of; UNKNOWN while lag cannot be seen."""
    o = observation
    evidence = {"acknowledged_as": entry.acknowledged_by, **_evidence(o)}
    new = [s.name for s in o.logical if s.acknowledged_by is None]
    said = [*_lagging(o, entry)]
    if new:
        command = how_to(o.run, o.phase.value, entry.acknowledged_by)
        said.append(f"{_listed([*_named(new, o)])}: {_WHY[o.phase]}; take note of it with: {command}")
    if said:
        return Judgement(verdict=Verdict.BLOCKED, reason="; ".join(said), evidence=evidence)
    unseen = [*_unseen(o)]
    if unseen:
        return Judgement(verdict=Verdict.UNKNOWN, reason="; ".join(unseen), evidence=evidence)
    return Judgement(verdict=Verdict.PASS, reason=_passing(o, entry), evidence=evidence)


def _lagging(observation: Observation, entry: Replication) -> Iterator[str]:
    for s in observation.standbys:
        if s.state is None:
            continue
        if s.state != "streaming":
            yield f"standby {s.name} does not stream yet, its state is {s.state}"
        # The server keeps the last lag that it measured; a standby that has replayed everything is not late.
        elif s.behind and s.lag is not None and s.lag > entry.max_lag:
            lag = s.lag / timedelta(seconds=1)
            yield f"standby {s.name} is {lag:.1f} s behind, more than {format_duration(entry.max_lag)}"
        elif s.behind is not None and s.behind > entry.max_lag_bytes:
            yield f"standby {s.name} has {_size(s.behind)} of WAL to replay, more than {entry.max_lag_bytes}"
    for slot in observation.slots:
        if slot.is_logical and not slot.is_lost and slot.behind is not None and slot.behind > entry.max_lag_bytes:
            state = "" if slot.active else " (inactive)"
            yield (
                f"slot {slot.name}{state} has {_size(slot.behind)} of WAL to confirm, more than {entry.max_lag_bytes}"
            )


def _unseen(observation: Observation) -> Iterator[str]:
    hidden = sum(s.state is None for s in observation.standbys)
    if hidden:
        yield (
            f"the lag of {hidden} standby{'s' * (hidden != 1)} cannot be seen; run: GRANT pg_read_all_stats TO the "
            "role that crossfade uses"
        )
    for s in observation.standbys:
        if s.state == "streaming" and s.behind is None:
            yield f"standby {s.name} has not told yet how far it is"
    for slot in observation.slots:
        if slot.is_logical and not slot.is_lost and slot.behind is None:
            yield f"slot {slot.name} is still being made"


def _named(names: Sequence[str], observation: Observation) -> Iterator[str]:
    state = {f"slot {s.name}": "lost" if s.is_lost else "inactive" for s in observation.slots if not s.active}
    for name in names:
        yield f"{name} ({state[name]})" if name in state else name


def _passing(observation: Observation, entry: Replication) -> str:
    o = observation
    said = []
    if o.standbys:
        said.append(f"no standby is more than {format_duration(entry.max_lag)} or {entry.max_lag_bytes} behind")
    if o.logical:
        last = max(o.logical, key=lambda s: str(s.acknowledged_at))
        at = f" at {moment(last.acknowledged_at)}" if last.acknowledged_at else ""
        names = _listed([*_named([s.name for s in o.logical], o)])
        said.append(f"{last.acknowledged_by} has taken note of {names}{at}")
    else:
        said.append("no publication sends the tables, and the database has no logical slot")
    idle = [s.name for s in o.slots if not s.active and not s.is_logical]
    if idle:
        said.append(f"nobody reads slot {_listed(idle)}, which holds WAL back")
    return "; ".join(said)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _seconds(lag: timedelta | None) -> float | None:
    return None if lag is None else lag.total_seconds()


def _size(amount: int) -> str:
    return f"{amount / 1024**2:.1f} MB"


def _evidence(observation: Observation) -> dict[str, Any]:
    o = observation
    return {
        "logical": [s.as_json() for s in o.logical[:_MOST_LISTED]],
        "standbys": [
            {"name": s.name, "state": s.state, "lag_seconds": _seconds(s.lag), "behind_bytes": s.behind}
            for s in o.standbys[:_MOST_LISTED]
        ],
        "slots": [
            {"name": s.name, "logical": s.is_logical, "active": s.active, "lost": s.is_lost, "behind_bytes": s.behind}
            for s in o.slots[:_MOST_LISTED]
        ],
    }


def in_words(entry: Replication) -> str:
    """For `explain`."""
    return (
        f"no standby or slot is more than {format_duration(entry.max_lag)} or {entry.max_lag_bytes} behind, and "
        f"somebody as {entry.acknowledged_by} has taken note of logical replication"
    )
