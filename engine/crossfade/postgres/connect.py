"""Connections: which database is meant, how a session of ours is set up, and errors without secrets.

The database is the URL or conninfo that was given, else CROSSFADE_DATABASE_URL, else DATABASE_URL, else libpq's own
PG* variables. Settings are made by SET after connecting: a pooler may refuse them as start-up options. Every session
has a pinned search_path, ISO dates, keepalives that notice a dead peer in seconds, and is told to drop a statement
whose client is gone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import conninfo

from crossfade.errors import DatabaseRefused, DatabaseUnreachable, UsageError

APPLICATION_NAME = "crossfade"
_SETTINGS: dict[str, str] = {
    "search_path": "pg_catalog",
    "client_encoding": "UTF8",
    "array_nulls": "on",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "timezone": "UTC",
    "lock_timeout": "5s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "idle_session_timeout": "0",
    "client_connection_check_interval": "500ms",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
}
_ENDED_BY_SERVER = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
"""Shut down by an administrator or a crash, starting up, idle for too long, idle in a transaction for too long."""
_KEEPALIVE = {"keepalives_idle": "5", "keepalives_interval": "3", "keepalives_count": "3", "tcp_user_timeout": "10000"}


def database_url(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The conninfo that is meant; empty leaves all to libpq's PG* variables."""
    return given or environment.get("CROSSFADE_DATABASE_URL") or environment.get("DATABASE_URL") or ""


def masked(text: str) -> str:
    """The text with every password in a URL or a conninfo replaced by ***."""
    text = re.sub(r"(?<=://)([^/\s:@]*):[^/\s@]*(?=@)", r"\1:***", text)
    return re.sub(r"(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", r"\1***", text)


def connect(url: str, *, application_name: str = APPLICATION_NAME, **settings: str) -> psycopg.Connection[Any]:
    """An autocommit connection, set up as a session of ours; `settings` are added to or replace the usual ones.

    Raises UsageError for a URL that cannot be read and DatabaseUnreachable where no connection can be had.
    """
    connection = open_bare(url, **_KEEPALIVE, application_name=application_name)
    _set_up(connection, settings)
    return connection


def open_bare(url: str, **options: str) -> psycopg.Connection[Any]:
    """An autocommit connection without any of our settings: what the URL says, and these libpq options.

    Raises UsageError for a URL that cannot be read and DatabaseUnreachable where no connection can be had.
    """
    try:
        parameters = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise _unreadable() from None
    if any("@" in str(parameters.get(part, "")) for part in ("host", "port", "dbname")):
        raise _unreadable()
    wanted: dict[str, Any] = {"connect_timeout": "10", **parameters, **options}
    try:
        return psycopg.connect(**wanted, autocommit=True, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(
            f"no connection to {describe(parameters)}: {masked(str(error).strip())}",
            hint="Give --database URL, or set CROSSFADE_DATABASE_URL, DATABASE_URL or libpq's PG* variables.",
        ) from None


def is_loss(error: psycopg.Error) -> bool:
    """Whether the error means that the session is gone: class 08, _ENDED_BY_SERVER, or the driver's word alone."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return state.startswith("08") or state in _ENDED_BY_SERVER


def _unreadable() -> UsageError:
    """What libpq says of a URL that it cannot read has pieces of it, and so perhaps of the password."""
    return UsageError(
        "the database URL cannot be read",
        hint="Write postgresql://user:password@host:port/database, with special characters of the password "
        "percent-encoded: %25 for %, %40 for @, %2F for /, %20 for a space.",
    )


def describe(parameters: Mapping[str, Any]) -> str:
    """The database in words, without secrets."""
    host = parameters.get("host") or parameters.get("hostaddr") or os.environ.get("PGHOST") or "the local socket"
    name = parameters.get("dbname") or os.environ.get("PGDATABASE") or "the default database"
    return f"{name} at {host}"


def _set_up(connection: psycopg.Connection[Any], settings: Mapping[str, str]) -> None:
    wanted = {**_SETTINGS, **settings}
    names, values = list(wanted), list(wanted.values())
    try:
        connection.execute(
            "SELECT pg_catalog.set_config(name, value, false)"
            " FROM ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), pg_catalog.unnest(%s::pg_catalog.text[]))"
            " AS s (name, value)",
            [names, values],
        )
    except psycopg.Error as error:
        connection.close()
        if is_loss(error):
            raise DatabaseUnreachable(
                f"the connection was lost while the session was set up: {error}", hint="Try again."
            ) from None
        raise DatabaseRefused(
            f"the session could not be set up: {error}", sqlstate=error.sqlstate, hint="See crossfade doctor."
        ) from None
    connection.add_notice_handler(lambda _notice: None)
