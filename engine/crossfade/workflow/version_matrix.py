"""The matrix of apps and versions: what was sighted of each, whether the fence lets it run, and what runs expect of it.

It is as long as there are versions, up to a limit, however many instances there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from crossfade.gates import fence
from crossfade.plan.model import Plan
from crossfade.plan.versions import UnreadableVersion
from crossfade.workflow.queries import query
from crossfade.workflow.states import FINAL

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.fence import Answer
    from crossfade.plan.apps import App

MOST = 500
_TTL = timedelta(seconds=60)
"""How long a sighting of an app is fresh that no plan under way lists."""
_UNDER_WAY = "SELECT name, state, plan FROM crossfade.runs WHERE state <> ALL (%s) ORDER BY id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a run under way says of an app's versions."""

    run: str
    state: str
    needs: str
    """The shape that the version needs by the run's plan: old or new; unknown where it cannot be read."""
    new: str
    """The versions that need the new shape."""
    expect: int | None
    """How many instances in them have to be sighted."""

    def as_json(self) -> dict[str, Any]:
        """One of the `runs` of a version."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version of an app."""

    app: str
    version: str
    instances: int
    """How many there are at least, of all that were ever seen and are remembered."""
    fresh: int
    """How many of those were seen within the app's `ttl`."""
    first_seen: datetime
    last_seen: datetime
    age_seconds: float
    sources: tuple[str, ...]
    allowed: bool | None
    """Whether the fence lets it run; None where it cannot be told."""
    reason: str
    runs: tuple[Expectation, ...]

    def as_json(self) -> dict[str, Any]:
        """One row of `matrix` in `versions list --json`."""
        times = {"first_seen": self.first_seen.isoformat(), "last_seen": self.last_seen.isoformat()}
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {**plain, **times, "sources": list(self.sources), "runs": [run.as_json() for run in self.runs]}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMatrix:
    """The versions, by app and with the latest first."""

    rows: tuple[VersionRow, ...]
    left_out: int
    """How many versions there are besides, of which nothing was seen for longer."""
    missing: tuple[tuple[str, Expectation], ...]
    """Apps of which runs under way expect a new version, and none that needs the new shape is among the rows."""

    def as_json(self) -> dict[str, Any]:
        """What `versions list --json` has besides the instances."""
        return {
            "matrix": [row.as_json() for row in self.rows],
            "matrix_left_out": self.left_out,
            "missing": [
                {"app": app, "run": e.run, "state": e.state, "new": e.new, "expect": e.expect}
                for app, e in self.missing
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Roster:
    run: str
    state: str
    apps: Mapping[str, App]


def read_matrix(connection: psycopg.Connection[Any]) -> VersionMatrix:
    """What the ledger has now. Raises psycopg.Error."""
    final = [state.value for state in FINAL]
    rosters = [
        _Roster(run=name, state=state, apps=Plan.from_json(plan).apps or {})
        for name, state, plan in connection.execute(_UNDER_WAY, [final])
    ]
    ttls: dict[str, timedelta] = {}
    for roster in rosters:
        ttls |= {name: max(app.ttl, ttls.get(name, app.ttl)) for name, app in roster.apps.items()}
    asked = {"apps": list(ttls), "ttls": list(ttls.values()), "ttl": _TTL, "most": MOST}
    with connection.cursor(row_factory=dict_row) as cursor:
        seen = cursor.execute(query("version_matrix"), asked).fetchall()
    answers = fence.ask_all(connection, [(row["app"], row["version"]) for row in seen])
    return arrange(seen, answers, rosters)


def arrange(seen: Sequence[Mapping[str, Any]], answers: Sequence[Answer], rosters: Sequence[_Roster]) -> VersionMatrix:
    """The matrix, from what was sighted, what the fence says of each, and the runs under way. Pure."""
    rows = [_row(row, answer, rosters) for row, answer in zip(seen, answers, strict=True)]
    latest_app = {row.app: n for n, row in reversed(list(enumerate(rows)))}
    there = {(row.app, e.run) for row in rows for e in row.runs if e.needs == "new"}
    expected = (
        (name, Expectation(run=r.run, state=r.state, needs="new", new=app.new, expect=app.expect))
        for r in rosters
        for name, app in r.apps.items()
    )
    return VersionMatrix(
        rows=tuple(sorted(rows, key=lambda row: latest_app[row.app])),
        left_out=(seen[0]["all_versions"] if seen else 0) - len(seen),
        missing=tuple((name, e) for name, e in expected if (name, e.run) not in there),
    )


def _row(row: Mapping[str, Any], answer: Answer, rosters: Iterable[_Roster]) -> VersionRow:
    app, version = row["app"], row["version"]
    expectations = (
        Expectation(
            run=roster.run,
            state=roster.state,
            needs=_needs(roster.apps[app], version),
            new=roster.apps[app].new,
            expect=roster.apps[app].expect,
        )
        for roster in rosters
        if app in roster.apps
    )
    counted = {k: v for k, v in row.items() if k not in ("all_versions", "sources")}
    return VersionRow(
        **counted,
        sources=tuple(row["sources"]),
        allowed=answer.allowed,
        reason=answer.reason,
        runs=tuple(expectations),
    )


def _needs(app: App, version: str) -> str:
    try:
        return "new" if app.new_range.admits(version) else "old"
    except UnreadableVersion:
        return "unknown"
