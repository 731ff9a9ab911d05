"""Eight workers on one table with a hit counter, and everything that can happen to them: each row is hit exactly once.

Workers are killed, their sessions ended, their connections cut exactly at COMMIT, and the server is restarted without a
checkpoint in the middle.
"""

from __future__ import annotations

import os
import time
from random import Random
from typing import TYPE_CHECKING

from crossfade.postgres.server import EmbeddedServer

from ..fixtures.command import Cli
from ..fixtures.commit_cutter import CommitCutter
from ..fixtures.database import fresh_database
from .crashes import Crashing

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from ..fixtures.database import Database

ROWS = int(os.environ.get("CROSSFADE_STRESS_ROWS", "3000000"))
WORKERS, KILLS, TERMINATIONS, CUTS = 8, 200, 50, 20
SECONDS = 1200
PLAN = """
crossfade: 1
name: count-hits
changes:
  - update_rows: {table: counted, set: {hits: hits + 1}}
backfill: {batch_rows: 500, max_rows: %d, workers: %d, nice: %s}
"""
END_ONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'crossfade' AND state <> 'idle' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
"""


class Workers:
    """Processes of `crossfade worker`; one that has died is replaced. The first one reaches the server by the proxy."""

    def __init__(self, cli: Cli, through_proxy: Cli) -> None:
        self._cli = cli
        self._through_proxy = through_proxy
        self._random = Random(4)
        self._processes: list[subprocess.Popen[str]] = [self._begin(n) for n in range(WORKERS)]

    def _begin(self, number: int) -> subprocess.Popen[str]:
        cli = self._cli if number else self._through_proxy
        return cli.spawn("worker", "--poll", "200ms", "--log-level", "error")

    def kill_one(self) -> None:
        number = self._random.randrange(1, WORKERS)
        self._replace(number)

    def _replace(self, number: int) -> None:
        self._processes[number].kill()
        self._processes[number].communicate()
        self._processes[number] = self._begin(number)

    def end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.communicate(timeout=60)


def state_of(database: Database) -> str:
    ((state,),) = database.execute("SELECT state FROM crossfade.runs")
    return str(state)


def write_plan(directory: Path, *, rows: int, workers: int = 1, nice: float = 0.5) -> Path:
    path = directory / "count.yaml"
    path.write_text(PLAN % (rows, workers, nice), encoding="utf-8")
    return path


def assert_each_row_was_hit_once(database: Database, rows: int) -> None:
    assert database.execute("SELECT hits, count(*) FROM counted GROUP BY hits") == [(1, rows)]
    assert database.execute(
        "SELECT sum(rows)::bigint, sum(covered)::bigint FROM crossfade.batches WHERE state = 'done'"
    ) == [(rows, rows)]
    assert database.execute("SELECT rows_done, rows_written FROM crossfade.backfills") == [(rows, rows)]
    assert database.execute("SELECT count(*) FROM crossfade.batches WHERE state <> 'done'") == [(0,)]


def make_table(database: Database, rows: int) -> None:
    database.execute("CREATE TABLE counted (id bigint PRIMARY KEY, hits int NOT NULL DEFAULT 0, pad text DEFAULT 'x')")
    database.execute("INSERT INTO counted (id) SELECT generate_series(1, %s)", [rows])


def test_every_row_is_hit_once_by_eight_workers_under_fire(
    tmp_path: Path, figure: Callable[[str, object], None]
) -> None:
    # So small that the table outlasts everything that is done to the workers.
    largest = max(50, ROWS // 4000)
    with EmbeddedServer(durable=True) as server, Crashing(server) as crashing, fresh_database(server) as database:
        make_table(database, ROWS)
        assert server.directory is not None
        with CommitCutter(str(server.directory / f".s.PGSQL.{server.port}")) as cutter:
            cli = Cli(database.url, tmp_path)
            proxied = Cli(server.url(database.name, host="127.0.0.1", port=cutter.port), tmp_path)
            done = cli("start", write_plan(tmp_path, rows=largest))
            assert done.code == 0, done
            workers = Workers(cli, proxied)
            starter = cli.spawn("backfill", "count-hits")
            random, kills, ended, cuts, restarted = Random(7), 0, 0, 0, False
            until = time.monotonic() + SECONDS
            while state_of(database) not in ("backfilled", "contracted"):
                assert time.monotonic() < until, database.execute("SELECT state, failed FROM crossfade.runs")
                # A worker drives the run on whose runner has lost its session; then that one says so, and goes.
                assert starter.poll() in (None, 0, 5), starter.communicate()
                time.sleep(random.uniform(0.0, 0.1))
                if kills < KILLS:
                    workers.kill_one()
                    kills += 1
                if ended < TERMINATIONS and kills % 4 == 0:
                    ended += len(database.execute(END_ONE))
                if cuts < CUTS and kills % 8 == 0:
                    cutter.cut()
                    cuts += 1
                if not restarted and kills >= KILLS // 2:
                    database.close()
                    crashing.restart_immediately()
                    restarted = True
            starter.communicate(timeout=120)
            workers.end()
        assert (kills, restarted) == (KILLS, True), "it was over too soon: give it more rows"
        assert ended >= TERMINATIONS
        assert cutter.cuts >= CUTS
        assert_each_row_was_hit_once(database, ROWS)
        database.close()
    figure("rows", ROWS)
    figure("kills", kills)
    figure("sessions ended", ended)
    figure("cut at COMMIT", cutter.cuts)
