"""Five thousand instances that report themselves every ten seconds: what it costs the server, and that nothing grows.

`CROSSFADE_STRESS_SECONDS` is how long they do (ten minutes by default). Processor time is that of every process of the
server; a run with `SELECT 1` in the heartbeats' place says how much of it is the connection's, one with
`synchronous_commit=off` what waiting for the disk takes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, Self

import psycopg
import pytest

from crossfade import Engine
from crossfade.plan.load import parse_plan
from crossfade.postgres.server import EmbeddedServer

from ..fixtures.servers import every_installed
from .processor_time import processor_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processor time is read from /proc")

SECONDS = float(os.environ.get("CROSSFADE_STRESS_SECONDS", "600"))
BASELINE_SECONDS = min(SECONDS, 60.0)
INSTANCES, EVERY, CONNECTIONS = 5000, 10.0, 20
CONTRACTED, STALE = 300, 20_000
HEARTBEAT = "SELECT crossfade.heartbeat('api', '2.1.0', %s)"
PLAN = """
crossfade: 1
name: many
apps:
  api: {scheme: semver, new: ">=2.0.0", expect: 5000}
changes: [{rename_column: {table: users, from: email, to: address}}]
hold: 0s
"""
EARLIER_RUNS = """
INSERT INTO crossfade.runs (name, digest, plan, program, fences, state)
SELECT 'run-' || g, '', '{}', '{}', jsonb_build_object('api', jsonb_build_object(
    'scheme', 'semver', 'text', '>=1.' || g || '.0', 'order', '[]'::jsonb, 'prereleases', false,
    'comparators', jsonb_build_array(jsonb_build_array('>=', '1.' || g || '.0')))), 'dropping'
FROM generate_series(1, %s) g
"""
STALE_SIGHTINGS = """
INSERT INTO crossfade.sightings (app, version, instance, source, first_seen, last_seen)
SELECT 'api', '1.' || mod(g, 30) || '.0', 'gone-' || g, 'heartbeat', t, t
FROM generate_series(1, %s) g, LATERAL (SELECT now() - g * interval '1 min') AS seen (t)
"""
SIZES = "SELECT pg_table_size('crossfade.sightings'), pg_indexes_size('crossfade.sightings')"
WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8"


class Fleet:
    """Instances behind a few connections, each of which sends one statement at a time, at its due moment."""

    def __init__(self, url: str, statement: LiteralString, *, options: str = "") -> None:
        self.url, self.statement, self.options = url, statement, options
        self.sent = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(CONNECTIONS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def wait(self, seconds: float) -> None:
        """Let them go on for so long, or until one fails."""
        self._over.wait(seconds)

    def _run(self, number: int) -> None:
        try:
            self._send(number)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self._failure = error
            self._over.set()

    def _send(self, number: int) -> None:
        with psycopg.connect(self.url, autocommit=True, prepare_threshold=0, options=self.options) as connection:
            takes_name = "%s" in self.statement
            due = time.monotonic()
            while True:
                for instance in range(number, INSTANCES, CONNECTIONS):
                    if self._over.wait(max(0.0, due - time.monotonic())):
                        return
                    connection.execute(self.statement, [f"pod-{instance}"] if takes_name else None)
                    due += EVERY * CONNECTIONS / INSTANCES
                    with self._lock:
                        self.sent += 1


@pytest.fixture(params=every_installed(), ids=lambda choice: choice.label)
def durable(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    """A server that waits for the disk at every commit, as one in production does."""
    with EmbeddedServer(Path(request.param.value) if request.param.value else None, durable=True) as made:
        yield made


def share(server: EmbeddedServer, fleet: Fleet, seconds: float) -> tuple[float, float]:
    """Per cent of one core that the server used meanwhile, and microseconds for each statement."""
    before, sent, begun = processor_seconds(server.data_dir), fleet.sent, time.monotonic()
    fleet.wait(seconds)
    used, took = processor_seconds(server.data_dir) - before, time.monotonic() - begun
    return 100 * used / took, 1_000_000 * used / (fleet.sent - sent)


def prepare(url: str) -> None:
    """A run before contract, many that are behind it, and instances that are long gone."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE users (id int PRIMARY KEY, email text)")
        with Engine(url) as engine:
            plan = parse_plan(PLAN, "many.yaml")
            engine.expand(plan)
            engine.backfill(plan)
        connection.execute(EARLIER_RUNS, [CONTRACTED])
        for number in range(1, CONTRACTED + 1):
            connection.execute("UPDATE crossfade.runs SET state = 'contracted' WHERE name = %s", [f"run-{number}"])
        connection.execute(STALE_SIGHTINGS, [STALE])
        connection.execute("VACUUM ANALYZE crossfade.sightings")


def test_five_thousand_instances(durable: EmbeddedServer, figure: Callable[[str, object], None]) -> None:
    url = durable.url()
    prepare(url)
    with Fleet(url, "SELECT 1") as fleet:
        fleet.wait(5)
        alone, alone_each = share(durable, fleet, BASELINE_SECONDS)
    figure("SELECT 1 takes", f"{alone:.2f} % of a core ({alone_each:.0f} us each)")
    with psycopg.connect(url, autocommit=True) as look, Fleet(url, HEARTBEAT) as fleet:

        def one(query: LiteralString) -> Any:
            row = look.execute(query).fetchone()
            assert row is not None
            return row

        fleet.wait(max(EVERY * 2, 60 if SECONDS >= 120 else 0))  # each has come twice, and been vacuumed once
        at_first, (wal,) = one(SIZES), one(WRITTEN)
        sent = fleet.sent
        beating, each = share(durable, fleet, SECONDS)
        figure("heartbeats take", f"{beating:.2f} % of a core ({each:.0f} us each)")
        figure("WAL for each", f"{(one(WRITTEN)[0] - wal) / (fleet.sent - sent):.0f} bytes")
        at_the_end = one(SIZES)
        figure("table and indexes", f"{at_first} bytes after the first minute, {at_the_end} at the end")
        with Engine(url) as engine:
            begun = time.monotonic()
            gate = engine.gates("many").as_json()["gates"][0]
            figure("the gates answer in", f"{time.monotonic() - begun:.2f} s")
        assert gate["verdict"] == "PASS", gate["reason"]
        assert gate["evidence"]["live"][0]["sightings"] == INSTANCES
        assert gate["evidence"]["stale_sightings"] == STALE
    with Fleet(url, HEARTBEAT, options="-c synchronous_commit=off") as fleet:
        fleet.wait(EVERY)
        unsynced, unsynced_each = share(durable, fleet, BASELINE_SECONDS)
    figure("without waiting for the disk", f"{unsynced:.2f} % of a core ({unsynced_each:.0f} us each)")
    with psycopg.connect(url) as look:
        counted = look.execute("SELECT count(*) FROM crossfade.sightings WHERE version = '2.1.0'").fetchone()
        assert counted == (INSTANCES,)
    assert sum(at_the_end) <= 1.05 * sum(at_first), (at_first, at_the_end)
