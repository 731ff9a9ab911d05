"""The gate `app_version`: every live instance of the roster's apps is in the range that needs the new shape only.

An instance is live if one of the sources that its app lists has seen it within `ttl`. One sighting of another version
blocks, whoever has it. A source that cannot be read, or not in full, may have missed one: the app is UNKNOWN. No
sighting is no proof: PASS needs a live instance in the range, seen by more than an open connection unless that is the
only source listed, since old versions behind a pooler look like nothing at all. A heartbeat is a claim: where other
sources see the app, and none of them at a version as high, it is UNKNOWN. What outside sources have seen before
may block; only what they see now proves anything. A record of a deployment never proves, and may block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossfade.gates.instances import named
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

_IN_LEDGER = frozenset({"heartbeat", record.SOURCE})
"""Sources of which the ledger keeps what they saw, whether or not somebody looked."""
_CLAIMS = frozenset({"heartbeat", "start"})
"""Sources that have nothing but an app's word."""
_MOST_FRESH = 100
"""How many fresh sightings the evidence lists, of how many versions it counts them."""
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
    left_out: int = 0
    """How many stale sightings there are besides."""


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: AppVersion, look: Look) -> Observation:
    """What every source of the apps says now; it is kept if the look is recorded."""
    roster = subject.plan.apps or {}
    apps = {name: roster[name] for name in entry.apps or roster}
    found = gather(connection, apps, look)
    return Observation(
        now=look.now,
        apps=apps,
        sightings=found.sightings,
        proofs=found.proofs,
        failures=found.failures,
        left_out=found.left_out,
    )


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
    told = sorted((j for j in judged if j[0] is not Verdict.PASS or verdict is Verdict.PASS), key=_blocked_first)
    return Judgement(
        verdict=verdict,
        reason="; ".join(reason for _, reason in told),
        evidence=_evidence(observation, [w for each in weighed.values() for w in each]),
        clear_since=_clear_since(observation.apps, weighed) if verdict is Verdict.PASS else None,
        remembers=all(set(app.source_kinds) <= _IN_LEDGER for app in observation.apps.values()),
    )


def live_in_new(observation: Observation) -> str | None:
    """The live instances that need the new shape, in words; None where there is none."""
    found = [
        w.sighting
        for name, app in observation.apps.items()
        for w in _weigh(name, app, observation)
        if w.fresh and w.needs == "new" and w.sighting.source != record.SOURCE
    ]
    return named(found, observation.now) if found else None


def _blocked_first(judged: tuple[Verdict, str]) -> bool:
    return judged[0] is not Verdict.BLOCKED


def _weigh(name: str, app: App, observation: Observation) -> Iterator[_Weighed]:
    needs = _Needs(app.new_range)
    own = [s for s in observation.sightings if s.app == name]
    stands = frozenset(record.standing(own))
    for s in own:
        fresh = s in stands if s.source == record.SOURCE else observation.now - s.last_seen <= app.ttl
        yield _Weighed(s, fresh, needs.of(s))


class _Needs:
    """Which shape versions need. Thousands of instances have a few versions, and each of these is read once."""

    def __init__(self, wanted: VersionRange) -> None:
        self._wanted = wanted
        self._known: dict[str, str] = {}

    def of(self, sighting: Sighting) -> str:
        """old, new or unknown."""
        if sighting.source == "activity" and activity.may_be_cut(sighting.app, sighting.version):
            return "unknown"
        if sighting.version not in self._known:
            self._known[sighting.version] = self._read(sighting.version)
        return self._known[sighting.version]

    def _read(self, version: str) -> str:
        try:
            return "new" if self._wanted.admits(version) else "old"
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
        unread.insert(0, f"{named(unknown, now)}: the version cannot be read as {app.scheme}")
    claimed = _claimed(fresh, app.new_range)
    if claimed:
        unread.append(
            f"{named(claimed, now)}: no other source sees {name} at a version as high, and a claim is no proof"
        )
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


def _claimed(fresh: list[_Weighed], wanted: VersionRange) -> list[Sighting]:
    """Heartbeats of a version above all that other sources see: anybody who may log in as the app can claim one."""
    shown = {w.sighting.version for w in fresh if w.sighting.source not in _CLAIMS and w.needs != "unknown"}
    told = {w.sighting.version for w in fresh if w.sighting.source == "heartbeat" and w.needs == "new"}
    above = {version for version in told if shown and all(wanted.is_above(version, other) for other in shown)}
    return [w.sighting for w in fresh if w.sighting.source == "heartbeat" and w.sighting.version in above]


def _blockers(old: list[Sighting], now: datetime) -> str:
    live = [s for s in old if s.source != record.SOURCE]
    meant = [s for s in old if s.source == record.SOURCE]
    words = [f"live is {named(live, now)}"] if live else []
    words += [f"the last deployment on record is {named(meant, now)}"] if meant else []
    return "; ".join(words)


def _proves(sighting: Sighting, observation: Observation) -> bool:
    """Whether a fresh sighting in the range shows that an instance serves."""
    match sighting.source:
        case "heartbeat":
            # Of an app whose roles are known, others can claim nothing.
            roles = observation.apps[sighting.app].roles
            return roles is None or sighting.role_name in roles
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
    told = " and ".join(sorted(sources))
    return f", and what {told} {'have' if len(sources) > 1 else 'has'} is no proof that one serves"


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
        "live": _counted(fresh),
        "fresh_sightings": len(fresh),
        "stale_sightings": len(stale) + observation.left_out,
        "sightings": [_as_json(w, observation.now) for w in (*_most_telling(fresh), *stale[:_MOST_STALE])],
        **({"failures": [asdict(f) for f in observation.failures]} if observation.failures else {}),
    }


def _most_telling(fresh: list[_Weighed]) -> list[_Weighed]:
    """Those that are not new before the others, as many as the evidence lists; in the order that they came in."""
    in_the_way = [n for n, w in enumerate(fresh) if w.needs != "new"]
    others = [n for n, w in enumerate(fresh) if w.needs == "new"]
    return [fresh[n] for n in sorted((in_the_way + others)[:_MOST_FRESH])]


def _counted(fresh: list[_Weighed]) -> list[dict[str, Any]]:
    """How many fresh sightings each version has by each source, those that are not new first."""
    found = Counter((w.needs == "new", w.sighting.app, w.sighting.version, w.sighting.source, w.needs) for w in fresh)
    return [
        {"app": app, "version": version, "source": source, "needs": needs, "sightings": number}
        for (_, app, version, source, needs), number in sorted(found.items())[:_MOST_FRESH]
    ]


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
