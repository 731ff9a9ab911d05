"""How fast Engine.backfill fills a table, against one UPDATE of the whole table, and what a foreground feels of it.

One table is loaded, and each measurement gets a copy of its files, expanded by Engine.expand. The UPDATE has the
assignment and the skip predicate of the compiled program, and fires the same triggers. Backfill and UPDATE alternate.
Rows a second of the backfill are counted in two ways: over the rows phase, from the start of the first batch to the
end of the last, VACUUMs in between included; and over the whole of Engine.backfill, which also gathers statistics and
compares both sides of every row.

Under a foreground, the throughput is held against that of the UPDATE alone, and the foreground's p99 during the rows
phase against its p99 on the same table just before. A foreground transaction is a SELECT and an UPDATE by key, of
random rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from psycopg import sql

from crossfade import Engine
from crossfade.observe.events import BatchDone, Event
from crossfade.plan.load import parse_plan

from .databases import connect, new_database
from .figures import Figure, Goal
from .foreground import Foreground, foreground, percentile

NAME = "backfill_throughput"
RATE = 200
"""Transactions a second of the foreground."""
IDLE_SECONDS = 15.0

PLAN = """
crossfade: 1
name: backfill-throughput
changes:
  - rename_column: {table: users, from: email, to: email_address}
"""
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
    """One backfill: when its rows phase was, by `time.time()`, and how long all of it took."""

    since: float
    until: float
    seconds: float


def measure(server_url: str, rows: int, repetitions: int) -> Iterator[Figure]:
    """Alone first, then under a foreground."""
    with new_database(server_url, "benchmark_loaded") as loaded:
        with connect(loaded) as connection:
            connection.execute(TABLE)
            connection.execute(LOAD, [rows])
            connection.execute("VACUUM (FREEZE, ANALYZE) users")
        alone, updates = [], []
        for _ in range(repetitions):
            updates.append(_update(server_url))
            alone.append(_alone(server_url))
        speed = rows / median(updates)
        yield _throughput("backfill, rows phase, alone", rows / median(f.until - f.since for f in alone), speed, 1.0)
        yield _throughput("backfill, whole phase, alone", rows / median(f.seconds for f in alone), speed, None)
        yield from _beside_foreground(server_url, rows, repetitions, speed)


def _throughput(what: str, figure: float, baseline: float, least: float | None) -> Figure:
    goal = None if least is None else Goal(of="ratio", at_least=least)
    return Figure(benchmark=NAME, what=what, unit="rows/s", figure=figure, baseline=baseline, goal=goal)


def _beside_foreground(server_url: str, rows: int, repetitions: int, speed: float) -> Iterator[Figure]:
    filled, p99 = [], []
    for _ in range(repetitions):
        one, *latencies = _observed(server_url, rows)
        filled.append(one)
        p99.append(latencies)
    yield _throughput(
        "backfill, rows phase, with a foreground", rows / median(f.until - f.since for f in filled), speed, 0.75
    )
    # The pair with the median ratio, so that figure and baseline are of the same run.
    idle, during = sorted(p99, key=lambda pair: pair[1] / pair[0])[len(p99) // 2]
    goal = Goal(of="ratio", at_most=1.5)
    yield Figure(
        benchmark=NAME,
        what="p99 of the foreground, backfill against idle",
        unit="ms",
        figure=during,
        baseline=idle,
        goal=goal,
    )


def _update(server_url: str) -> float:
    """The seconds that the whole-table UPDATE takes."""
    plan = parse_plan(PLAN, "backfill_throughput.yaml")
    with new_database(server_url, "benchmark_update", template="benchmark_loaded") as url, Engine(url) as engine:
        (change,) = engine.explain(plan).program.rows
        engine.expand(plan)
        statement = sql.SQL("UPDATE users SET {} WHERE {}").format(sql.SQL(change.assignment), sql.SQL(change.pending))
        with connect(url) as connection:
            connection.execute("CHECKPOINT")
            begun = time.monotonic()
            connection.execute(statement)
            return time.monotonic() - begun


def _alone(server_url: str) -> Filled:
    with new_database(server_url, "benchmark_backfill", template="benchmark_loaded") as url:
        _expand(url)
        return _fill(url)


def _observed(server_url: str, rows: int) -> tuple[Filled, float, float]:
    """A backfill under a foreground, whose p99 in milliseconds is given before and during it."""
    with new_database(server_url, "benchmark_backfill", template="benchmark_loaded") as url:
        _expand(url)
        with foreground(url, SCRIPT.format(rows=rows), rate=RATE) as clients:
            since = time.time()
            time.sleep(IDLE_SECONDS)
            idle = _p99(clients, since, time.time())
            filled = _fill(url)
            return filled, idle, _p99(clients, filled.since, filled.until)


def _p99(clients: Foreground, since: float, until: float) -> float:
    return percentile(clients.latencies_ms(since, until), 99)


def _expand(url: str) -> None:
    with Engine(url) as engine:
        engine.expand(parse_plan(PLAN, "backfill_throughput.yaml"))
    with connect(url) as connection:
        connection.execute("CHECKPOINT")


def _fill(url: str) -> Filled:
    batches: list[tuple[float, BatchDone]] = []

    def hear(event: Event) -> None:
        if isinstance(event, BatchDone):
            batches.append((time.time(), event))

    begun = time.monotonic()
    with Engine(url, emit=hear) as engine:
        engine.backfill("backfill-throughput")
    (first, batch), (last, _) = batches[0], batches[-1]
    return Filled(since=first - batch.duration_ms / 1000, until=last, seconds=time.monotonic() - begun)
