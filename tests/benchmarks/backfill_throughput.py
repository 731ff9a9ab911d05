"""How fast Engine.backfill fills a table, against one UPDATE of the whole table, and what a foreground feels of both.

One table is loaded, and each measurement gets a copy of its files, expanded by Engine.expand. The UPDATE has the
assignment and the skip predicate of the compiled program, and fires the same triggers. Backfill and UPDATE alternate.
Rows a second of the backfill are counted in two ways: over the rows phase, from the start of the first batch to the
end of the last, VACUUMs beside included; and over the whole of Engine.backfill, which also gathers statistics and
compares both sides of every row.

Under a foreground, UPDATE and backfill run beside the same one, and the foreground's p99 during each is held against
its p99 on the same table just before. A foreground transaction is a SELECT and an UPDATE by key, of random rows. What
nothing that writes could stay below on this machine is measured too: the same foreground beside a session that only
computes, and beside one that inserts rows of as much WAL into a table that nobody else knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from crossfade import Engine
from crossfade.observe.events import BatchDone, Event
from crossfade.plan.load import parse_plan
from crossfade.workflow.program import Program

from .databases import connect, new_database
from .figures import Figure, Goal
from .foreground import Foreground, foreground, percentile

NAME = "backfill_throughput"
RATE = 200
"""Transactions a second of the foreground."""
IDLE_SECONDS = 15.0
BESIDE_SECONDS = 8.0

PLAN = """
crossfade: 1
name: backfill-throughput
changes:
  - rename_column: {{table: users, from: email, to: email_address}}
backfill: {{{settings}}}
"""
GENTLE = "target: 10ms, wal_per_second: 20MB"
"""What `docs/how-it-works.md` advises where the foreground matters more than speed."""
TABLE = """
CREATE TABLE users (
    id bigint PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    visits int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""
LOAD = """
INSERT INTO users (id, email, name)
SELECT g, 'user' || g || '@example.org', 'Customer ' || g FROM generate_series(1, %s) g
"""
SCRIPT = """
\\set id random(1, {rows})
SELECT name, visits FROM users WHERE id = :id;
UPDATE users SET visits = visits + 1 WHERE id = :id;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """Rows that were written: when, by `time.time()`, how long all of it took, and what it cost."""

    since: float
    until: float
    seconds: float
    wal_bytes: int
    growth: float
    """The table's size with indexes after it, in times of before."""

    @property
    def rows_phase(self) -> float:
        """Seconds from the first batch's start to the last one's end."""
        return self.until - self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Rows that were written beside a foreground, and its p99 in milliseconds before and during it."""

    filled: Filled
    idle: float
    during: float

    @property
    def ratio(self) -> float:
        """How much slower the foreground was."""
        return self.during / self.idle


def measure(server_url: str, rows: int, repetitions: int) -> Iterator[Figure]:
    """Alone first, then under a foreground."""
    with new_database(server_url, "benchmark_loaded") as loaded:
        with connect(loaded) as connection:
            connection.execute(TABLE)
            connection.execute(LOAD, [rows])
            connection.execute("VACUUM (FREEZE, ANALYZE) users")
        updates: list[Filled] = []
        alone: dict[int, list[Filled]] = {1: [], 2: []}
        for _ in range(repetitions):
            updates.append(_alone(server_url, _update))
            for workers, found in alone.items():
                found.append(_alone(server_url, backfill, workers))
        speed = _speed(updates, rows)
        yield _throughput("backfill, rows phase, alone", _speed(alone[1], rows), speed, 1.0)
        yield _throughput("backfill by two workers, rows phase, alone", _speed(alone[2], rows), speed, 1.3)
        yield _throughput("backfill, whole phase, alone", rows / median(f.seconds for f in alone[1]), speed, None)
        yield _cost(
            "WAL of a backfill", "MB", [f.wal_bytes / 1e6 for f in alone[1]], [f.wal_bytes / 1e6 for f in updates]
        )
        yield _cost("table and indexes after it", "times", [f.growth for f in alone[1]], [f.growth for f in updates])
        yield from _beside_foreground(server_url, rows, repetitions)


def _speed(filled: list[Filled], rows: int) -> float:
    return rows / median(f.rows_phase for f in filled)


def _throughput(what: str, figure: float, baseline: float, least: float | None) -> Figure:
    goal = None if least is None else Goal(of="ratio", at_least=least)
    return Figure(benchmark=NAME, what=what, unit="rows/s", figure=figure, baseline=baseline, goal=goal)


def _cost(what: str, unit: str, figures: list[float], baselines: list[float]) -> Figure:
    return Figure(benchmark=NAME, what=what, unit=unit, figure=median(figures), baseline=median(baselines))


def _beside_foreground(server_url: str, rows: int, repetitions: int) -> Iterator[Figure]:
    updates: list[Observed] = []
    backfills: list[Observed] = []
    gentle: list[Observed] = []
    computes: list[Observed] = []
    inserts: list[Observed] = []
    for _ in range(repetitions):
        updates.append(_observed(server_url, rows, _update))
        backfills.append(_observed(server_url, rows, backfill))
        gentle.append(_observed(server_url, rows, backfill, GENTLE))
        computes.append(_observed(server_url, rows, _compute))
        inserts.append(_observed(server_url, rows, _insert_elsewhere))
    yield _throughput(
        "backfill, rows phase, both with a foreground",
        _speed([o.filled for o in backfills], rows),
        _speed([o.filled for o in updates], rows),
        0.75,
    )
    yield _slowed("p99 of the foreground, whole-table UPDATE against idle", updates, None)
    yield _slowed("p99 of the foreground, backfill against idle", backfills, Goal(of="ratio", at_most=1.5))
    yield _throughput(
        f"backfill with {GENTLE}, with a foreground",
        _speed([o.filled for o in gentle], rows),
        _speed([o.filled for o in updates], rows),
        None,
    )
    yield _slowed(f"p99 of the foreground, backfill with {GENTLE} against idle", gentle, None)
    yield _slowed("p99 of the foreground, a session that only computes against idle", computes, None)
    yield _slowed("p99 of the foreground, a session that inserts elsewhere against idle", inserts, None)


def _slowed(what: str, observed: list[Observed], goal: Goal | None) -> Figure:
    """The one with the median ratio, so that figure and baseline are of the same run."""
    middle = sorted(observed, key=lambda o: o.ratio)[len(observed) // 2]
    return Figure(benchmark=NAME, what=what, unit="ms", figure=middle.during, baseline=middle.idle, goal=goal)


Writing = Callable[[str, Program], tuple[float, float]]
"""Writes all rows of a database; gives since and until when, by `time.time()`."""


def _alone(server_url: str, write: Writing, workers: int = 1) -> Filled:
    with new_database(server_url, "benchmark_backfill", template="benchmark_loaded") as url:
        return _measured(url, _expand(url, f"workers: {workers}"), write)


def _observed(server_url: str, rows: int, write: Writing, settings: str = "") -> Observed:
    with new_database(server_url, "benchmark_backfill", template="benchmark_loaded") as url:
        program = _expand(url, settings)
        with foreground(url, SCRIPT.format(rows=rows), rate=RATE) as clients:
            since = time.time()
            time.sleep(IDLE_SECONDS)
            idle = _p99(clients, since, time.time())
            filled = _measured(url, program, write)
            return Observed(filled=filled, idle=idle, during=_p99(clients, filled.since, filled.until))


def _measured(url: str, program: Program, write: Writing) -> Filled:
    with connect(url) as connection:
        begun, wal, size = time.monotonic(), _wal(connection), _size(connection)
        since, until = write(url, program)
        return Filled(
            since=since,
            until=until,
            seconds=time.monotonic() - begun,
            wal_bytes=_wal(connection) - wal,
            growth=_size(connection) / size,
        )


def _wal(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()
    return int(row[0]) if row else 0


def _size(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT pg_total_relation_size('users')").fetchone()
    return int(row[0]) if row else 0


def _update(url: str, program: Program) -> tuple[float, float]:
    """The whole table in one statement."""
    (change,) = program.rows
    statement = sql.SQL("UPDATE users SET {} WHERE {}").format(sql.SQL(change.assignment), sql.SQL(change.pending))
    with connect(url) as connection:
        since = time.time()
        connection.execute(statement)
        return since, time.time()


def _compute(url: str, _program: Program) -> tuple[float, float]:
    """Neither WAL nor locks, only a processor."""
    return _repeat(url, "SELECT count(*) FROM generate_series(1, 30000) g WHERE md5(g::text) < '3'")


def _insert_elsewhere(url: str, _program: Program) -> tuple[float, float]:
    """WAL and a processor, but nothing that the foreground touches."""
    with connect(url) as connection:
        connection.execute("CREATE TABLE elsewhere (id int, words text)")
    return _repeat(url, "INSERT INTO elsewhere SELECT g, repeat('x', 120) FROM generate_series(1, 15000) g")


def _repeat(url: str, statement: LiteralString) -> tuple[float, float]:
    """A statement of some 40 ms, again and again, committed as a batch is."""
    with connect(url) as connection:
        connection.execute("SET synchronous_commit = off")
        since = time.time()
        while time.time() < since + BESIDE_SECONDS:
            connection.execute(statement)
        return since, time.time()


def backfill(url: str, _program: Program) -> tuple[float, float]:
    """The run `backfill-throughput`, expanded; since and until when batches were done, by `time.time()`."""
    batches: list[tuple[float, BatchDone]] = []

    def hear(event: Event) -> None:
        if isinstance(event, BatchDone):
            batches.append((time.time(), event))

    with Engine(url, emit=hear) as engine:
        engine.backfill("backfill-throughput")
    (first, batch), (last, _) = batches[0], batches[-1]
    return first - batch.duration_ms / 1000, last


def _expand(url: str, settings: str) -> Program:
    plan = parse_plan(PLAN.format(settings=settings), "backfill_throughput.yaml")
    with Engine(url) as engine:
        program = engine.explain(plan).program
        engine.expand(plan)
    with connect(url) as connection:
        connection.execute("CHECKPOINT")
    return program


def _p99(clients: Foreground, since: float, until: float) -> float:
    return percentile(clients.latencies_ms(since, until), 99)
