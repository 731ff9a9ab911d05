"""The ledger: what crossfade remembers, in schema `crossfade` of the user's database.

Each function is one statement or one short transaction on a connection that it is given; nothing is cached. Times are
the database's. A runner proves its lease by the run's token in every transaction that changes something.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Json, Jsonb

from crossfade.errors import Conflict, LostLease, UnknownRun, UsageError
from crossfade.operations.step import Phase
from crossfade.postgres.statement import Lock, LockMode
from crossfade.workflow.states import FINAL, State

Connection = psycopg.Connection[Any]
_SCRIPTS = {1: ("ledger_0001.sql", "ledger_0001_versions.sql")}
"""What makes each version of the ledger from the one before, in this order."""
VERSION = max(_SCRIPTS)
_LOCK_CLASS = 0x43524653
"""Of our advisory locks: "CRFS"."""

NO_FENCES: Mapping[str, Any] = MappingProxyType({})
FENCE = Lock(relation="crossfade.fence", mode=LockMode.ACCESS_EXCLUSIVE)
"""Held by whoever raises the fence; heartbeats and `can_i_run` share it until their transactions end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One row of crossfade.runs."""

    id: int
    name: str
    digest: str
    plan: Mapping[str, Any]
    acks: tuple[str, ...]
    program: Mapping[str, Any]
    state: State
    state_since: datetime
    paused: str | None
    failed: Mapping[str, Any] | None
    token: int
    holder: str | None
    held_since: datetime | None
    retain_until: datetime | None
    created_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", State(self.state))
        object.__setattr__(self, "acks", tuple(self.acks))


def installed_version(connection: Connection) -> int:
    """The ledger's version in this database; 0 where there is none."""
    row = connection.execute("SELECT pg_catalog.to_regclass('crossfade.meta') IS NOT NULL").fetchone()
    if not (row and row[0]):
        return 0
    row = connection.execute("SELECT pg_catalog.max(version) FROM crossfade.meta").fetchone()
    return int(row[0]) if row and row[0] else 0


def install(connection: Connection) -> bool:
    """Create or upgrade the ledger, once however many do it at the same time. True if anything was done."""
    with connection.transaction():
        connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s, 0)", [_LOCK_CLASS])
        found = installed_version(connection)
        if found > VERSION:
            raise Conflict(
                f"the ledger is of version {found}, newer than this crossfade knows ({VERSION})",
                hint="Upgrade crossfade: pip install -U crossfade.",
            )
        for version in range(found + 1, VERSION + 1):
            for name in _SCRIPTS[version]:
                connection.execute((resources.files("crossfade.workflow") / "sql" / name).read_bytes())
    return found < VERSION


def missing() -> UsageError:
    """There is no ledger."""
    return UsageError("there is no ledger in this database", hint="Run: crossfade init")


def require(connection: Connection) -> None:
    """Raises UsageError where there is no ledger, and Conflict where it is of another version."""
    found = installed_version(connection)
    if found == 0:
        raise missing()
    if found != VERSION:
        raise Conflict(
            f"the ledger is of version {found}; this crossfade works with {VERSION}",
            hint="Run: crossfade init" if found < VERSION else "Upgrade crossfade: pip install -U crossfade.",
        )


_RUN = """
SELECT id, name, digest, plan, acks, program, state, state_since, paused, failed, token, holder, held_since,
       retain_until, created_at
FROM crossfade.runs
"""


def find_run(connection: Connection, name: str) -> RunRow | None:
    """The latest run of that name."""
    with connection.cursor(row_factory=class_row(RunRow)) as cursor:
        return cursor.execute(_RUN + "WHERE name = %s ORDER BY id DESC LIMIT 1", [name]).fetchone()


def get_run(connection: Connection, name: str) -> RunRow:
    """The latest run of that name. Raises UnknownRun with the names that there are."""
    found = find_run(connection, name)
    if found is None:
        rows = connection.execute("SELECT DISTINCT name FROM crossfade.runs ORDER BY name").fetchall()
        names = ", ".join(r[0] for r in rows)
        raise UnknownRun(
            f"there is no run {name} in this database",
            hint=f"There is: {names}." if names else "Start one: crossfade start PLAN",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a run stands; what may have changed between two steps, without its plan and program."""

    token: int
    state: State
    paused: str | None
    retain_until: datetime | None
    now: datetime
    """The database's clock."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", State(self.state))


def position(connection: Connection, run_id: int) -> Position:
    """Where the run stands now."""
    with connection.cursor(row_factory=class_row(Position)) as cursor:
        found = cursor.execute(
            "SELECT token, state, paused, retain_until, pg_catalog.clock_timestamp() AS now"
            " FROM crossfade.runs WHERE id = %s",
            [run_id],
        ).fetchone()
    assert found is not None
    return found


def all_runs(connection: Connection) -> tuple[RunRow, ...]:
    """Of each name the latest run, and of a schedule those that are not over; the latest first."""
    with connection.cursor(row_factory=class_row(RunRow)) as cursor:
        latest = (
            "WHERE id IN (SELECT pg_catalog.max(id) FROM crossfade.runs GROUP BY name)"
            " AND (state <> ALL (%s) OR NOT EXISTS (SELECT FROM crossfade.firings f WHERE f.run_id = runs.id))"
            " ORDER BY id DESC"
        )
        return tuple(cursor.execute(_RUN + latest, [[s.value for s in FINAL]]).fetchall())


def add_run(
    connection: Connection,
    *,
    name: str,
    digest: str,
    plan: Mapping[str, Any],
    acks: tuple[str, ...],
    program: Mapping[str, Any],
    fences: Mapping[str, Any] = NO_FENCES,
    started_by: str | None = None,
) -> int:
    """Register a run in state `planned`. Raises Conflict if one of that name was added meanwhile.

    `fences` has, by app, the range of versions that work on the new shape, as `VersionRange.as_json` gives it;
    `started_by` is the person who asks for the run, else it is our role.
    """
    try:
        row = connection.execute(
            "INSERT INTO crossfade.runs (name, digest, plan, acks, program, fences, started_by)"
            " VALUES (%s, %s, %s, %s, %s, %s, coalesce(%s, session_user)) RETURNING id",
            [name, digest, Json(plan), list(acks), Jsonb(program), Jsonb(dict(fences)), started_by],
        ).fetchone()
    except psycopg.errors.UniqueViolation:
        raise Conflict(
            f"a run named {name} was started by somebody else just now", hint=f"See crossfade status {name}."
        ) from None
    assert row is not None
    return int(row[0])


def replace_program(connection: Connection, run: RunRow, program: Mapping[str, Any]) -> None:
    """Store a fresh compilation; only while the run is `planned`."""
    connection.execute(
        "UPDATE crossfade.runs SET program = %s WHERE id = %s AND state = 'planned'", [Jsonb(program), run.id]
    )


def add_acks(connection: Connection, run_id: int, acks: tuple[str, ...]) -> None:
    """Note what a person accepts besides what was accepted before."""
    with connection.transaction():
        connection.execute(
            "UPDATE crossfade.runs SET acks = ARRAY(SELECT DISTINCT pg_catalog.unnest(acks || %s::text[]) ORDER BY 1)"
            " WHERE id = %s",
            [list(acks), run_id],
        )
        add_event(connection, run_id, "acknowledged", {"acks": list(acks)})


def me() -> str:
    """This process, for people: host and pid."""
    return f"{socket.gethostname()} pid {os.getpid()}"


def try_lease(connection: Connection, run_id: int) -> int | None:
    """Take the lease for the life of this session; its new token, or None where another runner holds it.

    The lease is a session's advisory lock: the server gives it up with the session, so a killed runner holds up nobody,
    and no clock is involved.
    """
    key = run_id % 2**31
    row = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, key]).fetchone()
    if not (row and row[0]):
        return None
    row = connection.execute(
        "UPDATE crossfade.runs SET token = token + 1, holder = %s, held_since = pg_catalog.clock_timestamp()"
        " WHERE id = %s RETURNING token",
        [me(), run_id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def release_lease(connection: Connection, run_id: int, token: int) -> None:
    """Give the lease back."""
    connection.execute(
        "UPDATE crossfade.runs SET holder = NULL, held_since = NULL WHERE id = %s AND token = %s", [run_id, token]
    )
    connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, run_id % 2**31])


def prove_lease(connection: Connection, run_id: int, token: int) -> None:
    """Within a transaction: go on only with the newest token, and keep it the newest until commit. Raises LostLease."""
    row = connection.execute(
        "SELECT token FROM crossfade.runs WHERE id = %s AND token = %s FOR SHARE", [run_id, token]
    ).fetchone()
    if row is None:
        raise lost_lease()


def lost_lease() -> LostLease:
    """What a runner says whose token is no longer the run's."""
    return LostLease(
        "another runner has taken over this run; nothing was changed by this one since",
        hint="Look at it with crossfade status.",
    )


def move(connection: Connection, run_id: int, token: int, source: State, target: State) -> None:
    """Change the run's state, within a transaction of the caller's. Raises LostLease."""
    done = connection.execute(
        "UPDATE crossfade.runs SET state = %s, state_since = pg_catalog.clock_timestamp() "
        "WHERE id = %s AND token = %s AND state = %s",
        [target.value, run_id, token, source.value],
    )
    if done.rowcount != 1:
        raise LostLease("another runner has moved this run", hint="Look at it with crossfade status.")
    add_event(connection, run_id, "state_changed", {"source": source.value, "target": target.value})


def void_batches(connection: Connection, run_id: int) -> None:
    """After a run has turned back: let nobody do another batch of it, and wait for those that workers have in hand.

    Whoever claims a batch from now on sees the new state; who claimed one before holds its row's lock. What is split
    off meanwhile is found the next time round.
    """
    with connection.transaction():
        connection.execute("SELECT pg_catalog.set_config('lock_timeout', '5min', true)")
        connection.execute("SELECT pg_catalog.set_config('statement_timeout', '5min', true)")
        query = "UPDATE crossfade.batches SET state = 'void' WHERE run_id = %s AND state = 'ready'"
        while connection.execute(query, [run_id]).rowcount:
            pass


def set_retention(connection: Connection, run_id: int, retain_seconds: float) -> None:
    """Let the time of `retain` begin now."""
    connection.execute(
        "UPDATE crossfade.runs SET retain_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => %s)"
        " WHERE id = %s",
        [retain_seconds, run_id],
    )


def set_paused(connection: Connection, run_id: int, reason: str | None) -> None:
    """Hold the run, or let it go on."""
    with connection.transaction():
        connection.execute("UPDATE crossfade.runs SET paused = %s WHERE id = %s", [reason, run_id])
        add_event(connection, run_id, "resumed" if reason is None else "paused", {"reason": reason} if reason else {})


def set_failed(connection: Connection, run_id: int, failed: Mapping[str, Any] | None) -> None:
    """Remember why the last command stopped; None once the next one begins."""
    with connection.transaction():
        changed = connection.execute(
            "UPDATE crossfade.runs SET failed = %s WHERE id = %s AND (failed IS NOT NULL OR %s)",
            [None if failed is None else Jsonb(failed), run_id, failed is not None],
        )
        if failed is not None and changed.rowcount:
            add_event(connection, run_id, "failed", failed)


def add_event(connection: Connection, run_id: int, kind: str, data: Mapping[str, Any]) -> None:
    """Append to the history."""
    connection.execute(
        "INSERT INTO crossfade.events (run_id, kind, data) VALUES (%s, %s, %s)", [run_id, kind, Jsonb(data)]
    )


def begin_phase(connection: Connection, run_id: int, phase: Phase) -> None:
    """Note when a phase began (again)."""
    connection.execute(
        "INSERT INTO crossfade.phases (run_id, phase, started_at) VALUES (%s, %s, pg_catalog.clock_timestamp())"
        " ON CONFLICT (run_id, phase) DO UPDATE SET finished_at = NULL",
        [run_id, phase.value],
    )


def finish_phase(connection: Connection, run_id: int, phase: Phase) -> None:
    """Note when a phase was done; one that passed through gets a beginning as well."""
    connection.execute(
        "INSERT INTO crossfade.phases AS p (run_id, phase, started_at, finished_at)"
        " VALUES (%s, %s, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp())"
        " ON CONFLICT (run_id, phase) DO UPDATE SET finished_at = pg_catalog.clock_timestamp()",
        [run_id, phase.value],
    )


def step_begun(connection: Connection, run_id: int, step: str) -> int:
    """Note an attempt at a step; which one it is, from 1."""
    row = connection.execute(
        "INSERT INTO crossfade.steps AS s (run_id, id, state, attempts, started_at)"
        " VALUES (%s, %s, 'running', 1, pg_catalog.clock_timestamp())"
        " ON CONFLICT (run_id, id) DO UPDATE SET attempts = s.attempts + 1, started_at = pg_catalog.clock_timestamp(),"
        " state = CASE s.state WHEN 'done' THEN 'done' ELSE 'running' END RETURNING attempts",
        [run_id, step],
    ).fetchone()
    assert row is not None
    return int(row[0])


def step_ended(
    connection: Connection, run_id: int, step: str, *, state: str, lock_wait_ms: float, duration_ms: float
) -> None:
    """Note a step's end: `done` or `undone`; a step undone and done again counts its waits together."""
    connection.execute(
        "UPDATE crossfade.steps SET state = %s, lock_wait_ms = lock_wait_ms + %s, duration_ms = %s,"
        " finished_at = pg_catalog.clock_timestamp() WHERE run_id = %s AND id = %s",
        [state, lock_wait_ms, duration_ms, run_id, step],
    )
    kind = "step_done" if state == "done" else "step_undone"
    facts = {"step": step, "lock_wait_ms": round(lock_wait_ms, 1), "duration_ms": round(duration_ms, 1)}
    add_event(connection, run_id, kind, facts)


def rows_by(connection: Connection, query: str, run_id: int) -> list[dict[str, Any]]:
    """All rows that a query of one run id gives, as dictionaries."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [run_id]).fetchall()  # literals of the callers


def step_rows(connection: Connection, run_id: int) -> dict[str, dict[str, Any]]:
    """The steps that were begun, by id."""
    query = "SELECT id, state, attempts, lock_wait_ms, duration_ms FROM crossfade.steps WHERE run_id = %s"
    return {row["id"]: row for row in rows_by(connection, query, run_id)}


def step_states(connection: Connection, run_id: int) -> dict[str, str]:
    """The ledger's word for each step that was begun: running, done or undone."""
    rows = connection.execute("SELECT id, state FROM crossfade.steps WHERE run_id = %s", [run_id]).fetchall()
    return dict(rows)


def phase_rows(connection: Connection, run_id: int) -> dict[str, dict[str, Any]]:
    """The phases that were begun, by name."""
    query = "SELECT phase, started_at, finished_at FROM crossfade.phases WHERE run_id = %s"
    return {row["phase"]: row for row in rows_by(connection, query, run_id)}


def event_rows(connection: Connection, run_id: int) -> list[dict[str, Any]]:
    """The history, oldest first."""
    return rows_by(
        connection, "SELECT at, kind, actor, data FROM crossfade.events WHERE run_id = %s ORDER BY id", run_id
    )
