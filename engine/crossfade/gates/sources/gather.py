"""Gathers what every source of the roster's apps says now: in the ledger, in the database, and outside of it.

The outside sources of all apps are asked side by side, each within its time-out, while nothing else is done: what the
database says is read after them, so that it is the newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.gates import sightings
from crossfade.gates.aside import Aside
from crossfade.gates.sightings import Sighting
from crossfade.gates.sources import activity, http, kubernetes, pgbouncer, prometheus
from crossfade.gates.sources.answer import Answer, Seen, failed
from crossfade.plan.durations import format_duration
from crossfade.plan.sources import (
    ActivityNames,
    HttpInstances,
    KubernetesWorkloads,
    OutsideSource,
    PgbouncerClients,
    PrometheusQuery,
    kind_of,
)

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look
    from crossfade.plan.apps import App

Key: TypeAlias = tuple[str, str, str, str]
_GRACE_SECONDS = 1.0
"""Over a source's own time-out: looking up a name can take longer than any time-out of a socket."""
_LET_IN = "start"
"""What `crossfade.can_i_run` notes of an app that it lets in: it counts whatever the plan lists, and proves nothing."""
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


def key_of(sighting: Sighting) -> Key:
    """What tells sightings apart."""
    return sighting.app, sighting.version, sighting.instance, sighting.source


def gather(connection: psycopg.Connection[Any], apps: Mapping[str, App], look: Look) -> Gathered:
    """Ask them all; what is seen now is kept if the look is recorded. Raises psycopg.Error."""
    asked = [
        (name, source, Aside(partial(_ask, name, app, source), seconds=source.timeout.total_seconds() + _GRACE_SECONDS))
        for name, app in apps.items()
        for source in app.sources
        if isinstance(source, OutsideSource)
    ]
    answers = [sighted(name, source.kind, aside.answer() or _late(source), look.now) for name, source, aside in asked]
    live = [s for each in answers for s in each.sightings]
    live += _sessions(connection, apps, look)
    if look.record:
        sightings.save(connection, ((*key_of(s), s.host) for s in live))
    known = (*sightings.list_sightings(connection), *live)
    counted = [s for s in known if s.app in apps and s.source in (*apps[s.app].source_kinds, _LET_IN)]
    return Gathered(
        sightings=_merged(counted),
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


def _late(source: OutsideSource) -> Answer:
    return failed(f"no answer within {format_duration(source.timeout)}")


def _ask(name: str, app: App, source: OutsideSource) -> Answer:
    match source:
        case HttpInstances():
            return http.observe(name, source)
        case PrometheusQuery():
            return prometheus.observe(name, source, app.ttl)
        case PgbouncerClients():
            return pgbouncer.observe(name, source)
        case KubernetesWorkloads():
            return kubernetes.observe(name, source)
    raise AssertionError(source)


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
                seen = Seen(version=s.version, instance=s.instance, host=s.host)
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
    )


def _merged(known: Iterable[Sighting]) -> tuple[Sighting, ...]:
    merged: dict[Key, Sighting] = {}
    for s in known:
        before = merged.get(key_of(s), s)
        latest = max(before, s, key=lambda x: x.last_seen)
        merged[key_of(s)] = replace(latest, first_seen=min(before.first_seen, s.first_seen))
    return tuple(merged.values())
