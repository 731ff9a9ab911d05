"""The source `pgbouncer`: the clients of a PgBouncer, by the application_name that each of them has given.

Asked on its admin console, which the URL in the plan's environment variable leads to; a user in `stats_users` will do.
A client that follows no convention says nothing, as with `activity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import dict_row

from crossfade.errors import CrossfadeError
from crossfade.gates.sources.activity import parse_name
from crossfade.gates.sources.answer import Answer, Seen, Unreadable, failed
from crossfade.gates.sources.web import secret
from crossfade.postgres.connect import masked, open_bare

if TYPE_CHECKING:
    from crossfade.plan.sources import PgbouncerClients

_NEEDED = ("database", "application_name", "addr", "port")


class _AnyText(Loader):
    """Reads names as clients have given them: PgBouncer hands them on in whatever encoding they are."""

    def load(self, data: Buffer) -> str:
        """What is no UTF-8 becomes question marks."""
        return bytes(data).decode(errors="replace")


def observe(app: str, entry: PgbouncerClients) -> Answer:
    """Ask once."""
    seconds = max(2, round(entry.timeout.total_seconds()))
    try:
        with open_bare(secret(entry.url_env), connect_timeout=str(seconds), application_name="crossfade") as console:
            console.adapters.register_loader("text", _AnyText)
            rows = console.cursor(row_factory=dict_row).execute("SHOW CLIENTS").fetchall()
        return read(rows, app, entry)
    except Unreadable as error:
        return failed(str(error))
    except CrossfadeError as error:
        return failed(f"{error.message} ({entry.url_env})")
    except psycopg.Error as error:
        return failed(f"SHOW CLIENTS fails ({entry.url_env}): {masked(str(error).strip())}")


def read(rows: Iterable[Mapping[str, Any]], app: str, entry: PgbouncerClients) -> Answer:
    """The app's clients among the rows of SHOW CLIENTS. Raises Unreadable. Pure."""
    seen = []
    for row in rows:
        missing = [column for column in _NEEDED if column not in row]
        if missing:
            raise Unreadable(f"SHOW CLIENTS has no column {', '.join(missing)}; it needs PgBouncer 1.18 or later")
        if entry.database is not None and row["database"] != entry.database:
            continue
        named = parse_name(row["application_name"] or "", entry.pattern)
        if named is not None and named.app == app:
            seen.append(_client(row, named.version, named.instance))
    return Answer(seen=tuple(seen))


def _client(row: Mapping[str, Any], version: str, instance: str | None) -> Seen:
    # On a unix socket every client has the socket's own port.
    local = str(row["addr"]).startswith("unix")
    unnamed = f"pid {row.get('remote_pid')}" if local else f"port {row['port']}"
    return Seen(
        version=version,
        instance=instance or unnamed,
        host=None if local else row["addr"],
        role_name=row.get("user"),
    )
