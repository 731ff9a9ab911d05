"""The gate `table_activity`: the counters of a table or an index are at rest.

The server counts reads and writes of every table, partitions apart, and they are summed up here. Whoever moves the
counters counts: apps, foreign keys, `CREATE INDEX`, a dump, and what crossfade itself does to the table. They are
written late, up to a second after a transaction's end or ten where the session is idle from then on, and never inside
one: so a transaction that holds the table locked counts as well. Each server counts its own work; that of a standby is
not seen.
Source: PostgreSQL's documentation, "The Cumulative Statistics System".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossfade.gates import relation_counts
from crossfade.gates.counters import Counter, compare, keep_counters, read_counters
from crossfade.gates.given_up import given_up
from crossfade.gates.relation_counts import READS, SERVER, WRITES, Counts, Missing
from crossfade.gates.spans import ago, moment
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import TableActivity

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the counters say."""

    counts: Counts
    moved_at: Mapping[str, datetime | None]
    """The look that found reads and writes moved last, each; None as long as none did."""
    since: datetime
    """Since when no counter was reset: at the earliest since the first look."""
    lost: str | None = None
    """What was lost between the look before and this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """There is no such relation any more, since the run itself has taken its name away."""

    reason: str


def observe(
    connection: psycopg.Connection[Any], subject: Subject, entry: TableActivity, look: Look
) -> Observation | Hidden | Missing:
    """Read what the last look left, then the counters; a recorded look leaves them to the next one.

    Raises psycopg.Error.
    """
    target = relation_counts.find(connection, entry)
    if isinstance(target, Missing):
        wanted = entry.index or entry.table
        assert wanted is not None
        is_ours = (wanted.schema, wanted.name) in given_up(connection, subject)
        return Hidden(reason=f"{wanted} is out of use: this run has hidden it") if is_ours else target
    gate = f"{entry.kind} {target.words}"
    kept = read_counters(connection, subject.run_id, gate)
    counts = relation_counts.read(connection, target)
    found, lost = _found(kept, counts)
    if look.record:
        keep_counters(connection, subject.run_id, gate, kept=kept, found=found)
    return Observation(
        counts=counts,
        moved_at={name: counter.moved_at for name, counter in found.items() if name != SERVER},
        since=found[SERVER].moved_at or counts.at,
        lost=lost,
    )


def _found(kept: Mapping[str, Counter], counts: Counts) -> tuple[dict[str, Counter], str | None]:
    """The counters of this look, and what was lost since the one before."""
    found = compare(kept, {SERVER: counts.before, READS: counts.reads, WRITES: counts.writes}, counts.at)
    lost = _lost(kept, counts) if kept else None
    since = counts.at if lost or not kept else kept[SERVER].moved_at
    if lost:
        # That they are other ones now says nothing of use; `since` begins the time anew.
        found = {
            name: replace(counter, moved_at=kept[name].moved_at) for name, counter in found.items() if name in kept
        }
    return {**found, SERVER: Counter(seen=counts.before, moved_at=since)}, lost


def _lost(kept: Mapping[str, Counter], counts: Counts) -> str | None:
    if kept[SERVER].seen != counts.after:
        return "the server's statistics were reset, or the relation is another one"
    fallen = any(now[name] < kept[kind].seen[name] for kind, now in counts.by_kind.items() for name in now)
    return "its counters were reset, or a partition has gone" if fallen else None


def judge(observation: Observation | Hidden | Missing, entry: TableActivity) -> Judgement:
    """PASS if nothing that counts has moved within `hold`."""
    if isinstance(observation, Missing):
        return Judgement(verdict=Verdict.ERROR, reason=observation.reason)
    if isinstance(observation, Hidden):
        return Judgement(verdict=Verdict.PASS, reason=observation.reason, remembers=True)
    o, counts, evidence = observation, observation.counts, _evidence(observation)
    words, hold = counts.target.words, format_duration(entry.hold)
    if counts.uncounted:
        return Judgement(verdict=Verdict.UNKNOWN, reason=counts.uncounted, evidence=evidence)
    users = [u for u in counts.users if u.kind in entry.counted]
    if users:
        named = "; ".join(str(u) for u in users[:_MOST_NAMED])
        more = f" and {len(users) - _MOST_NAMED} more" if len(users) > _MOST_NAMED else ""
        reason = f"{words} is used in a transaction that is still open: {named}{more}"
        return Judgement(verdict=Verdict.BLOCKED, reason=reason, evidence=evidence)
    moved = {kind: at for kind in entry.counted if (at := o.moved_at[kind]) is not None}
    clear_since = max((o.since, *moved.values()))
    recent = [kind for kind, at in moved.items() if counts.at - at < entry.hold]
    if recent:
        last = max(moved[kind] for kind in recent)
        verdict = Verdict.BLOCKED
        reason = (
            f"{' and '.join(recent)} of {words} were counted, as a look {ago(last, counts.at)} found; there have to be "
            f"none for {hold}"
        )
    elif o.lost:
        verdict = Verdict.UNKNOWN
        reason = f"{words}: {o.lost} since the look before, so its use may have gone unseen: the time begins anew"
    else:
        verdict = Verdict.PASS
        none = " and no ".join(entry.counted)
        reason = f"no {none} of {words} seen since {moment(clear_since)} by {counts.target.view}"
    return Judgement(verdict=verdict, reason=reason, evidence=evidence, clear_since=clear_since, remembers=True)


def _evidence(observation: Observation) -> dict[str, Any]:
    o, counts = observation, observation.counts
    return {
        "relation": counts.target.words,
        "relations": counts.relations,
        "since": o.since.isoformat(),
        "counters": [
            {"counter": name, "counts": kind, "value": value, "found_moved_at": _iso(o.moved_at[kind])}
            for kind, values in counts.by_kind.items()
            for name, value in values.items()
        ],
        "last_read": counts.last_read,
        "used_now": [str(u) for u in counts.users[:_MOST_NAMED]],
        "lost": o.lost,
        "not_seen": "what standbys read",
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def in_words(entry: TableActivity) -> str:
    """For `explain`."""
    what = f"table {entry.table}" if entry.table else f"index {entry.index}"
    return f"no {' and no '.join(entry.counted)} of {what}, as the server counts them"
