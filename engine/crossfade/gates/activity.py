"""The source `activity`: open connections whose application_name says which app and version they belong to.

The convention is `api@2.0.0` or `api@2.0.0/instance`; whatever follows a space, such as what PgBouncer adds, is not
part of it. PostgreSQL keeps 63 bytes of the name, so a version at the end of a full one may have been cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.gates.queries import query

if TYPE_CHECKING:
    import psycopg

_NAME = re.compile(r"(?P<app>[^@\s]+)@(?P<version>[^/\s]*)(?:/(?P<instance>\S*))?(?:\s.*)?", re.DOTALL)
_KEPT_BYTES = 63
_UNNAMED = "pid "


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


def parse_name(application_name: str) -> Named | None:
    """What the name says; None where it does not follow the convention."""
    found = _NAME.fullmatch(application_name)
    if found is None:
        return None
    return Named(app=found["app"], version=found["version"], instance=found["instance"] or None)


def may_be_cut(app: str, version: str) -> bool:
    """Whether the version filled the name to its end, so that a part of it may be missing."""
    return len(f"{app}@{version}".encode()) >= _KEPT_BYTES


def is_unnamed(instance: str) -> bool:
    """Whether the connection did not say which instance it belongs to: any number of them may be one instance."""
    return instance.startswith(_UNNAMED)


def observe_sessions(connection: psycopg.Connection[Any]) -> tuple[Session, ...]:
    """Every open connection that says which app it belongs to."""
    # Within a transaction the server would show what it showed before.
    connection.execute("SELECT pg_catalog.pg_stat_clear_snapshot()")
    sessions = []
    for application_name, pid, host in connection.execute(query("activity")):
        named = parse_name(application_name)
        if named is not None:
            instance = named.instance or f"{_UNNAMED}{pid}"
            sessions.append(Session(app=named.app, version=named.version, instance=instance, host=host))
    return tuple(sessions)
