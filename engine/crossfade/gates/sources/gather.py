"""Gathers what every source of the roster's apps says now: in the ledger, in the database, and outside of it.

What is outside has been asked before the look began: what the database says is read after it, so that it is the newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.gates import sightings
from crossfade.gates.sightings import Counted, Sighting
from crossfade.gates.sources import activity
from crossfade.gates.sources.answer import Answer, Seen
from crossfade.gates.sources.outside import not_asked
from crossfade.plan.sources import ActivityNames, kind_of

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look
    from crossfade.plan.apps import App

Key: TypeAlias = tuple[str, str, str, str]
_LET_IN = "start"
"""What `crossfade.can_i_run` notes of an app that it lets in: it counts whatever the plan lists, and proves nothing."""
_MOST_STALE = 50
"""How many stale sightings are looked at besides the latest of each version and source."""
_LONGEST = 300
"""Characters of a version or an instance that can be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A source of an app that cannot be read, or not in full."""

    app: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What all sources say."""

    sightings: tuple[Sighting, ...]
    proofs: frozenset[Key]
    """Of outside sources: what they show right now and what serves, so that it proves its version to be live."""
    failures: tuple[Failure, ...]
    left_out: int = 0
    """How many stale sightings there are besides."""


def key_of(sighting: Sighting) -> Key:
    """What tells sightings apart."""
    return sighting.app, sighting.version, sighting.instance, sighting.source


def gather(connection: psycopg.Connection[Any], apps: Mapping[str, App], look: Look) -> Gathered:
    """What they all say; what is seen now is kept if the look is recorded. Raises psycopg.Error.

    A look that asks nothing outside has what was kept of it, and counts it as a source that cannot be read.
    """
    heard = not_asked(apps) if look.heard is None else look.heard
    answers = [sighted(h.app, h.source, h.answer, look.now) for h in heard if h.app in apps]
    live = [s for each in answers for s in each.sightings]
    live += _sessions(connection, apps, look)
    if look.record:
        sightings.save(connection, ((*key_of(s), s.host, s.role_name) for s in live))
    counted = [
        Counted(app=name, source=source, ttl=app.ttl)
        for name, app in apps.items()
        for source in (*app.source_kinds, _LET_IN)
    ]
    known, left_out = sightings.sightings_of(connection, counted, now=look.now, most_stale=_MOST_STALE)
    return Gathered(
        sightings=_merged((*known, *live)),
        left_out=left_out,
        proofs=frozenset(key for each in answers for key in each.proofs),
        failures=tuple(failure for each in answers for failure in each.failures),
    )


def sighted(app: str, source: str, answer: Answer, now: datetime) -> Gathered:
    """What one source's answer says of an app. Pure.

    A text that the ledger cannot keep, or that would upset a terminal, makes it an answer that is not whole.
    """
    sound = [s for s in answer.seen if all(t.isprintable() and len(t) <= _LONGEST for t in (s.version, s.instance))]
    reasons = list(answer.failures)
    if len(sound) < len(answer.seen):
        reasons.append(f"{len(answer.seen) - len(sound)} have a version or a name that is no readable text")
    pairs = [(seen, _sighting(app, source, seen, now)) for seen in sound]
    return Gathered(
        sightings=tuple(sighting for _, sighting in pairs),
        proofs=frozenset(key_of(sighting) for seen, sighting in pairs if seen.proves),
        failures=tuple(Failure(app=app, source=source, reason=reason) for reason in reasons),
    )


def _sessions(connection: psycopg.Connection[Any], apps: Mapping[str, App], look: Look) -> Iterator[Sighting]:
    listed: dict[str | None, set[str]] = {}
    for name, app in apps.items():
        for source in app.sources:
            if kind_of(source) == "activity":
                pattern = source.pattern if isinstance(source, ActivityNames) else None
                listed.setdefault(pattern, set()).add(name)
    for pattern, names in listed.items():
        for s in activity.observe_sessions(connection, pattern):
            if s.app in names:
                seen = Seen(version=s.version, instance=s.instance, host=s.host, role_name=s.role_name)
                yield _sighting(s.app, "activity", seen, look.now)


def _sighting(app: str, source: str, seen: Seen, now: datetime) -> Sighting:
    at = now - seen.age
    return Sighting(
        app=app,
        version=seen.version,
        instance=seen.instance,
        source=source,
        host=seen.host,
        first_seen=at,
        last_seen=at,
        age_seconds=seen.age.total_seconds(),
        role_name=seen.role_name,
    )


def _merged(known: Iterable[Sighting]) -> tuple[Sighting, ...]:
    merged: dict[Key, Sighting] = {}
    for s in known:
        before = merged.setdefault(key_of(s), s)
        if before is not s:
            latest = max(before, s, key=lambda x: x.last_seen)
            merged[key_of(s)] = replace(latest, first_seen=min(before.first_seen, s.first_seen))
    return tuple(merged.values())
