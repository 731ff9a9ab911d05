"""The gate `strangers`: nobody is live, or connected, who may use the plan's tables and is of no app in the roster.

A stranger is an app that the roster does not have, and that was sighted within a minute, by whatever source, or that an
open session names; and an open session of a role that may touch one of the tables, unless it belongs to an app of the
roster. `ignore` excepts whoever it is about. Rights are those on the tables themselves: who gets at them through a
view, or a function with its owner's rights, is not seen here. A look sees the sessions of one instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.gates.given_up import given_up
from crossfade.gates.queries import query
from crossfade.gates.sightings import Sighting
from crossfade.gates.spans import moment
from crossfade.gates.unlisted import FRESH, Observation, Session, Unlisted, gone_since, is_ignored, unlisted
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.ignore import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import Strangers

_MOST_NAMED = 5
_MOST_LISTED = 50


def observe(connection: psycopg.Connection[Any], subject: Subject, _entry: Strangers, look: Look) -> Observation:
    """Who is connected now, and who was sighted. Raises psycopg.Error."""
    apps = subject.plan.apps or {}
    wanted = _wanted(connection, subject)
    tables, missing = _tables(connection, subject, wanted)
    # Within a transaction the server would show what it showed before.
    connection.execute("SELECT pg_catalog.pg_stat_clear_snapshot()")
    with connection.cursor(row_factory=class_row(Session)) as cursor:
        sessions = cursor.execute(query("strangers_sessions"), {"tables": list(tables)}).fetchall()
    with connection.cursor(row_factory=class_row(Sighting)) as cursor:
        # No hold began before the run did; what was fresh then still breaks one.
        since = {"apps": list(apps), "since": subject.created_at - FRESH}
        seen = cursor.execute(query("strangers_sightings"), since).fetchall()
    asked = {"apps": list(apps), "ttls": [app.ttl for app in apps.values()], "now": look.now}
    logins = connection.execute(query("strangers_logins"), asked).fetchall()
    return Observation(
        now=look.now,
        apps=apps,
        ignore=subject.plan.ignore,
        tables=tuple(tables.values()),
        missing=missing,
        is_about_tables=bool(wanted),
        sessions=tuple(sessions),
        sightings=tuple(seen),
        logins=frozenset(logins),
    )


def _wanted(connection: psycopg.Connection[Any], subject: Subject) -> list[tuple[str | None, str]]:
    """Schema and name of each table that the plan is about."""
    found: list[tuple[str | None, str]] = list(subject.relations)
    found += _tables_of_types(connection, subject)
    known = {table for _, table in found}
    named = (name for change in subject.plan.changes for name in change.tables)
    # What has no schema in the plan, the program has with the one that it was found in.
    return list(dict.fromkeys([*found, *((n.schema, n.name) for n in named if n.schema or n.name not in known)]))


def _tables(
    connection: psycopg.Connection[Any], subject: Subject, wanted: list[tuple[str | None, str]]
) -> tuple[dict[int, str], tuple[str, ...]]:
    """Those that are there, by oid, and the names that are no table's."""
    parameters = {"schemas": [schema for schema, _ in wanted], "names": [name for _, name in wanted]}
    rows = connection.execute(query("strangers_tables"), parameters).fetchall()
    places = {place for place, _, _ in rows}
    missing = [name for n, name in enumerate(wanted, start=1) if n not in places]
    ours = given_up(connection, subject) if missing else frozenset()
    return {oid: name for _, name, oid in rows}, tuple(".".join(filter(None, n)) for n in missing if n not in ours)


def _tables_of_types(connection: psycopg.Connection[Any], subject: Subject) -> list[tuple[str, str]]:
    """Schema and name of each table with a column of a type that the plan changes."""
    types = [(t.schema, t.name) for change in subject.plan.changes for t in change.changed_types]
    if not types:
        return []
    parameters = {"schemas": [schema for schema, _ in types], "names": [name for _, name in types]}
    return connection.execute(query("strangers_tables_of_types"), parameters).fetchall()


def judge(observation: Observation, _entry: Strangers) -> Judgement:
    """BLOCKED by a stranger, UNKNOWN where one may hide."""
    o = observation
    everyone, counts = unlisted(o)
    answers = [(one, is_ignored(one, o.ignore)) for one in everyone]
    strangers = [one for one, ignored in answers if ignored is False]
    unseen = sum(ignored is None for _, ignored in answers)
    counts["ignored"] = len(everyone) - len(strangers) - unseen
    evidence = {
        "tables": list(o.tables),
        "strangers": [_as_json(one) for one in strangers[:_MOST_LISTED]],
        "found": len(strangers),
        "address_not_seen": unseen,
        **{name: counts[name] for name in ("roster", "ignored", "own_role", "without_rights")},
    }
    if strangers:
        return Judgement(verdict=Verdict.BLOCKED, reason=_blocked(strangers), evidence=evidence)
    unknown = "; ".join(_unknown(o, unseen))
    if unknown:
        return Judgement(verdict=Verdict.UNKNOWN, reason=unknown, evidence=evidence)
    connected = f"is connected who may use {' or '.join(o.tables)}, and none was" if o.is_about_tables else "was"
    reason = f"no stranger {connected} sighted within a minute"
    return Judgement(verdict=Verdict.PASS, reason=reason, evidence=evidence, clear_since=gone_since(o))


def _blocked(strangers: list[Unlisted]) -> str:
    groups: dict[tuple[Any, ...], list[Unlisted]] = {}
    for one in strangers:
        groups.setdefault((one.application_name, one.role, one.address, one.source), []).append(one)
    named = "; ".join(_in_words(alike) for alike in list(groups.values())[:_MOST_NAMED])
    more = f"; and {len(groups) - _MOST_NAMED} more" if len(groups) > _MOST_NAMED else ""
    hidden = any(one.is_hidden for one in strangers)
    unclear = "; what kind of session it is can be seen with pg_read_all_stats only" if hidden else ""
    return (
        f"not in the roster: {named}{more}{unclear}. End what should not be there; what may be has to be in the plan, "
        "under `apps` (with its `roles`) or under `ignore`"
    )


def _in_words(alike: list[Unlisted]) -> str:
    one = alike[0]
    where = "by a Unix socket" if one.address == LOCAL else f"from {one.address or 'an address that is not seen'}"
    name = one.application_name or "(no application_name)"
    since = f", since {moment(one.since)}" if one.since else ""
    if one.pid is None:
        return f"{name} (role {one.role or 'not known'}, {where}{since}), sighted by {one.source}"
    others = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
    return f"{name} (role {one.role or 'that is gone'}, {where}, pid {one.pid}{others}{since})"


def _unknown(o: Observation, unseen: int) -> Iterator[str]:
    if o.missing or (o.is_about_tables and not o.tables):
        yield f"who may use {' and '.join(o.missing) or 'the tables'} cannot be told: there is no such table"
    if unseen:
        yield (
            f"{unseen} session{'s' * (unseen != 1)} may be what `ignore` excepts by address, which cannot be seen; "
            "run: GRANT pg_read_all_stats TO the role that crossfade uses"
        )


def _as_json(one: Unlisted) -> dict[str, Any]:
    return {
        "application_name": one.application_name,
        "app": one.app,
        "role": one.role,
        "address": one.address,
        "pid": one.pid,
        "since": one.since and one.since.isoformat(),
        "by": one.source,
    }


def in_words(_entry: Strangers) -> str:
    """For `explain`."""
    return "nobody is connected or sighted who may use the tables and is of no app in the roster"
