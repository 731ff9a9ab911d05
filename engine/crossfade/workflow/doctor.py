"""Doctor: can crossfade work on this database, and what there deserves a word before it does.

`observe` reads the facts and `judge` is pure, so that a standby or a wrong clock can be judged without having one. A
finding that is an error makes a phase fail; a warning may make it slow, or blind a gate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from crossfade.errors import DatabaseRefused
from crossfade.postgres.connect import connect
from crossfade.postgres.names import quoted
from crossfade.postgres.pooler import transaction_pooler
from crossfade.workflow import ledger
from crossfade.workflow.orphans import orphans
from crossfade.workflow.queries import query
from crossfade.workflow.results import Finding

__all__ = ["Facts", "examine", "judge", "observe", "orphans"]

Connection = psycopg.Connection[Any]

OLDEST = 14
CLOCK_SECONDS = 5.0
FREE_CONNECTIONS = 10
LONG_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found in the database."""

    server_version: int
    """As `server_version_num`: 180001."""
    server_version_text: str
    database: str
    role: str
    clock: float
    """The database's, in seconds since 1970."""
    clock_ahead: float
    """By how many seconds it is certainly ahead of ours; negative where it is behind."""
    standby: bool
    read_only: bool
    """Our own session cannot write."""
    read_only_by_default: bool
    may_create_schema: bool
    may_use_schema: bool | None
    """None where there is no schema `crossfade`."""
    owns_schema: bool | None
    ledger_version: int | None
    """0 where there is no ledger; None where it cannot be read."""
    sees_activity: bool
    track_activities: bool
    connections_allowed: int
    connections_used: int
    idle_in_transaction_seconds: float
    wal_level: str
    has_statements: bool
    active_slots: list[str]
    idle_slots: list[str]
    prepared_transactions: list[str]
    long_transactions: list[str]


def examine(url: str) -> tuple[Finding, ...]:
    """Every check with its answer, in a fixed order. Raises DatabaseUnreachable where no connection can be had.

    Behind a transaction pooler that is all it says: a session set up as ours would leave its settings with the apps.
    """
    pooler = transaction_pooler(url)
    if pooler is not None:
        hint = "Connect crossfade to the server itself, or through a pool in session mode; apps may go on as they are."
        return (_error("pooler", pooler, hint),)
    try:
        with connect(url) as connection:
            return judge(observe(connection))
    except DatabaseRefused as error:
        hint = f"crossfade needs PostgreSQL {OLDEST} or later, and a role that may change its own session's settings."
        return (Finding(check="session", level="error", message=error.message, hint=hint),)


def observe(connection: Connection, *, long: float = LONG_SECONDS) -> Facts:
    """Read the facts; nothing is changed. A transaction is long from so many seconds."""
    with connection.cursor(row_factory=dict_row) as cursor:
        before = time.time()
        row = cursor.execute(query("doctor"), {"long": long}).fetchone()
        after = time.time()
    assert row is not None
    ahead = max(row["clock"] - after, 0.0) + min(row["clock"] - before, 0.0)
    return Facts(**row, clock_ahead=ahead, ledger_version=_ledger_version(connection))


def _ledger_version(connection: Connection) -> int | None:
    try:
        return ledger.installed_version(connection)
    except psycopg.errors.InsufficientPrivilege:
        return None


def judge(facts: Facts) -> tuple[Finding, ...]:
    """What the facts mean for our work; there is no transaction pooler, or they could not have been read."""
    checks = (_server, _ledger, _sessions, _activity, _statements, _replication, _transactions, _clock)
    return tuple(finding for check in checks for finding in check(facts))


def _ok(check: str, message: str) -> Finding:
    return Finding(check=check, level="ok", message=message)


def _warning(check: str, message: str, hint: str) -> Finding:
    return Finding(check=check, level="warning", message=message, hint=hint)


def _error(check: str, message: str, hint: str) -> Finding:
    return Finding(check=check, level="error", message=message, hint=hint)


def _server(facts: Facts) -> Iterator[Finding]:
    version = f"PostgreSQL {facts.server_version_text}"
    if facts.server_version < OLDEST * 10000:
        yield _error("version", f"{version} is too old", f"crossfade needs PostgreSQL {OLDEST} or later.")
    else:
        yield _ok("version", version)
    if facts.standby:
        yield _error("writable", "this server is a standby; it cannot be written", "Connect to the primary.")
    elif facts.read_only:
        yield _error("writable", "this session cannot write", "Connect to a server and by a role that can write.")
    elif facts.read_only_by_default:
        yield _warning(
            "writable",
            "new sessions are read-only by default; ours switch that off",
            "Make sure that this is meant: some services set it when the disk is full.",
        )
    else:
        yield _ok("writable", "a primary that can be written")


def _ledger(facts: Facts) -> Iterator[Finding]:
    role, database = quoted(facts.role), quoted(facts.database)
    if facts.ledger_version is None:
        yield _error(
            "ledger",
            f"role {role} cannot read the ledger",
            f"Connect as its owner, or: GRANT crossfade_reader TO {role};",
        )
    elif facts.ledger_version == 0 and not facts.may_create_schema:
        yield _error(
            "ledger",
            f"there is no ledger, and role {role} may not create its schema",
            f"GRANT CREATE ON DATABASE {database} TO {role};",
        )
    elif facts.ledger_version == 0:
        yield _ok("ledger", f"there is no ledger yet; role {role} may create it: crossfade init")
    elif facts.ledger_version > ledger.VERSION:
        yield _error(
            "ledger",
            f"the ledger is of version {facts.ledger_version}, newer than this crossfade knows ({ledger.VERSION})",
            "Upgrade crossfade: pip install -U crossfade.",
        )
    elif facts.ledger_version < ledger.VERSION:
        yield _error(
            "ledger",
            f"the ledger is of version {facts.ledger_version}; this crossfade works with {ledger.VERSION}",
            "Run: crossfade init",
        )
    elif not facts.owns_schema:
        yield _warning(
            "ledger", f"role {role} may read the ledger, not drive runs", "To drive them, connect as its owner."
        )
    else:
        yield _ok("ledger", f"version {facts.ledger_version}; role {role} drives runs")


def _sessions(facts: Facts) -> Iterator[Finding]:
    yield _ok("pooler", "each of our sessions has a server process of its own")
    free = facts.connections_allowed - facts.connections_used
    message = f"{facts.connections_used} of {facts.connections_allowed} connections are in use"
    if free < FREE_CONNECTIONS:
        yield _warning(
            "connections", message, "crossfade needs a few for itself, and one for each worker of a backfill."
        )
    else:
        yield _ok("connections", message)
    seconds = facts.idle_in_transaction_seconds
    limit = f"ended after {seconds:g} s" if seconds else "never ended by the server; one of them can hold up a step"
    yield _ok("idle_in_transaction", f"sessions idle in a transaction are {limit}")


def _activity(facts: Facts) -> Iterator[Finding]:
    if not facts.track_activities:
        yield _warning(
            "activity",
            "track_activities is off: no app can be sighted by its application_name, nor a blocker be named",
            "Set track_activities = on, or let every app send heartbeats.",
        )
    elif not facts.sees_activity:
        yield _warning(
            "activity",
            f"role {quoted(facts.role)} cannot see what other roles are doing, so long transactions stay unseen",
            f"GRANT pg_read_all_stats TO {quoted(facts.role)};",
        )
    else:
        yield _ok("activity", "the sessions of all roles can be seen")


def _statements(facts: Facts) -> Iterator[Finding]:
    if facts.has_statements:
        yield _ok("statements", "pg_stat_statements tells which statements use *")
    else:
        yield _ok("statements", "pg_stat_statements is not installed: statements that use * cannot be named beforehand")


def _replication(facts: Facts) -> Iterator[Finding]:
    slots = facts.active_slots + facts.idle_slots
    if facts.idle_slots:
        yield _warning(
            "replication",
            f"nobody reads from slot {', '.join(facts.idle_slots)}: the server keeps all WAL that a backfill writes",
            "Start its reader, or drop it: SELECT pg_drop_replication_slot(…);",
        )
    else:
        yield _ok("replication", f"wal_level {facts.wal_level}, slots: {', '.join(slots) or 'none'}")


def _transactions(facts: Facts) -> Iterator[Finding]:
    for kind, found, hint in (
        ("prepared transaction", facts.prepared_transactions, "COMMIT PREPARED or ROLLBACK PREPARED it."),
        ("transaction", facts.long_transactions, "A step that needs a lock, and every index build, waits for its end."),
    ):
        check = f"{kind}s".replace(" ", "_")
        if not found:
            yield _ok(check, f"no {kind} is older than {LONG_SECONDS:.0f} s")
        for one in found:
            yield _warning(check, f"long {kind}: {one}", hint)


def _clock(facts: Facts) -> Iterator[Finding]:
    if abs(facts.clock_ahead) > CLOCK_SECONDS:
        side = "ahead of" if facts.clock_ahead > 0 else "behind"
        yield _warning(
            "clock",
            f"the database's clock is {abs(facts.clock_ahead):.0f} s {side} this machine's; the database's counts",
            "Synchronise both with NTP.",
        )
    else:
        yield _ok("clock", "the database's clock and this machine's agree")
