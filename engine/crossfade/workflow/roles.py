"""Roles with the least rights: `crossfade_app` reports that an instance is live, `crossfade_reader` reads the ledger.

Roles belong to the whole server, rights to this database. Triggers on the users' tables need no rights at all of the
role that writes. Everything here may be done any number of times, and by several at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from crossfade.errors import UsageError
from crossfade.postgres.names import quoted
from crossfade.postgres.own_names import LEDGER_SCHEMA
from crossfade.postgres.statement import render

Connection = psycopg.Connection[Any]
APP, READER = "crossfade_app", "crossfade_reader"

_APP_RIGHTS = (
    sql.SQL("USAGE ON SCHEMA {}").format(sql.Identifier(LEDGER_SCHEMA)),
    sql.SQL("EXECUTE ON FUNCTION {}(text, text, text)").format(sql.Identifier(LEDGER_SCHEMA, "heartbeat")),
    sql.SQL("EXECUTE ON FUNCTION {}(text, text)").format(sql.Identifier(LEDGER_SCHEMA, "can_i_run")),
)
_READER_RIGHTS = (
    sql.SQL("USAGE ON SCHEMA {}").format(sql.Identifier(LEDGER_SCHEMA)),
    sql.SQL("SELECT ON ALL TABLES IN SCHEMA {}").format(sql.Identifier(LEDGER_SCHEMA)),
    sql.SQL("EXECUTE ON FUNCTION {}(bigint)").format(sql.Identifier(LEDGER_SCHEMA, "approved_digest")),
    sql.SQL("EXECUTE ON FUNCTION {}(text, text)").format(sql.Identifier(LEDGER_SCHEMA, "objections")),
)
_WORDS = {APP: f"may call {LEDGER_SCHEMA}.heartbeat and can_i_run", READER: "may read the ledger"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Powers:
    """What the connection's role may do about roles."""

    creates_roles: bool
    grants: bool
    """It has the rights of the ledger's owner."""


def grant_roles(connection: Connection, app_role: str | None) -> tuple[str, ...]:
    """Create the roles where we may and give them their rights, and those of an app to `app_role`; what was done.

    What is left for an administrator comes back as lines that begin with the statement to run. Raises UsageError for
    an `app_role` that does not exist.
    """
    with connection.transaction():
        # Two GRANTs on one object at a time fail with "tuple concurrently updated".
        connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('crossfade roles'))")
        if app_role is not None and not _exists(connection, app_role):
            raise UsageError(
                f"there is no role {quoted(app_role)} on this server", hint="Give --app-role the role of your app."
            )
        return tuple(_grant(connection, _powers(connection), app_role))


def _grant(connection: Connection, powers: _Powers, app_role: str | None) -> Iterator[str]:
    for role, rights in ((APP, _APP_RIGHTS), (READER, _READER_RIGHTS)):
        there = _exists(connection, role)
        if not there and powers.creates_roles:
            yield from _create(connection, role)
            there = True
        if there and powers.grants:
            yield from _give(connection, role, rights, _WORDS[role])
        elif not (role == APP and app_role and powers.grants):
            yield from _for_an_administrator(role, rights, exists=there)
    if app_role is None:
        return
    if powers.grants:
        yield from _give(connection, app_role, _APP_RIGHTS, _WORDS[APP])
    else:
        yield from _for_an_administrator(app_role, _APP_RIGHTS, exists=True)


def _create(connection: Connection, role: str) -> Iterator[str]:
    try:
        with connection.transaction():
            connection.execute(_creation(role))
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return  # another database's init was quicker
    yield f"role {role} created"


def _give(connection: Connection, role: str, rights: Sequence[sql.Composed], words: str) -> Iterator[str]:
    for right in rights:
        connection.execute(_grant_statement(right, role))
    yield f"role {quoted(role)} {words}"


def _for_an_administrator(role: str, rights: Sequence[sql.Composed], *, exists: bool) -> Iterator[str]:
    statements = [*(() if exists else (_creation(role),)), *(_grant_statement(right, role) for right in rights)]
    for statement in statements:
        yield f"{render(statement)};  -- for an administrator: this role may not do it"


def _creation(role: str) -> sql.Composed:
    return sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role))


def _grant_statement(right: sql.Composed, role: str) -> sql.Composed:
    return sql.SQL("GRANT {} TO {}").format(right, sql.Identifier(role))


def _exists(connection: Connection, role: str) -> bool:
    row = connection.execute("SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = %s)", [role]).fetchone()
    return bool(row and row[0])


def _powers(connection: Connection) -> _Powers:
    row = connection.execute(
        "SELECT rolsuper OR rolcreaterole,"
        " EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s AND pg_catalog.pg_has_role(nspowner, 'USAGE'))"
        " FROM pg_catalog.pg_roles WHERE rolname = current_user",
        [LEDGER_SCHEMA],
    ).fetchone()
    assert row is not None
    return _Powers(creates_roles=bool(row[0]), grants=bool(row[1]))
