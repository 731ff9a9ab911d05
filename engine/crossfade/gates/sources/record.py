"""The source `record`: what a pipeline said that it deployed (`crossfade versions record`). Pure.

A record says what was meant and never that anything is live, so it proves nothing. But the latest one of a place (its
instance: `deploy` unless told otherwise) is what is meant to run there until the next one: if that is an old version,
after a deploy back or before the first deploy, then old instances are about to start or still wanted, and it blocks
however old it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.gates.sightings import Sighting

SOURCE = "record"


def standing(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Of all records, the latest of each app and place; two of one time both stand."""
    records = [s for s in sightings if s.source == SOURCE]
    latest: dict[tuple[str, str], datetime] = {}
    for s in records:
        latest[s.app, s.instance] = max(s.last_seen, latest.get((s.app, s.instance), s.last_seen))
    return tuple(s for s in records if s.last_seen == latest[s.app, s.instance])


def replaced_at(old: Sighting, stands: Iterable[Sighting]) -> datetime | None:
    """When a record gave way to the one that stands in its place; at the latest, where it was recorded before too."""
    times = [
        s.first_seen if s.first_seen > old.last_seen else s.last_seen
        for s in stands
        if (s.app, s.instance) == (old.app, old.instance)
    ]
    return max(times, default=None)
