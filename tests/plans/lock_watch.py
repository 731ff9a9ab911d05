"""Which locks a step really takes on the users' relations, seen in pg_locks by a second session.

A step in a transaction still holds all its locks when the ledger records its end, and that is when it is looked at. A
relation that the step itself makes is unknown to the second session by then, so it does not count.

A step outside a transaction holds its locks for moments only. So before it begins every relation is locked, each by a
session of its own, in a mode that everything from SHARE UPDATE EXCLUSIVE up has to wait for; once the step is seen
waiting for one of them, that one is released. One that waited for less than ACCESS EXCLUSIVE may want that later, for
which ACCESS SHARE is kept until it is waited for, too.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.observe.events import StepDone, StepStarted
from crossfade.operations.step import strongest
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import LockMode
from crossfade.workflow import ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg
    import pytest

    from crossfade.observe.events import Event
    from crossfade.operations.step import Step
    from crossfade.postgres.statement import Lock

    from ..fixtures.database import Database

Locks = dict[str, LockMode]
"""The strongest mode for each relation, in SQL's quoting."""

MODES = {mode.pg_name: mode for mode in LockMode}
SECONDS = 30.0
PAUSE_SECONDS = 0.002

_USERS = """
    c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('crossfade', 'pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_(toast|temp)'
"""
_HELD = f"""
SELECT n.nspname, c.relname, l.mode, l.granted
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stat_activity a USING (pid)
WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND {_USERS}
"""
_BY_PID = f"{_HELD} AND l.pid = %s"
_BY_NAME = f"{_HELD} AND a.application_name = 'crossfade'"
_TRANSACTIONS = """
SELECT h.pid FROM pg_locks w JOIN pg_stat_activity a USING (pid)
JOIN pg_locks h ON h.locktype = 'virtualxid' AND h.granted AND h.virtualxid = w.virtualxid
WHERE w.locktype = 'virtualxid' AND NOT w.granted AND a.application_name = 'crossfade'
"""
"""Those whose end is waited for, as CONCURRENTLY does, whatever they have locked."""
_RELATIONS = f"""
SELECT n.nspname, c.relname, c.relkind = 'm' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_USERS} AND c.relkind <> 'v' AND c.relkind <> 'f'
"""


_TAKING = {
    False: (
        sql.SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE"),
        sql.SQL("LOCK TABLE ONLY {} IN SHARE UPDATE EXCLUSIVE MODE"),
    ),
    True: (sql.SQL("EXPLAIN SELECT FROM {}"), sql.SQL("COMMENT ON MATERIALIZED VIEW {} IS NULL")),
}
"""Statements that take ACCESS SHARE and SHARE UPDATE EXCLUSIVE, for a table and for a materialized view, which LOCK
TABLE does not take. They are never committed."""


def told(locks: tuple[Lock, ...]) -> Locks:
    """A forecast, as far as anybody could notice it: ACCESS SHARE is what every query takes, and ours is ours."""
    noticed = (lock for lock in locks if lock.mode >= LockMode.ROW_SHARE and not lock.relation.startswith("crossfade."))
    return {lock.relation: lock.mode for lock in noticed}


def forecast(steps: tuple[Step, ...]) -> dict[tuple[str, str], Locks]:
    """What each step says of itself, done and undone."""
    done = {(step.id, "done"): told(step.locks) for step in steps}
    undone = {(s.id, "undone"): told(strongest(lock for u in s.undo for lock in u.locks)) for s in steps}
    taken_along = {(other, "undone"): Locks() for step in steps for other in step.takes_along}
    return {**done, **undone, **taken_along}


class LockWatch:
    """Looks at every step of an engine's runs; `seen` is what it saw, by the step's id and by `done` or `undone`."""

    def __init__(self, database: Database, outside: frozenset[str] = frozenset()) -> None:
        """`outside` are the ids of the steps that run outside a transaction."""
        self.seen: dict[tuple[str, str], Locks] = {}
        self._database = database
        self._outside = outside
        self._second = database.connect(autocommit=True)
        self._queue: _Queue | None = None
        self._state = ""

    def hear(self, event: Event) -> None:
        """Takes in the engine's events, for steps outside a transaction."""
        if isinstance(event, StepStarted) and event.step in self._outside:
            self._state = "undone" if event.title.startswith("undo: ") else "done"
            self._queue = _Queue(self._database)
        elif isinstance(event, StepDone) and self._queue is not None:
            self.seen[event.step, self._state], self._queue = self._queue.end(), None

    def look(self, connection: psycopg.Connection[Any], step: str, state: str) -> None:
        """A step is about to commit on this connection."""
        if step not in self._outside:
            self.seen[step, state] = _strongest(self._second.execute(_BY_PID, [connection.info.backend_pid]).fetchall())

    def close(self) -> None:
        """Release what a step that failed has left."""
        if self._queue is not None:
            self._queue.end()


def _strongest(rows: list[Any]) -> Locks:
    found: Locks = {}
    for schema, name, mode, _ in rows:
        relation = str(QualifiedName(schema, name))
        found[relation] = max(found.get(relation, MODES[mode]), MODES[mode])
    return {relation: mode for relation, mode in found.items() if mode >= LockMode.ROW_SHARE}


class _Queue:
    """A lock on every relation, until somebody of ours is seen waiting for it; then a lighter one."""

    def __init__(self, database: Database) -> None:
        self._second = database.connect(autocommit=True)
        self._holders: dict[str, psycopg.Connection[Any]] = {}
        for schema, name, is_materialized in database.execute(_RELATIONS):
            holder = database.connect(application_name="holder")
            table = sql.Identifier(str(schema), str(name))
            light, heavy = _TAKING[bool(is_materialized)]
            holder.execute(light.format(table))
            holder.execute("SAVEPOINT light")
            holder.execute(heavy.format(table))
            self._holders[str(QualifiedName(str(schema), str(name)))] = holder
        # What autovacuum analyzed meanwhile, a step that is about its statistics would pass over.
        database.execute("DELETE FROM pg_catalog.pg_statistic WHERE starelid >= 16384")
        self._seen: Locks = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> Locks:
        """Release all that nobody waited for; what was waited for or held."""
        self._over.set()
        self._thread.join(SECONDS)
        for holder in self._holders.values():
            holder.close()
        self._second.close()
        return self._seen

    def _look(self) -> None:
        # Whoever waits is still there at the next look.
        while not self._over.wait(PAUSE_SECONDS):
            rows = self._second.execute(_BY_NAME).fetchall()
            for relation, mode in _strongest(rows).items():
                self._seen[relation] = max(self._seen.get(relation, mode), mode)
            for schema, name, mode, granted in rows:
                relation = str(QualifiedName(schema, name))
                if not granted and relation in self._holders:
                    self._release(relation, MODES[mode])
            ends = {pid for (pid,) in self._second.execute(_TRANSACTIONS).fetchall()}
            for relation in [r for r, holder in self._holders.items() if holder.info.backend_pid in ends]:
                self._holders.pop(relation).close()

    def _release(self, relation: str, wanted: LockMode) -> None:
        if wanted is LockMode.ACCESS_EXCLUSIVE:
            self._holders.pop(relation).close()
        else:
            self._holders[relation].execute("ROLLBACK TO SAVEPOINT light")


@contextmanager
def watching(watch: LockWatch, patch: pytest.MonkeyPatch) -> Iterator[LockWatch]:
    """For the time of the block the watch is told of every step that is about to commit."""
    record = ledger.step_ended

    def step_ended(connection: psycopg.Connection[Any], run_id: int, step: str, *, state: str, **timing: float) -> None:
        watch.look(connection, step, state)
        record(connection, run_id, step, state=state, **timing)

    with patch.context() as patched:
        patched.setattr(ledger, "step_ended", step_ended)
        try:
            yield watch
        finally:
            watch.close()


def in_words(found: Mapping[tuple[str, str], Locks]) -> dict[str, dict[str, str]]:
    """For an assertion that a person reads."""
    return {
        f"{step}, {state}": {relation: mode.words for relation, mode in sorted(locks.items())}
        for (step, state), locks in sorted(found.items())
    }
