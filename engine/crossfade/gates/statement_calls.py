"""What pg_stat_statements has counted of this database's statements. All I/O of `legacy_reads`.

Losses are read before the statements and after them: what is evicted or reset meanwhile is noticed at this look or the
next. Where statements go uncounted, or their texts cannot be seen, that is said with what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from crossfade.gates.queries import query
from crossfade.gates.watched_column import WatchedColumn
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.step import RowChange

# A role that may not see a statement sees its calls, but neither its queryid nor its text. The text is null where the
# server has lost it. Which of them matter is for who reads the texts: the server would look through them no faster.
_CALLS = """
SELECT s.userid::pg_catalog.int8 AS userid, r.rolname::pg_catalog.text AS role, s.queryid, s.toplevel,
    CASE WHEN s.queryid IS NOT NULL THEN s.query END AS text, s.calls, s.total_exec_time AS exec_time,
    {since} AS stats_since
FROM {statements} s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
ORDER BY s.calls DESC
"""
_SINCE = sql.SQL("s.stats_since::pg_catalog.text")
_NO_SINCE = sql.SQL("NULL")
_LOSSES = """
SELECT i.dealloc, i.stats_reset::pg_catalog.text AS stats_reset, pg_catalog.clock_timestamp() AS at
FROM {info} i
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One entry of pg_stat_statements."""

    userid: int
    role: str | None
    queryid: int | None
    """None where we may not see the statement."""
    toplevel: bool
    text: str | None
    calls: int
    exec_time: float
    stats_since: str | None
    """Only from PostgreSQL 17 on."""

    @property
    def key(self) -> str:
        """Which statement it is, in this database."""
        return f"{self.userid}/{self.queryid}/{'top' if self.toplevel else 'nested'}"

    @property
    def counter(self) -> dict[str, Any]:
        """What a call changes. The time tells even an entry that was reset and has come to as many calls as before."""
        return {"calls": self.calls, "exec_time": self.exec_time, "stats_since": self.stats_since}


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """How often entries were evicted, and since when they are counted."""

    dealloc: int
    stats_reset: str
    at: datetime

    @property
    def counter(self) -> dict[str, Any]:
        """What a loss changes."""
        return {"dealloc": self.dealloc, "stats_reset": self.stats_reset}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is counted at all."""

    track: str | None
    track_utility: str | None
    compute_query_id: str
    is_our_own: bool
    """One of the settings is set for our role or session, and nobody knows what the others have."""
    uncounted_roles: list[str]

    @property
    def fault(self) -> str | None:
        """Why statements go uncounted."""
        if self.track == "none":
            return "pg_stat_statements.track is none, so nothing is counted; set it to top or all"
        if self.compute_query_id == "off":
            return "compute_query_id is off, so nothing is counted; set it to auto or on"
        if self.is_our_own:
            return (
                "pg_stat_statements.track or compute_query_id is set for crossfade's own role, so what others have is "
                "not known; run ALTER ROLE … RESET for it"
            )
        if self.uncounted_roles:
            return (
                f"statements of {', '.join(self.uncounted_roles[:5])} are not counted; run ALTER ROLE … RESET for "
                "pg_stat_statements.track and compute_query_id"
            )
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Every statement of a database, with what is known of losses and of what goes uncounted."""

    before: Losses
    after: Losses
    settings: Settings
    called: tuple[Called, ...]


def read_calls(connection: psycopg.Connection[Any]) -> Calls | str:
    """Every statement of this database; a text says why they cannot be seen. Raises psycopg.Error."""
    try:
        with connection.transaction():
            return _read_calls(connection)
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return (
            "pg_stat_statements is not loaded; add it to shared_preload_libraries and start the server again: what is "
            "called before is not seen"
        )
    except psycopg.errors.InsufficientPrivilege as error:
        return (
            f"pg_stat_statements cannot be read ({error.diag.message_primary}); grant USAGE on its schema and SELECT "
            "on pg_stat_statements and pg_stat_statements_info to the role that crossfade uses"
        )


def _read_calls(connection: psycopg.Connection[Any]) -> Calls | str:
    found = connection.execute(query("statements_extension")).fetchone()
    if found is None:
        return (
            "pg_stat_statements is not installed in this database; run: CREATE EXTENSION pg_stat_statements (it also "
            "has to be in shared_preload_libraries)"
        )
    schema, tells_losses, tells_since = found
    if not tells_losses:
        return "pg_stat_statements is too old to tell what it lost; run: ALTER EXTENSION pg_stat_statements UPDATE"
    with connection.cursor(row_factory=class_row(Settings)) as cursor:
        settings = cursor.execute(query("statement_settings")).fetchone()
    assert settings is not None
    before = _losses(connection, schema)
    statements = sql.SQL(_CALLS).format(
        since=_SINCE if tells_since else _NO_SINCE, statements=sql.Identifier(schema, "pg_stat_statements")
    )
    with connection.cursor(row_factory=class_row(Called)) as calls:
        called = tuple(calls.execute(statements).fetchall())
    return Calls(before=before, after=_losses(connection, schema), settings=settings, called=called)


def _losses(connection: psycopg.Connection[Any], schema: str) -> Losses:
    info = sql.SQL(_LOSSES).format(info=sql.Identifier(schema, "pg_stat_statements_info"))
    with connection.cursor(row_factory=class_row(Losses)) as cursor:
        losses = cursor.execute(info).fetchone()
    assert losses is not None
    return losses


def watched(connection: psycopg.Connection[Any], rows: Sequence[RowChange]) -> tuple[WatchedColumn, ...]:
    """The old side of each change, with all tables by which it can be read."""
    return tuple(w for change in rows if change.told_apart for w in _watched(connection, change))


def _watched(connection: psycopg.Connection[Any], change: RowChange) -> Iterator[WatchedColumn]:
    table = QualifiedName(change.schema, change.table)
    members = connection.execute(query("family"), {"names": [str(table)]}).fetchall()
    for name in change.old:
        yield WatchedColumn(
            table=table,
            name=name,
            members=frozenset({table, *(QualifiedName(schema, name) for _, schema, name in members)}),
            pending=change.pending,
        )
