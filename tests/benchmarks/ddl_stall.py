"""The longest that a query waits because of DDL which has to wait for its lock.

A transaction reads the table and stays open for five seconds; meanwhile clients read single rows by key, and DDL wants
its lock: Engine.expand, or a plain ALTER TABLE … ADD COLUMN without a lock_timeout. The baseline of both is the longest
read behind the same transaction without DDL. Of several attempts the worst counts. A read waits either for an attempt
to be given up, or for the DDL itself once it has its lock; how long it holds that is shown too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from crossfade import Engine
from crossfade.observe.events import Event, StepDone
from crossfade.plan.load import parse_plan

from .databases import connect, new_database
from .figures import Figure, Goal
from .foreground import Foreground, foreground

NAME = "ddl_stall"
ROWS = 100_000
RATE = 400
"""Reads a second, over all clients."""
BLOCKED_SECONDS = 5.0
AFTERMATH_SECONDS = 0.5
"""Reads that were held up until the end of the DDL end a little after it."""

PLAN = """
crossfade: 1
name: ddl-stall
changes:
  - rename_column: {table: users, from: email, to: email_address}
"""
LOAD = (
    "CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, name text)",
    f"INSERT INTO users SELECT g, 'user' || g || '@example.org', 'Customer ' || g FROM generate_series(1, {ROWS}) g",
    "VACUUM ANALYZE users",
)
SCRIPT = f"""
\\set id random(1, {ROWS})
SELECT email, name FROM users WHERE id = :id;
"""


def measure(server_url: str, repetitions: int) -> Iterator[Figure]:
    """Crossfade's DDL, and plain DDL once."""
    with new_database(server_url, "benchmark_ddl_stall") as url, Engine(url) as engine:
        with connect(url) as connection:
            for statement in LOAD:
                connection.execute(statement)
        engine.init()
        without, ours, held = [], [], []
        with foreground(url, SCRIPT, rate=RATE) as clients:
            for _ in range(repetitions):
                without.append(_longest_ms(url, clients, lambda: None))
                ours.append(_longest_ms(url, clients, lambda: held.append(_expand(url))))
                engine.rollback("ddl-stall")
            plain = _longest_ms(url, clients, lambda: _add_column(url))
    yield _figure("longest read, Engine.expand waits", max(ours), max(without), Goal(of="figure", at_most=60))
    yield _figure("time that Engine.expand holds its lock", max(held), max(without), None)
    yield _figure("longest read, plain ALTER TABLE waits", plain, max(without), None)


def _figure(what: str, figure: float, baseline: float, goal: Goal | None) -> Figure:
    return Figure(benchmark=NAME, what=what, unit="ms", figure=figure, baseline=baseline, goal=goal)


def _longest_ms(url: str, clients: Foreground, ddl: Callable[[], object]) -> float:
    """The slowest read from the start of the blocking transaction until both it and the DDL are over."""
    since = time.time()
    with connect(url) as blocker, ThreadPoolExecutor(max_workers=1) as thread:
        with blocker.transaction():
            blocker.execute("SELECT FROM users LIMIT 1")
            waiting = thread.submit(ddl)
            time.sleep(BLOCKED_SECONDS)
        waiting.result()
    return max(clients.latencies_ms(since, time.time() + AFTERMATH_SECONDS))


def _expand(url: str) -> float:
    """For how many milliseconds the step had its lock."""
    steps: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, StepDone):
            steps.append(event.duration_ms)

    with Engine(url, emit=hear) as engine:
        engine.expand(parse_plan(PLAN, "ddl_stall.yaml"))
    return max(steps)


def _add_column(url: str) -> None:
    with connect(url) as connection:
        connection.execute("ALTER TABLE users ADD COLUMN email_address text")
