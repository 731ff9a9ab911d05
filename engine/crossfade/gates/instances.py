"""Instances in words: which version of which app is where, seen when and by whom. Pure; as long as a reason may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.gates.sources import activity, record
from crossfade.gates.spans import ago

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crossfade.gates.sightings import Sighting

_MOST_NAMED = 5
"""How many instances of a version are named."""
_MOST_VERSIONS = 10
"""How many versions are named."""


def named(found: Sequence[Sighting], now: datetime) -> str:
    """Each version with its instances, those seen last first."""
    versions: dict[tuple[str, str], list[Sighting]] = {}
    for s in sorted(found, key=lambda s: now - s.last_seen):
        versions.setdefault((s.app, s.version), []).append(s)
    words = [f"{app} {version} on {_places(seen, now)}" for (app, version), seen in versions.items()]
    more = [f"{len(words) - _MOST_VERSIONS} more versions"] if len(words) > _MOST_VERSIONS else []
    return "; ".join(words[:_MOST_VERSIONS] + more)


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
