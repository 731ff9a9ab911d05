"""The gate `app_version`: every live instance of the roster's apps is in the range that needs the new shape only.

An instance is live if one of the sources that its app lists has seen it within `ttl`. One sighting of another version
blocks. No sighting is no proof: PASS needs a live instance in the range, seen by more than an open connection unless
that is the only source listed, since old versions behind a pooler look like nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossfade.gates import activity, sightings
from crossfade.gates.sightings import Sighting
from crossfade.gates.spans import ago, moment
from crossfade.gates.verdict import Judgement, Verdict, all_of
from crossfade.plan.durations import format_duration
from crossfade.plan.versions import UnreadableVersion

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.apps import App
    from crossfade.plan.gates import AppVersion
    from crossfade.plan.versions import VersionRange

_MOST_NAMED = 5
"""How many instances of a version a reason names."""
_MOST_STALE = 50
"""How many sightings of the past the evidence lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The sightings of the apps that the gate is about."""

    now: datetime
    apps: Mapping[str, App]
    sightings: tuple[Sighting, ...]


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: AppVersion, look: Look) -> Observation:
    """What the ledger knows, and which connections are open now; the latter are kept if the look is recorded."""
    roster = subject.plan.apps or {}
    apps = {name: roster[name] for name in entry.apps or roster}
    live: tuple[Sighting, ...] = ()
    if any("activity" in app.sources for app in apps.values()):
        sessions = [s for s in activity.observe_sessions(connection) if s.app in apps]
        if look.record:
            sightings.save(connection, ((s.app, s.version, s.instance, "activity", s.host) for s in sessions))
        live = tuple(
            Sighting(
                app=s.app,
                version=s.version,
                instance=s.instance,
                source="activity",
                host=s.host,
                first_seen=look.now,
                last_seen=look.now,
                age_seconds=0.0,
            )
            for s in sessions
        )
    known = (*sightings.list_sightings(connection), *live)
    counted = [s for s in known if s.app in apps and s.source in apps[s.app].sources]
    return Observation(now=look.now, apps=apps, sightings=_merged(counted))


def _merged(known: Iterable[Sighting]) -> tuple[Sighting, ...]:
    merged: dict[tuple[str, str, str, str], Sighting] = {}
    for s in known:
        key = (s.app, s.version, s.instance, s.source)
        before = merged.get(key, s)
        latest = max(before, s, key=lambda x: x.last_seen)
        merged[key] = replace(latest, first_seen=min(before.first_seen, s.first_seen))
    return tuple(merged.values())


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A sighting, whether it is fresh, and which shape its version needs: old, new, or unknown."""

    sighting: Sighting
    fresh: bool
    needs: str


def judge(observation: Observation, _entry: AppVersion) -> Judgement:
    """Every app of the gate has to pass."""
    weighed = {name: tuple(_weigh(name, app, observation)) for name, app in observation.apps.items()}
    judged = [_judge_app(name, app, weighed[name], observation.now) for name, app in observation.apps.items()]
    verdict = all_of(v for v, _ in judged)
    named = sorted((j for j in judged if j[0] is not Verdict.PASS or verdict is Verdict.PASS), key=_blocked_first)
    return Judgement(
        verdict=verdict,
        reason="; ".join(reason for _, reason in named),
        evidence=_evidence(observation, [w for each in weighed.values() for w in each]),
        clear_since=_clear_since(observation.apps, weighed) if verdict is Verdict.PASS else None,
    )


def live_in_new(observation: Observation) -> str | None:
    """The live instances that need the new shape, in words; None where there is none."""
    found = [
        w.sighting
        for name, app in observation.apps.items()
        for w in _weigh(name, app, observation)
        if w.fresh and w.needs == "new"
    ]
    return _named(found, observation.now) if found else None


def _blocked_first(judged: tuple[Verdict, str]) -> bool:
    return judged[0] is not Verdict.BLOCKED


def _weigh(name: str, app: App, observation: Observation) -> Iterator[_Weighed]:
    wanted = app.new_range
    for s in observation.sightings:
        if s.app == name:
            yield _Weighed(s, observation.now - s.last_seen <= app.ttl, _needs(s, wanted))


def _needs(sighting: Sighting, wanted: VersionRange) -> str:
    if sighting.source == "activity" and activity.may_be_cut(sighting.app, sighting.version):
        return "unknown"
    try:
        return "new" if wanted.admits(sighting.version) else "old"
    except UnreadableVersion:
        return "unknown"


def _judge_app(name: str, app: App, weighed: tuple[_Weighed, ...], now: datetime) -> tuple[Verdict, str]:
    fresh = [w for w in weighed if w.fresh]
    old = [w.sighting for w in fresh if w.needs == "old"]
    if old:
        return Verdict.BLOCKED, f"{name} has to be {app.new}; live is {_named(old, now)}"
    unknown = [w.sighting for w in fresh if w.needs == "unknown"]
    if unknown:
        return Verdict.UNKNOWN, f"{_named(unknown, now)}: the version cannot be read as {app.scheme}"
    counted = [w.sighting for w in fresh if w.sighting.source != "activity" or app.sources == ("activity",)]
    within = f"in the last {format_duration(app.ttl)}"
    if not counted:
        only = ", and an open connection alone is no proof" if fresh else ""
        return Verdict.UNKNOWN, f"nothing reports: no live instance of {name} seen {within}{only}"
    instances = _instances(counted)
    if app.expect is not None and instances < app.expect:
        return Verdict.UNKNOWN, f"{instances} of {app.expect} instances of {name} sighted {within}"
    return Verdict.PASS, f"every live instance of {name} is in {app.new}: {instances} seen {within}"


def _instances(found: Iterable[Sighting]) -> int:
    """At least how many there are: connections that name no instance count once for each host."""
    return len({(s.host, None) if activity.is_unnamed(s.instance) else (None, s.instance) for s in found})


def _named(found: list[Sighting], now: datetime) -> str:
    versions: dict[tuple[str, str], list[Sighting]] = {}
    for s in sorted(found, key=lambda s: now - s.last_seen):
        versions.setdefault((s.app, s.version), []).append(s)
    return "; ".join(f"{app} {version} on {_places(seen, now)}" for (app, version), seen in versions.items())


def _places(found: list[Sighting], now: datetime) -> str:
    """The instances of one version, each once however many sources have seen it, then connections that name none."""
    instances: dict[str, list[Sighting]] = {}
    for s in found:
        instances.setdefault("" if activity.is_unnamed(s.instance) else s.instance, []).append(s)
    unnamed = instances.pop("", [])
    words = [_place(name, seen, now) for name, seen in list(instances.items())[:_MOST_NAMED]]
    if len(instances) > _MOST_NAMED:
        words.append(f"{len(instances) - _MOST_NAMED} more")
    if unnamed:
        more = f" and {len(unnamed) - 1} more connections" if len(unnamed) > 1 else ""
        words.append(_place(f"{unnamed[0].instance}{more}", unnamed, now))
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _place(instance: str, found: list[Sighting], now: datetime) -> str:
    host = next((f" ({s.host})" for s in found if s.host), "")
    sources = " and ".join(dict.fromkeys(s.source for s in found))
    return f"{instance}{host}, seen {ago(found[0].last_seen, now)} by {sources}"


def _clear_since(apps: Mapping[str, App], weighed: Mapping[str, tuple[_Weighed, ...]]) -> datetime | None:
    """Until when a look would have found an old version, or one that cannot be read."""
    ends = [w.sighting.last_seen + apps[name].ttl for name, each in weighed.items() for w in each if w.needs != "new"]
    return max(ends, default=None)


def _evidence(observation: Observation, weighed: list[_Weighed]) -> dict[str, Any]:
    latest = sorted(weighed, key=lambda w: w.sighting.last_seen, reverse=True)
    fresh, stale = [w for w in latest if w.fresh], [w for w in latest if not w.fresh]
    return {
        "apps": {
            name: {
                "new": app.new,
                "scheme": app.scheme,
                "sources": list(app.sources),
                "ttl": format_duration(app.ttl),
                "expect": app.expect,
            }
            for name, app in observation.apps.items()
        },
        "sightings": [_as_json(w, observation.now) for w in (*fresh, *stale[:_MOST_STALE])],
        "stale_sightings": len(stale),
    }


def _as_json(weighed: _Weighed, now: datetime) -> dict[str, Any]:
    s = weighed.sighting
    seen = f"seen {ago(s.last_seen, now)}" if weighed.fresh else f"not seen since {moment(s.last_seen)}"
    return {
        "app": s.app,
        "version": s.version,
        "instance": s.instance,
        "source": s.source,
        "host": s.host,
        "first_seen": s.first_seen.isoformat(),
        "last_seen": s.last_seen.isoformat(),
        "fresh": weighed.fresh,
        "needs": weighed.needs,
        "words": f"{seen} by {s.source}",
    }


def in_words(entry: AppVersion) -> str:
    """For `explain`."""
    return f"every live instance of {', '.join(entry.apps or ()) or 'every app'} is in its `new` range"
