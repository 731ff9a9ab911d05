"""The gate `app_version`: every live instance of the roster's apps is in the range that needs the new shape only.

An instance is live if one of the sources that its app lists has seen it within `ttl`. One sighting of another version
blocks, whoever has it. A source that cannot be read, or not in full, may have missed one: the app is UNKNOWN. No
sighting is no proof: PASS needs a live instance in the range, seen by more than an open connection unless that is the
only source listed, since old versions behind a pooler look like nothing at all. What outside sources have seen before
may block; only what they see now proves anything. A record of a deployment never proves, and may block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossfade.gates.sightings import Sighting
from crossfade.gates.sources import activity, record
from crossfade.gates.sources.gather import Failure, Key, gather, key_of
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
    """The sightings of the apps that the gate is about, and which of their sources could not be read."""

    now: datetime
    apps: Mapping[str, App]
    sightings: tuple[Sighting, ...]
    proofs: frozenset[Key] = frozenset()
    """Which sightings by outside sources prove that an instance serves: those of this look, not those kept."""
    failures: tuple[Failure, ...] = ()


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: AppVersion, look: Look) -> Observation:
    """What every source of the apps says now; it is kept if the look is recorded."""
    roster = subject.plan.apps or {}
    apps = {name: roster[name] for name in entry.apps or roster}
    found = gather(connection, apps, look)
    return Observation(now=look.now, apps=apps, sightings=found.sightings, proofs=found.proofs, failures=found.failures)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A sighting, whether it is fresh, and which shape its version needs: old, new, or unknown."""

    sighting: Sighting
    fresh: bool
    needs: str


def judge(observation: Observation, _entry: AppVersion) -> Judgement:
    """Every app of the gate has to pass."""
    weighed = {name: tuple(_weigh(name, app, observation)) for name, app in observation.apps.items()}
    judged = [_judge_app(name, weighed[name], observation) for name in observation.apps]
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
        if w.fresh and w.needs == "new" and w.sighting.source != record.SOURCE
    ]
    return _named(found, observation.now) if found else None


def _blocked_first(judged: tuple[Verdict, str]) -> bool:
    return judged[0] is not Verdict.BLOCKED


def _weigh(name: str, app: App, observation: Observation) -> Iterator[_Weighed]:
    wanted = app.new_range
    own = [s for s in observation.sightings if s.app == name]
    stands = frozenset(record.standing(own))
    for s in own:
        fresh = s in stands if s.source == record.SOURCE else observation.now - s.last_seen <= app.ttl
        yield _Weighed(s, fresh, _needs(s, wanted))


def _needs(sighting: Sighting, wanted: VersionRange) -> str:
    if sighting.source == "activity" and activity.may_be_cut(sighting.app, sighting.version):
        return "unknown"
    try:
        return "new" if wanted.admits(sighting.version) else "old"
    except UnreadableVersion:
        return "unknown"


def _judge_app(name: str, weighed: tuple[_Weighed, ...], observation: Observation) -> tuple[Verdict, str]:
    app, now = observation.apps[name], observation.now
    fresh = [w for w in weighed if w.fresh]
    old = [w.sighting for w in fresh if w.needs == "old"]
    if old:
        return Verdict.BLOCKED, f"{name} has to be {app.new}; {_blockers(old, now)}"
    unread = [f"{f.source} of {name} cannot be relied on: {f.reason}" for f in observation.failures if f.app == name]
    unknown = [w.sighting for w in fresh if w.needs == "unknown"]
    if unknown:
        unread.insert(0, f"{_named(unknown, now)}: the version cannot be read as {app.scheme}")
    if unread:
        return Verdict.UNKNOWN, "; ".join(unread)
    counted = [w.sighting for w in fresh if _proves(w.sighting, observation)]
    within = f"in the last {format_duration(app.ttl)}"
    if not counted:
        return Verdict.UNKNOWN, f"nothing reports: no live instance of {name} seen {within}{_no_proof(fresh)}"
    instances = _instances(counted)
    if app.expect is not None and instances < app.expect:
        return Verdict.UNKNOWN, f"{instances} of {app.expect} instances of {name} sighted {within}"
    return Verdict.PASS, f"every live instance of {name} is in {app.new}: {instances} seen {within}"


def _blockers(old: list[Sighting], now: datetime) -> str:
    live = [s for s in old if s.source != record.SOURCE]
    meant = [s for s in old if s.source == record.SOURCE]
    words = [f"live is {_named(live, now)}"] if live else []
    words += [f"the last deployment on record is {_named(meant, now)}"] if meant else []
    return "; ".join(words)


def _proves(sighting: Sighting, observation: Observation) -> bool:
    """Whether a fresh sighting in the range shows that an instance serves."""
    match sighting.source:
        case "heartbeat":
            return True
        case "activity":
            return observation.apps[sighting.app].source_kinds == ("activity",)
        case record.SOURCE:
            return False
    return key_of(sighting) in observation.proofs


def _no_proof(fresh: list[_Weighed]) -> str:
    sources = {w.sighting.source for w in fresh}
    if not sources:
        return ""
    if sources == {"activity"}:
        return ", and an open connection alone is no proof"
    named = " and ".join(sorted(sources))
    return f", and what {named} {'have' if len(sources) > 1 else 'has'} is no proof that one serves"


def _instances(found: Iterable[Sighting]) -> int:
    """At least how many there are.

    Sources call the same instance by names of their own, so it is the most that one of them has. Connections that name
    no instance count once for each host.
    """
    by_source: dict[str, set[tuple[str | None, str | None]]] = {}
    for s in found:
        place = (s.host, None) if activity.is_unnamed(s.instance) else (None, s.instance)
        by_source.setdefault(s.source, set()).add(place)
    return max(map(len, by_source.values()), default=0)


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
    seen = "recorded" if sources == record.SOURCE else "seen"
    return f"{instance}{host}, {seen} {ago(found[0].last_seen, now)} by {sources}"


def _clear_since(apps: Mapping[str, App], weighed: Mapping[str, tuple[_Weighed, ...]]) -> datetime | None:
    """Until when a look would have found an old version, or one that cannot be read."""
    ends: list[datetime | None] = []
    for name, each in weighed.items():
        stands = record.standing(w.sighting for w in each)
        others = [w.sighting for w in each if w.needs != "new"]
        ends += [s.last_seen + apps[name].ttl for s in others if s.source != record.SOURCE]
        ends += [record.replaced_at(s, stands) for s in others if s.source == record.SOURCE]
    return max((end for end in ends if end is not None), default=None)


def _evidence(observation: Observation, weighed: list[_Weighed]) -> dict[str, Any]:
    latest = sorted(weighed, key=lambda w: w.sighting.last_seen, reverse=True)
    fresh, stale = [w for w in latest if w.fresh], [w for w in latest if not w.fresh]
    return {
        "apps": {
            name: {
                "new": app.new,
                "scheme": app.scheme,
                "sources": list(app.source_kinds),
                "ttl": format_duration(app.ttl),
                "expect": app.expect,
            }
            for name, app in observation.apps.items()
        },
        "sightings": [_as_json(w, observation.now) for w in (*fresh, *stale[:_MOST_STALE])],
        "stale_sightings": len(stale),
        **({"failures": [asdict(f) for f in observation.failures]} if observation.failures else {}),
    }


def _as_json(weighed: _Weighed, now: datetime) -> dict[str, Any]:
    s = weighed.sighting
    seen = f"seen {ago(s.last_seen, now)}" if weighed.fresh else f"not seen since {moment(s.last_seen)}"
    if s.source == record.SOURCE:
        seen = f"recorded {ago(s.last_seen, now)}" if weighed.fresh else f"recorded {moment(s.last_seen)}, and replaced"
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
