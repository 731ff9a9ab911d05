"""The gate `legacy_reads`: no statement that names the old shape is called any more, by what pg_stat_statements counts.

A statement names an old column by its parse tree (crossfade.gates.column_references). Its calls are compared with those
of the look before: the difference says that it was called in between, so it counts as called at the later look. What
was called before the first look is not known, nor what was called between two looks where entries were evicted or
reset meanwhile; the silence begins anew there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crossfade.gates import statement_calls
from crossfade.gates.counters import Counter, compare, keep_counters, read_counters
from crossfade.gates.spans import ago, moment
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration
from crossfade.postgres.seen_text import shortened, without_constants

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.column_references import Mention
    from crossfade.gates.statement_calls import Called, Calls
    from crossfade.gates.subject import Look, Subject
    from crossfade.gates.watched_column import WatchedColumn
    from crossfade.plan.gates import LegacyReads

_MOST_NAMED = 5
_MOST_LISTED = 50
_LOSSES = "losses"
"""The counter of what pg_stat_statements has lost."""
_NEVER_SEEN = (
    "statements that are still running, and those that fail",
    "statements on a standby",
    "rows taken by SELECT * and other ways that name no column (listed as `stars`)",
    "what views read, and what was evicted before the first look",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement that has something to do with an old column."""

    text: str
    """Cut, and without its constants."""
    role: str | None
    columns: tuple[str, ...]
    mention: str
    """`named`, `star` or `unreadable`."""
    calls: int
    moved_at: datetime | None = None
    """The look that found more calls than the one before; None as long as none did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is known of calls."""

    hold: timedelta
    columns: tuple[str, ...] = ()
    unseen: str | None = None
    """Why nothing is known."""
    now: datetime | None = None
    """When the calls were read; None where they were not."""
    since: datetime | None = None
    """Since when nothing of them was lost: at the earliest since the first look."""
    is_first: bool = False
    lost: str | None = None
    """What was lost between the look before and this one."""
    hidden: int = 0
    """Statements whose text we may not see."""
    statements: tuple[Statement, ...] = ()
    """Those that are called most, first."""
    not_seen: tuple[str, ...] = ()


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: LegacyReads, look: Look) -> Observation:
    """Read what the last look left, then the calls; a recorded look leaves them to the next. Raises psycopg.Error."""
    hold = subject.plan.hold if entry.hold is None else entry.hold
    columns = statement_calls.watched(connection, subject.rows)
    names = tuple(str(column) for column in columns)
    if not columns:
        return Observation(hold=hold, unseen="this plan takes no column away, so there is nothing to watch")
    gate = f"{entry.kind} stars={entry.stars}"
    kept = read_counters(connection, subject.run_id, gate)
    calls = statement_calls.read_calls(connection)
    fault = calls if isinstance(calls, str) else calls.settings.fault
    if isinstance(calls, str) or fault is not None:
        return Observation(hold=hold, columns=names, unseen=fault)
    hidden = sum(called.queryid is None for called in calls.called)
    mentions = _mentions(calls, columns)
    followed = {key for key, (_, statement) in mentions.items() if _is_followed(statement, entry)}
    found, lost = _found(kept, calls, {key: mentions[key][0] for key in followed})
    # What a role sees that may not see everything is no measure for a look that does.
    if look.record and not hidden:
        keep_counters(connection, subject.run_id, gate, kept=kept, found=found)
    return Observation(
        hold=hold,
        columns=names,
        now=calls.after.at,
        since=found[_LOSSES].moved_at,
        is_first=not kept,
        lost=lost,
        hidden=hidden,
        statements=tuple(
            replace(statement, moved_at=found[key].moved_at) if key in found else statement
            for key, (_, statement) in mentions.items()
        ),
        not_seen=(*_NEVER_SEEN, *_not_counted(calls)),
    )


def _mentions(calls: Calls, columns: tuple[WatchedColumn, ...]) -> dict[str, tuple[Called, Statement]]:
    from crossfade.gates.column_references import Mention, Reference, find_reference

    lost_text = Reference(Mention.UNREADABLE, columns)
    found = {}
    for called in calls.called:
        if called.queryid is None:
            continue
        reference = lost_text if called.text is None else find_reference(called.text, columns)
        if reference.mention is not Mention.NONE:
            found[called.key] = called, _statement(called, reference.mention, reference.columns)
    return found


def _statement(called: Called, mention: Mention, columns: Iterable[WatchedColumn]) -> Statement:
    text = "(a text that the server has lost)" if called.text is None else shortened(without_constants(called.text))
    return Statement(
        text=text,
        role=called.role,
        columns=tuple(str(column) for column in columns),
        mention=mention.name.lower(),
        calls=called.calls,
    )


def _is_followed(statement: Statement, entry: LegacyReads) -> bool:
    return statement.mention != "star" or entry.stars == "block"


def _found(
    kept: Mapping[str, Counter], calls: Calls, called: Mapping[str, Called]
) -> tuple[dict[str, Counter], str | None]:
    """The counters of this look, and what was lost since the one before."""
    at = calls.after.at
    seen = {key: one.counter for key, one in called.items()}
    found = compare(kept, {_LOSSES: calls.before.counter, **seen}, at)
    lost = _lost(kept, calls, seen) if kept else None
    since = at if lost or not kept else kept[_LOSSES].moved_at
    return {**found, _LOSSES: Counter(seen=calls.before.counter, moved_at=since)}, lost


def _lost(kept: Mapping[str, Counter], calls: Calls, seen: Mapping[str, Mapping[str, Any]]) -> str | None:
    before, after = kept[_LOSSES].seen, calls.after.counter
    if before["stats_reset"] != after["stats_reset"]:
        return "pg_stat_statements was reset"
    if before["dealloc"] != after["dealloc"]:
        return "pg_stat_statements has evicted entries; raise pg_stat_statements.max if it does so again and again"
    gone = [k for k, c in kept.items() if k != _LOSSES and (k not in seen or seen[k]["calls"] < c.seen["calls"])]
    return "entries of pg_stat_statements were reset" if gone else None


def _not_counted(calls: Calls) -> Iterable[str]:
    if calls.settings.track == "top":
        yield "statements inside functions (pg_stat_statements.track is top)"
    if calls.settings.track_utility != "on":
        yield "COPY and cursors (pg_stat_statements.track_utility is off)"


def judge(observation: Observation, entry: LegacyReads) -> Judgement:
    """PASS if nothing that names an old column was called within `hold`, as far as can be seen."""
    o, evidence = observation, _evidence(observation)
    if o.now is None or o.since is None:
        return Judgement(verdict=Verdict.UNKNOWN, reason=o.unseen or "nothing is known", evidence=evidence)
    followed = [s for s in o.statements if _is_followed(s, entry)]
    clear_since = max((o.since, *(s.moved_at for s in followed if s.moved_at)))
    recent = [
        _in_words(s, o.now, s.moved_at) for s in followed if s.mention != "unreadable" and _is_recent(s, o.now, o)
    ]
    if recent:
        verdict = Verdict.BLOCKED
        reason = f"{_some(recent)}; there has to be no such call for {format_duration(o.hold)}"
    else:
        names, doubt = " and ".join(o.columns), _doubt(o, o.now)
        verdict = Verdict.UNKNOWN if doubt else Verdict.PASS
        seen = f"no call of a statement that names {names} seen since {moment(clear_since)} by pg_stat_statements"
        reason = doubt or seen
    return Judgement(
        verdict=verdict,
        reason=reason,
        evidence=evidence,
        clear_since=None if o.hidden else clear_since,
        remembers=True,
    )


def _doubt(observation: Observation, now: datetime) -> str | None:
    """Why silence says nothing."""
    o, names = observation, " and ".join(observation.columns)
    if o.hidden:
        texts = "the text of 1 statement is" if o.hidden == 1 else f"the texts of {o.hidden} statements are"
        return f"{texts} hidden; run: GRANT pg_read_all_stats TO the role that crossfade uses"
    if o.lost:
        return f"{o.lost} since the look before, so calls may have gone unseen: the time begins anew"
    unread = [
        _in_words(s, now, s.moved_at) for s in o.statements if s.mention == "unreadable" and _is_recent(s, now, o)
    ]
    if unread:
        return f"whether {names} is used cannot be read in what was called: {_some(unread)}"
    if o.is_first and not o.hold:
        return f"this is the first look at who names {names}; look again, since the difference of two looks counts"
    return None


def _is_recent(statement: Statement, now: datetime, observation: Observation) -> bool:
    at = statement.moved_at
    return at is not None and (at >= now or now - at < observation.hold)


def _some(words: list[str]) -> str:
    more = f" and {len(words) - _MOST_NAMED} more" if len(words) > _MOST_NAMED else ""
    return "; ".join(words[:_MOST_NAMED]) + more


def _in_words(statement: Statement, now: datetime, moved_at: datetime | None) -> str:
    s = statement
    by = f" of role {s.role}" if s.role else ""
    verb = {"named": "names", "star": "takes every column, so also"}.get(s.mention)
    about = f" {verb} {' and '.join(s.columns)} and" if verb else ""
    return f"`{s.text}`{by}{about} was called, as a look {ago(moved_at or now, now)} found"


def _evidence(observation: Observation) -> dict[str, Any]:
    o = observation
    latest_first = sorted(o.statements, key=lambda s: s.moved_at.timestamp() if s.moved_at else 0, reverse=True)
    listed = {kind: [s for s in latest_first if s.mention == kind] for kind in ("named", "star", "unreadable")}
    return {
        "columns": list(o.columns),
        "since": o.since and o.since.isoformat(),
        "named": [_as_json(s) for s in listed["named"][:_MOST_LISTED]],
        "stars": [_as_json(s) for s in listed["star"][:_MOST_LISTED]],
        "unreadable": [_as_json(s) for s in listed["unreadable"][:_MOST_LISTED]],
        **{f"{kind}_count": len(found) for kind, found in listed.items()},
        "hidden": o.hidden,
        "lost": o.lost,
        "not_seen": list(o.not_seen),
    }


def _as_json(statement: Statement) -> dict[str, Any]:
    s = statement
    called_by = s.moved_at and s.moved_at.isoformat()
    return {
        "statement": s.text,
        "role": s.role,
        "columns": list(s.columns),
        "calls": s.calls,
        "found_called_at": called_by,
    }


def in_words(entry: LegacyReads) -> str:
    """For `explain`."""
    stars = " or takes every column by `*`" if entry.stars == "block" else ""
    return f"no statement is called that names the old shape{stars}, as pg_stat_statements counts them"
