"""Sightings: evidence that an instance of an app is live at some version, as the ledger keeps it.

A source says who saw it: `heartbeat` is the app's own word, `activity` an open connection's application_name, `record`
a deployment. Times are the database's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from crossfade.errors import UsageError
from crossfade.gates.queries import query

Connection = psycopg.Connection[Any]
_LONGEST = 200
"""Characters of a name, as `crossfade.heartbeat` takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One row of crossfade.sightings."""

    app: str
    version: str
    instance: str
    source: str
    host: str | None
    first_seen: datetime
    last_seen: datetime
    age_seconds: float
    role_name: str | None = None
    """The role that it logged in with, where the source tells."""

    def as_json(self) -> dict[str, Any]:
        """An entry of `versions list --json`."""
        times = {"first_seen": self.first_seen.isoformat(), "last_seen": self.last_seen.isoformat()}
        return {**asdict(self), **times}


def heartbeat(connection: Connection, app: str, version: str, instance: str) -> bool:
    """Say that an instance is live, as apps do it; whether the fence lets it go on."""
    _require(app=app, version=version, instance=instance)
    row = connection.execute("SELECT crossfade.heartbeat(%s, %s, %s)", [app, version, instance]).fetchone()
    return bool(row and row[0])


def record(connection: Connection, app: str, version: str, instance: str = "deploy", source: str = "record") -> None:
    """Record what was deployed. It says what was meant; no gate takes it for a live instance."""
    _require(app=app, version=version, instance=instance, source=source)
    save(connection, [(app, version, instance, source, None, None)])


def save(connection: Connection, seen: Iterable[tuple[str, str, str, str, str | None, str | None]]) -> None:
    """Keep what was seen now: app, version, instance, source, host and role of each."""
    # In one order, so that two who save the same do not wait for each other in a circle.
    rows = sorted({row[:4]: row for row in seen}.values(), key=lambda row: row[:4])
    if rows:
        columns = zip(*rows, strict=True)
        names = ("app", "version", "instance", "source", "host", "role_name")
        connection.execute(query("save_sightings"), {n: list(c) for n, c in zip(names, columns, strict=True)})


def list_sightings(connection: Connection) -> tuple[Sighting, ...]:
    """Every sighting in the ledger, however old."""
    with connection.cursor(row_factory=class_row(Sighting)) as cursor:
        return tuple(cursor.execute(query("list_sightings")).fetchall())


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """An app and a source whose sightings of it count, and for how long each is fresh."""

    app: str
    source: str
    ttl: timedelta


def sightings_of(
    connection: Connection, counted: Sequence[Counted], *, now: datetime, most_stale: int
) -> tuple[tuple[Sighting, ...], int]:
    """Every record and what is fresh at `now`, and of the stale the latest; how many of those are left out.

    The latest are `most_stale` of all, and one of each version and source.
    """
    asked = {
        "apps": [c.app for c in counted],
        "sources": [c.source for c in counted],
        "ttls": [c.ttl for c in counted],
        "now": now,
        "most_stale": most_stale,
    }
    with connection.cursor(row_factory=class_row(Sighting)) as cursor:
        found = tuple(cursor.execute(query("sightings_of_apps"), asked).fetchall())
    row = connection.execute(query("count_sightings_of_apps"), asked).fetchone()
    return found, max(row[0] - len(found), 0) if row else 0


def _require(**words: str) -> None:
    for name, word in words.items():
        if not word.strip():
            raise UsageError(f"a sighting without {name} says nothing", hint=f"Give the {name} as the plan has it.")
        if not word.isprintable() or len(word) > _LONGEST:
            raise UsageError(
                f"the {name} is no readable text of up to {_LONGEST} characters",
                hint=f"Give the {name} as the plan has it.",
            )
