"""Eight workers on one table with a hit counter, and everything that can happen to them: each row is hit exactly once.

Workers are killed, their sessions ended, their connections cut exactly at COMMIT, and the server is restarted without a
checkpoint in the middle.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from crossfade.postgres.server import EmbeddedServer

from ..fixtures.command import Cli
from ..fixtures.commit_cutter import CommitCutter
from ..fixtures.database import fresh_database
from .crashes import Crashing
from .memory import GROWTH_MB, Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..fixtures.command import Process
    from ..fixtures.database import Database

ROWS = int(os.environ.get("CROSSFADE_STRESS_ROWS", "3000000"))
WORKERS, KILLS, TERMINATIONS, CUTS = 8, 200, 50, 20
SECONDS = 1200
PLAN = """
crossfade: 1
name: count-hits
changes:
  - update_rows: {table: counted, set: {hits: hits + 1}}
backfill: {batch_rows: %d, max_rows: %d, min_rows: 10, workers: %d, nice: %s}
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
        self._processes: list[Process] = [self._begin(n) for n in range(WORKERS)]

    def _begin(self, number: int) -> Process:
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
    path.write_text(PLAN % (rows, rows, workers, nice), encoding="utf-8")
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


def test_sixty_four_workers_at_once_hit_every_row_once(
    database: Database, cli: Cli, tmp_path: Path, figure: Callable[[str, object], None]
) -> None:
    rows = min(ROWS, 300_000)
    make_table(database, rows)
    begun = time.monotonic()
    done = cli("advance", write_plan(tmp_path, rows=200, workers=64, nice=0))
    assert done.code == 0, done
    figure("seconds", round(time.monotonic() - begun, 1))
    ((used,),) = database.execute("SELECT count(DISTINCT worker) FROM crossfade.batches")
    figure("workers that did batches", used)
    assert used > 32
    assert_each_row_was_hit_once(database, rows)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_ten_thousand_batches_leave_the_runners_memory_as_it_was(
    database: Database, cli: Cli, tmp_path: Path, figure: Callable[[str, object], None]
) -> None:
    make_table(database, 500_000)
    assert cli("start", write_plan(tmp_path, rows=50, nice=0)).code == 0
    process = cli.spawn("backfill", "count-hits")
    with Memory(process) as memory:
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    ((batches,),) = database.execute("SELECT count(*) FROM crossfade.batches")
    first, second = memory.halves
    figure("batches", batches)
    figure("RSS MB in the first half", round(first, 1))
    figure("RSS MB in the second", round(second, 1))
    assert batches >= 10_000
    assert second <= first + GROWTH_MB
    assert second < 150
    assert_each_row_was_hit_once(database, 500_000)


def test_as_many_rows_as_there_are_come_meanwhile_and_none_of_them_is_hit(
    database: Database, cli: Cli, tmp_path: Path, figure: Callable[[str, object], None]
) -> None:
    """Rows that come behind the last key, and between the others, are not of the work that was begun before them."""
    rows, coming = min(ROWS, 1_000_000), min(2 * ROWS, 5_000_000)
    database.execute("CREATE TABLE counted (id bigint PRIMARY KEY, hits int NOT NULL DEFAULT 0, old bool DEFAULT true)")
    database.execute("INSERT INTO counted (id) SELECT 10 * g FROM generate_series(1, %s) g", [rows])
    assert cli("start", write_plan(tmp_path, rows=500, nice=0.2)).code == 0
    working = cli.spawn("backfill", "count-hits")
    while database.execute("SELECT count(*) FROM crossfade.backfills") == [(0,)]:
        time.sleep(0.01)
    inserted = 0
    while inserted < coming:
        # One third behind the frontier or ahead of it inside the range, the rest behind its end.
        database.execute(
            "INSERT INTO counted (id, old) SELECT CASE g %% 3 WHEN 0 THEN -g ELSE 10 * %s + g END, false"
            " FROM generate_series(%s + 1, %s + 100000) g",
            [rows, inserted, inserted],
        )
        inserted += 100_000
        if working.poll() is not None:
            break
    _, said = working.communicate(timeout=SECONDS)
    assert working.returncode == 0, said
    figure("rows", rows)
    figure("inserted meanwhile", inserted)
    assert database.execute("SELECT hits, count(*) FROM counted WHERE old GROUP BY hits") == [(1, rows)]
    assert database.execute("SELECT count(*) FROM counted WHERE NOT old AND id > %s AND hits <> 0", [10 * rows]) == [
        (0,)
    ]


def test_one_poisoned_row_in_a_thousand_stops_no_other(
    database: Database, cli: Cli, tmp_path: Path, figure: Callable[[str, object], None]
) -> None:
    rows = min(ROWS, 1_000_000)
    make_table(database, rows)
    database.execute("ALTER TABLE counted ADD CONSTRAINT sound CHECK (id % 1000 <> 7 OR hits < 1) NOT VALID")
    begun = time.monotonic()
    done = cli("advance", write_plan(tmp_path, rows=50_000, workers=2, nice=0))
    figure("seconds", round(time.monotonic() - begun, 1))
    assert done.code == 1, done
    assert "so many" not in done.stderr, done
    poisoned = rows // 1000
    listed = json.loads(cli("quarantine", "list", "count-hits", "--json").stdout)["rows"]
    assert sorted(int(row["key"]["id"]) for row in listed) == list(range(7, rows, 1000))
    assert database.execute("SELECT hits, count(*) FROM counted GROUP BY hits ORDER BY 1") == [
        (0, poisoned),
        (1, rows - poisoned),
    ]
    assert cli("contract", "count-hits", "--confirm", "count-hits").code == 5
    database.execute("ALTER TABLE counted DROP CONSTRAINT sound")
    assert cli("quarantine", "retry", "count-hits").code == 0
    assert cli("advance", "count-hits").code == 0
    assert database.execute("SELECT hits, count(*) FROM counted GROUP BY hits") == [(1, rows)]
    figure("rows", rows)
