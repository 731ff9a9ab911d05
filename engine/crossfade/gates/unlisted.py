"""Whom the roster does not list, among the open sessions and the sightings of apps. Pure.

An open session belongs to an app of the roster if its role is one of the app's `roles`; of an app without `roles`, if
its application_name says so, or if its role is the one that the app was sighted under first. One that names no app and
whose role has no right on the plan's tables is nobody's business, and one of crossfade's own role cannot be told from
crossfade's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from crossfade.gates.sources import activity
from crossfade.gates.sources.activity import Named
from crossfade.plan.ignore import LOCAL
from crossfade.plan.sources import ActivityNames

if TYPE_CHECKING:
    from crossfade.gates.sightings import Sighting
    from crossfade.plan.apps import App
    from crossfade.plan.ignore import Ignored

FRESH = timedelta(seconds=60)
"""How long a sighting counts of an app that no plan gives a `ttl`."""
_LONGEST = 200
"""Characters of a name that are shown: apps may call themselves anything."""
_SEES_ITSELF = ("heartbeat", "start")
"""Sources that are the connection's own word: where they have no address, it is a Unix socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A client session in this database."""

    pid: int
    application_name: str
    role: str | None
    """The role that it logged in with; None if that is gone since."""
    address: str | None
    """An IP address, or `local`; None where we may not see it."""
    since: datetime | None
    is_hidden: bool
    """We may not see its address, nor what kind of process it is."""
    is_own: bool
    """It has the role that crossfade has here, or is crossfade itself by the role that owns the ledger."""
    may_touch: bool
    """Its role has rights on one of the plan's tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Who is there, and what the plan and the ledger know of them."""

    now: datetime
    apps: Mapping[str, App]
    ignore: tuple[Ignored, ...]
    tables: tuple[str, ...]
    missing: tuple[str, ...]
    """Tables of the plan that are not there, so that nobody's rights on them can be told."""
    is_about_tables: bool
    """Not where all that it does is about types, functions and the like: nobody's rights are to be told then."""
    sessions: tuple[Session, ...]
    sightings: tuple[Sighting, ...]
    """Of apps that the roster does not have, as far as they were fresh since the run began."""
    logins: frozenset[tuple[str, str]]
    """Apps of the roster, each with the role that it was sighted under first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlisted:
    """Someone whom the roster does not list: an open session, or a sighting without one."""

    application_name: str
    app: str | None
    role: str | None
    address: str | None
    pid: int | None
    since: datetime | None
    source: str
    is_hidden: bool
    names: tuple[str, ...]
    """What an `application_name` of `ignore` may be about."""


_Read: TypeAlias = Mapping[Session, Named | None]


def unlisted(o: Observation) -> tuple[tuple[Unlisted, ...], Counter[str]]:
    """Everyone whom the roster does not list, and how many sessions are there otherwise, by why they do not count."""
    counts = Counter[str]()
    patterns = _patterns(o.apps)
    read = {s: _named(s.application_name, patterns) for s in o.sessions}
    return (*_sessions(o, read, counts), *_sightings(o, read)), counts


def is_ignored(one: Unlisted, ignore: Iterable[Ignored]) -> bool | None:
    """Whether some entry is about them; None where that depends on an address that we may not see."""
    answers = {entry.fits(role=one.role, names=one.names, address=one.address) for entry in ignore}
    if True in answers:
        return True
    return None if None in answers else False


def gone_since(o: Observation) -> datetime | None:
    """Until when a look would have found an app that is not sighted any more."""
    stale = (s for s in o.sightings if o.now - s.last_seen > FRESH)
    return max((s.last_seen + FRESH for s in stale if is_ignored(_of_sighting(s), o.ignore) is not True), default=None)


def _patterns(apps: Mapping[str, App]) -> Mapping[str | None, frozenset[str]]:
    """How application_names are read: the convention, and each pattern of the roster, with the apps that it is for."""
    read: dict[str | None, set[str]] = {None: set()}
    for name, app in apps.items():
        own = next((s.pattern for s in app.sources if isinstance(s, ActivityNames)), None)
        read.setdefault(own, set()).add(name)
    return {pattern: frozenset(names) for pattern, names in read.items()}


def _named(application_name: str, patterns: Mapping[str | None, frozenset[str]]) -> Named | None:
    """The app that the name says: one of the roster in that app's own way, else one that the roster does not have."""
    found = [(activity.parse_name(application_name, pattern), names) for pattern, names in patterns.items()]
    roster = frozenset[str]().union(*patterns.values())
    own = next((name for name, names in found if name is not None and name.app in names), None)
    return own or next((name for name, _ in found if name is not None and name.app not in roster), None)


def _sessions(o: Observation, read: _Read, counts: Counter[str]) -> Iterator[Unlisted]:
    roles = _roles(o, read)
    for session, name in read.items():
        if name is None and session.is_own:
            counts["own_role"] += 1
        elif name is None and not session.may_touch:
            counts["without_rights"] += 1
        elif session.role in roles if name is None else _is_of_roster(session, name, o.apps):
            counts["roster"] += 1
        else:
            yield _of_session(session, name)


def _roles(o: Observation, read: _Read) -> frozenset[str]:
    """The roles of the roster's apps: those that the plan gives, else the one that the app was sighted under first.

    Whoever may report itself can claim to be the app, but only after it.
    """
    first = dict(o.logins)
    found = set[str]()
    for name, app in o.apps.items():
        seen_now = {s.role for s, named in read.items() if named is not None and named.app == name and s.role}
        found |= set(app.roles) if app.roles is not None else {first[name]} if name in first else _only(seen_now)
    return frozenset(found)


def _only(roles: set[str]) -> set[str]:
    """The one, where it is one."""
    return roles if len(roles) == 1 else set()


def _is_of_roster(session: Session, name: Named, apps: Mapping[str, App]) -> bool:
    app = apps.get(name.app)
    return app is not None and (app.roles is None or session.role in app.roles)


def _of_session(session: Session, name: Named | None) -> Unlisted:
    return Unlisted(
        application_name=session.application_name,
        app=name.app if name else None,
        role=session.role,
        address=session.address,
        pid=session.pid,
        since=session.since,
        source="session",
        is_hidden=session.is_hidden,
        names=(session.application_name, *((name.app,) if name else ())),
    )


def _sightings(o: Observation, read: _Read) -> Iterator[Unlisted]:
    """The fresh ones, but those of a session that is open."""
    is_open = {(n.app, n.version, n.instance or f"pid {s.pid}") for s, n in read.items() if n is not None}
    for s in o.sightings:
        if o.now - s.last_seen <= FRESH and (s.app, s.version, s.instance) not in is_open:
            yield _of_sighting(s)


def _of_sighting(s: Sighting) -> Unlisted:
    name = f"{s.app}@{s.version}/{s.instance}"
    return Unlisted(
        application_name=_shown(name),
        app=_shown(s.app),
        role=s.role_name,
        address=s.host or (LOCAL if s.source in _SEES_ITSELF else None),
        pid=None,
        since=s.first_seen,
        source=s.source,
        is_hidden=False,
        names=(s.app, f"{s.app}@{s.version}", name),
    )


def _shown(text: str) -> str:
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "".join(c if c.isprintable() else "?" for c in cut)
