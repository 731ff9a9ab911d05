"""The source `activity`: open connections whose application_name says which app and version they belong to.

The convention is `api@2.0.0` or `api@2.0.0/instance`; whatever follows a space, such as what PgBouncer adds, is not
part of it. A plan may have a pattern of its own instead. PostgreSQL keeps 63 bytes of the name, so a version at the end
of a full one may have been cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.gates.queries import query

if TYPE_CHECKING:
    import psycopg

_CONVENTION = re.compile(r"(?P<app>[^@\s]+)@(?P<version>[^/\s]*)(?:/(?P<instance>\S*))?(?:\s.*)?", re.DOTALL)
_KEPT_BYTES = 63
_UNNAMED = ("pid ", "port ")
_CUT = "…"
"""What is put in place of the part of a version that is missing; no scheme can read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What an application_name says."""

    app: str
    version: str
    instance: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open connection of an app."""

    app: str
    version: str
    instance: str
    host: str | None
    role_name: str | None


def parse_name(application_name: str, pattern: str | None = None) -> Named | None:
    """What the name says; None where it does not follow the convention, or the plan's own pattern."""
    read = _CONVENTION if pattern is None else re.compile(pattern, re.DOTALL)
    found = read.fullmatch(application_name)
    if found is None or not found["app"]:
        return None
    groups = found.groupdict()
    version = groups["version"] or ""
    cut = found.end("version") == len(application_name) and len(application_name.encode()) >= _KEPT_BYTES
    if pattern is not None and cut:
        version += _CUT
    return Named(app=groups["app"], version=version, instance=groups.get("instance") or None)


def may_be_cut(app: str, version: str) -> bool:
    """Whether the version filled the name to its end, so that a part of it may be missing; for the convention."""
    return len(f"{app}@{version}".encode()) >= _KEPT_BYTES


def is_unnamed(instance: str) -> bool:
    """Whether the connection did not say which instance it belongs to: any number of them may be one instance."""
    return instance.startswith(_UNNAMED)


def observe_sessions(connection: psycopg.Connection[Any], pattern: str | None = None) -> tuple[Session, ...]:
    """Every open connection that says which app it belongs to."""
    # Within a transaction the server would show what it showed before.
    connection.execute("SELECT pg_catalog.pg_stat_clear_snapshot()")
    sessions = []
    for application_name, pid, host, role in connection.execute(query("activity")):
        named = parse_name(application_name, pattern)
        if named is not None:
            instance = named.instance or f"pid {pid}"
            sessions.append(Session(app=named.app, version=named.version, instance=instance, host=host, role_name=role))
    return tuple(sessions)
