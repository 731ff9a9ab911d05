"""How soon a batch makes way for somebody who waits for its rows: from the wait's beginning until the lock is had.

Each row of the table takes a while, so that one batch would go on for minutes. Another session wants a row that the
batch has locked; the plan's `max_blocked` is the default, 250 ms. The baseline is how long it would have waited without
that: to the batch's end, which the statement's time-out bounds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from crossfade import Engine
from crossfade.errors import Interrupted
from crossfade.plan.load import parse_plan

from .databases import connect, new_database
from .figures import Figure

NAME = "lock_waiter"
PLAN = """
crossfade: 1
name: slow-rows
changes:
  - update_rows: {table: slow, set: {n: n + 1}}
backfill: {batch_rows: 100000, target: 30s}
"""
TABLE = """
CREATE TABLE slow (id int PRIMARY KEY, n int NOT NULL);
INSERT INTO slow SELECT g, 0 FROM generate_series(1, 100000) g;
CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END $$;
CREATE TRIGGER take_time BEFORE UPDATE ON slow FOR EACH ROW EXECUTE FUNCTION take_time();
"""
AT_WORK = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'UPDATE ONLY%' AND state = 'active'"


def measure(server_url: str) -> Iterator[Figure]:
    """One wait, in milliseconds."""
    with new_database(server_url, "benchmark_waiter") as url, Engine(url) as engine:
        with connect(url) as connection:
            connection.execute(TABLE)
        plan = parse_plan(PLAN, "lock_waiter.yaml")
        engine.start(plan)
        working = threading.Thread(target=_work, args=[engine])
        working.start()
        with connect(url) as connection:
            while connection.execute(AT_WORK).fetchone() is None:
                time.sleep(0.01)
            time.sleep(0.5)
            begun = time.monotonic()
            connection.execute("UPDATE slow SET n = 7 WHERE id = 1")
            waited = time.monotonic() - begun
        engine.stop()
        working.join()
    yield Figure(
        benchmark=NAME,
        what="a statement that needs a row of a batch of minutes",
        unit="ms",
        figure=1000 * waited,
        baseline=1000 * 120,
    )


def _work(engine: Engine) -> None:
    try:
        engine.backfill("slow-rows")
    except Interrupted:
        return
