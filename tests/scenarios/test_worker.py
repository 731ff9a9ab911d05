"""`crossfade worker` as processes: schedules fired once, work shared and taken over, rows hit exactly once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.postgres.server import EmbeddedServer

from ..fixtures.command import Cli
from ..fixtures.database import fresh_database
from ..fixtures.long import LONG
from ..stress.crashes import Crashing
from ..workflow.schedules import NAME, firings, hits, hourly_of, last_fired, make_table, plan_text
from .users_table import SECONDS, await_batches, await_line, await_that, fail, make_users, state, succeed, write_plan

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Process
    from ..fixtures.database import Database

SMALL = "backfill: {batch_rows: 20, max_rows: 20, min_rows: 20, target: 10ms}\n"
ROWS, DEATHS = (8000, 12) if LONG else (2500, 4)
"""How much the workers have to do, and how often one of them is killed meanwhile."""
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END';
CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slow();
"""
DOINGS = """
SELECT state, application_name, query FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
"""


def register(cli: Cli, **options: Any) -> Path:
    """Write the plan and start it, as a person does."""
    path = cli.directory / f"{options.get('name', NAME)}.yaml"
    path.write_text(plan_text(**options), encoding="utf-8")
    succeed(cli, "start", path)
    return path


def once(cli: Cli) -> Any:
    """The document of `worker --once`, which has to succeed."""
    return succeed(cli, "worker", "--once", "--json").json()


def over(database: Database, count: int = 1) -> bool:
    found = database.execute("SELECT count(*) FROM crossfade.runs WHERE state = 'contracted'")
    return found == [(count,)]


def stop(process: Process) -> tuple[str, str]:
    """SIGTERM, as systemd and Kubernetes send it; the worker ends in good order."""
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    return out, errors


@pytest.mark.long
def test_once_does_what_is_due_and_says_what_it_did(cli: Cli, database: Database) -> None:
    make_table(database)
    register(cli, cron=hourly_of(database))
    assert once(cli) == {"fired": [], "work": [], "waiting": [], "stopped": None}
    last_fired(database, "1 hour")
    document = once(cli)
    [fired], [piece] = document["fired"], document["work"]
    assert (fired["schedule"], fired["outcome"]) == (NAME, "started")
    assert (piece["run"], piece["task"], piece["outcome"]) == (fired["run"], "drive", "done")
    assert piece["batches"] > 0
    assert hits(database) == [(1, 50)]
    shown = succeed(cli, "status", NAME, "--json").json()
    assert [f["state"] for f in shown["firings"]] == ["contracted"]
    page = succeed(cli, "status", NAME).stdout
    assert fired["run"] in page
    assert NAME in succeed(cli, "status").stdout
    assert [e["kind"] for e in succeed(cli, "history", NAME, "--json").json()["events"]] == ["registered", "fired"]
    assert "Nothing else is due." in succeed(cli, "worker", "--once").stdout


@pytest.mark.long
def test_a_schedule_is_steered_by_its_name(cli: Cli, database: Database) -> None:
    make_table(database)
    path = register(cli, overlap="queue")
    assert "is a schedule" in fail(cli, 5, "backfill", NAME)
    assert f"crossfade fire {NAME}" in fail(cli, 2, "advance", path)
    succeed(cli, "pause", NAME, "--reason", "stocktaking")
    assert succeed(cli, "status", path, "--json").json()["paused"] == "stocktaking"
    succeed(cli, "resume", NAME)
    fired = succeed(cli, "fire", NAME, "--json").json()
    assert (fired["outcome"], state(cli, fired["run"])) == ("started", "planned")
    assert once(cli)["work"][0]["run"] == fired["run"]
    succeed(cli, "cancel", NAME, "--reason", "no longer")
    assert state(cli, NAME) == "ended"
    assert "ended" in fail(cli, 5, "fire", NAME)
    fail(cli, 2, "status", NAME, "--watch")


@pytest.mark.long
def test_two_schedulers_fire_every_time_once(cli: Cli, database: Database) -> None:
    make_table(database)
    for number in range(2):
        register(cli, name=f"s-{number}", cron=hourly_of(database), overlap="queue", catch_up="all")
        last_fired(database, "3 hours", f"s-{number}")
    with ThreadPoolExecutor(2) as pool:
        documents = list(pool.map(lambda _: once(cli), range(2)))
    fired = [(f["schedule"], f["fire_time"]) for d in documents for f in d["fired"]]
    assert len(fired) == len(set(fired)) == 6
    # One of them may have ended while the other was still at its last run.
    once(cli)
    assert over(database, 6)
    assert hits(database) == [(6, 50)]


CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
    int (*ask)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int answer = ask(id, at);
    if (id == CLOCK_REALTIME) at->tv_sec += OFF;
    return answer;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""
"""A library that lets a process see a clock that is off by so many seconds."""


def clock_off(directory: Path, seconds: int) -> dict[str, str]:
    """The environment of a command on a host whose clock is off."""
    if shutil.which("cc") is None:
        pytest.skip("a clock that is off needs a C compiler")
    library = directory / f"off{seconds}.so"
    compiler = ["cc", f"-DOFF=({seconds})", "-shared", "-fPIC", "-x", "c", "-", "-ldl", "-o", str(library)]
    subprocess.run(compiler, input=CLOCK, text=True, check=True)
    environment = {"LD_PRELOAD": str(library), "PYTHONUNBUFFERED": "1"}
    ask = [sys.executable, "-c", "import datetime; print(datetime.datetime.now().timestamp())"]
    said = subprocess.run(ask, env={**os.environ, **environment}, text=True, capture_output=True, check=True).stdout
    assert abs(float(said) - time.time() - seconds) < 600, "the clock of the command is not off"
    return environment


@pytest.mark.long
def test_a_hosts_clock_is_never_asked(cli: Cli, database: Database, tmp_path: Path) -> None:
    make_table(database)
    register(cli, cron=hourly_of(database), overlap="queue", catch_up="all")
    ahead, behind = clock_off(tmp_path, 7200), clock_off(tmp_path, -7200)
    for off in (ahead, behind) if LONG else (ahead,):
        done = cli("worker", "--once", "--json", env=off)
        assert (done.code, done.json()["fired"]) == (0, []), done
    last_fired(database, "2 hours")
    for off, count in ((behind, 2), (ahead, 0)) if LONG else ((behind, 2),):
        done = cli("worker", "--once", "--json", env=off)
        assert (done.code, len(done.json()["fired"])) == (0, count), done
    assert database.execute("SELECT bool_and(fire_time < clock_timestamp()) FROM crossfade.firings") == [(True,)]
    assert hits(database) == [(2, 50)]


@pytest.mark.long
def test_four_workers_and_many_deaths_hit_every_row_once(cli: Cli, database: Database) -> None:
    make_table(database, rows=ROWS)
    database.execute(SLOW)
    register(cli, extra=SMALL)
    succeed(cli, "fire", NAME)
    random, deaths = Random(5), 0
    command = ("worker", "--poll", "100ms")
    workers = [cli.spawn(*command) for _ in range(4)]
    await_batches(database, 4)
    names = "SELECT count(DISTINCT worker) > 1 FROM crossfade.batches"
    await_that(lambda: database.execute(names) == [(True,)], "nobody helped")
    until = time.monotonic() + SECONDS
    while not over(database):
        assert time.monotonic() < until, database.execute("SELECT name, state, failed FROM crossfade.runs")
        if deaths < DEATHS:
            victim = random.randrange(4)
            workers[victim].kill()
            workers[victim].communicate()
            workers[victim] = cli.spawn(*command)
            deaths += 1
        time.sleep(random.uniform(0.05, 0.3))
    assert deaths > 3, "it was over too soon: give it more rows"
    assert hits(database) == [(1, ROWS)]
    counted = "SELECT sum(rows), sum(covered) FROM crossfade.batches WHERE state = 'done'"
    assert database.execute(counted) == [(ROWS, ROWS)]
    assert database.execute("SELECT count(*) FROM crossfade.batches WHERE state <> 'done'") == [(0,)]
    # All four look on, and none holds anything open.
    assert database.execute(DOINGS) == []
    for worker in workers:
        stop(worker)
    left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    await_that(lambda: database.execute(left) == [(0,)], "sessions were left")


@pytest.mark.long
def test_a_helper_does_batches_of_a_run_that_a_person_drives(cli: Cli, database: Database) -> None:
    make_table(database, rows=2000)
    database.execute(SLOW)
    path = cli.directory / "once.yaml"
    path.write_text(plan_text(extra=SMALL).replace("schedule:", "# schedule:"), encoding="utf-8")
    succeed(cli, "init")
    person = cli.spawn("advance", path)
    await_batches(database, 2)
    helper = cli.spawn("worker", "--poll", "100ms", "--json")
    _, errors = person.communicate(timeout=SECONDS)
    assert person.returncode == 0, errors
    assert database.execute(DOINGS) == []
    out, _ = stop(helper)
    document = json.loads(out)
    # It may find the run free in the moment at which it is over, and nothing to do.
    batches = {task: sum(p["batches"] for p in document["work"] if p["task"] == task) for task in ("help", "drive")}
    assert batches["help"] > 0
    assert batches["drive"] == 0
    assert document["stopped"] == "interrupted"
    assert hits(database) == [(1, 2000)]


@pytest.mark.long
def test_a_worker_drives_on_what_a_dead_runner_left(cli: Cli, database: Database) -> None:
    make_users(database, rows=500)
    database.execute(SLOW.replace("ON t", "ON users"))
    succeed(cli, "expand", write_plan(cli.directory, SMALL))
    runner = cli.spawn("backfill", "users-email-address")
    await_batches(database)
    runner.kill()
    runner.communicate()
    document = once(cli)
    assert [p["outcome"] for p in document["work"]] == ["done"]
    assert state(cli) == "backfilled", "and no further: contract is for people and their gates"
    assert once(cli)["work"] == []


@pytest.mark.long
def test_a_stopped_worker_ends_after_its_batch_and_the_next_goes_on(cli: Cli, database: Database) -> None:
    make_table(database, rows=1000)
    database.execute(SLOW)
    register(cli, extra=SMALL)
    succeed(cli, "fire", NAME)
    worker = cli.spawn("worker", "--json")
    await_batches(database)
    out, _ = stop(worker)
    document = json.loads(out)
    assert [p["outcome"] for p in document["work"]] == ["stopped"]
    assert not over(database)
    done = cli("worker", "--once", "--max-duration", "300ms", "--json")
    assert done.code == 7, done
    assert done.json()["stopped"] == "--max-duration is reached"
    once(cli)
    assert hits(database) == [(1, 1000)]


@pytest.mark.long
def test_a_second_signal_cancels_the_batch_in_hand(cli: Cli, database: Database) -> None:
    make_table(database)
    database.execute(SLOW.replace("0.002", "CASE WHEN NEW.id = 1 THEN 600 ELSE 0 END"))
    register(cli)
    succeed(cli, "fire", NAME)
    worker = cli.spawn("worker")
    in_hand = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    await_that(lambda: database.execute(in_hand) == [(1,)], "no batch was begun")
    worker.send_signal(signal.SIGTERM)
    await_line(worker, "Stopping after what is in hand")
    worker.send_signal(signal.SIGTERM)
    _, errors = worker.communicate(timeout=SECONDS)
    assert worker.returncode == 130, errors
    assert "Traceback" not in errors
    await_that(lambda: database.execute(in_hand) == [(0,)], "the server went on with it")
    assert hits(database) == [(0, 50)]


@pytest.mark.long
def test_closed_hours_and_pauses_are_waited_for(cli: Cli, database: Database) -> None:
    make_table(database)
    [(ahead, later)] = database.execute(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 hours', 'HH24:MI'),"
        " to_char(now() AT TIME ZONE 'UTC' + interval '3 hours', 'HH24:MI')"
    )
    register(cli, extra=f"backfill: {{window: '{ahead}-{later} UTC'}}\n")
    run = succeed(cli, "fire", NAME, "--json").json()["run"]
    [waiting] = once(cli)["waiting"]
    assert waiting["run"] == run
    assert "outside the window" in waiting["reason"]
    succeed(cli, "tune", run, "window=00:00-24:00 UTC")
    succeed(cli, "pause", run, "--reason", "sale")
    assert once(cli)["waiting"] == [{"run": run, "reason": "paused: sale"}]
    assert hits(database) == [(0, 50)]
    succeed(cli, "resume", run)
    assert [p["outcome"] for p in once(cli)["work"]] == ["done"]


@pytest.mark.long
def test_a_run_that_fails_is_left_alone_for_a_while_and_holds_up_no_other(cli: Cli, database: Database) -> None:
    make_table(database)
    register(cli, name="bad")
    bad = succeed(cli, "fire", "bad", "--json").json()["run"]
    database.execute("ALTER TABLE t RENAME TO gone")
    database.execute("CREATE TABLE u AS SELECT * FROM gone; ALTER TABLE u ADD PRIMARY KEY (id)")
    good = cli.directory / "good.yaml"
    good.write_text(plan_text(name="good").replace("table: t", "table: u"), encoding="utf-8")
    succeed(cli, "start", good)
    succeed(cli, "fire", "good")
    done = cli("worker", "--once", "--json")
    assert done.code == 1, done
    assert {(p["run"].split("-")[0], p["outcome"]) for p in done.json()["work"]} == {
        ("bad", "failed"),
        ("good", "done"),
    }
    assert database.execute("SELECT DISTINCT hits FROM u") == [(1,)]
    assert succeed(cli, "status", bad, "--json").json()["failed"]["code"] == "preflight_refused"
    [waiting] = [w for w in done.json()["waiting"] if w["run"] == bad]
    assert "it is tried again at" in waiting["reason"]
    database.execute("ALTER TABLE gone RENAME TO t")
    succeed(cli, "pause", bad, "--reason", "the table is back")
    succeed(cli, "resume", bad)
    assert [p["outcome"] for p in once(cli)["work"]] == ["done"]


@pytest.mark.long
def test_refused_rows_wait_for_a_person(cli: Cli, database: Database) -> None:
    make_table(database)
    database.execute("ALTER TABLE t ADD CONSTRAINT poison CHECK (hits = 0 OR id <> 7)")
    register(cli)
    run = succeed(cli, "fire", NAME, "--json").json()["run"]
    assert cli("worker", "--once").code == 1
    [waiting] = once(cli)["waiting"]
    assert "crossfade quarantine list" in waiting["reason"]
    succeed(cli, "quarantine", "waive", run, "--reason", "it is a test row", "--all")
    await_that(lambda: once(cli)["work"] != [], "it was never tried again", pause=0.5)
    assert over(database)
    assert hits(database) == [(0, 1), (1, 49)]


@pytest.mark.long
def test_overlapping_times_queue_up(cli: Cli, database: Database) -> None:
    make_table(database)
    register(cli, cron=hourly_of(database), overlap="queue", catch_up="all")
    last_fired(database, "3 hours")
    document = once(cli)
    assert [p["outcome"] for p in document["work"]] == ["done"] * 3
    assert [p["run"] for p in document["work"]] == [f["run"] for f in document["fired"]]
    assert firings(database) == [("started", "contracted"), ("queued", "contracted"), ("queued", "contracted")]
    assert hits(database) == [(3, 50)]


@pytest.mark.long
def test_a_replaced_run_ends_after_its_batches_and_the_new_one_does_all(cli: Cli, database: Database) -> None:
    make_table(database, rows=1000)
    database.execute(SLOW)
    register(cli, overlap="replace", extra=SMALL)
    first = succeed(cli, "fire", NAME, "--json").json()["run"]
    workers = [cli.spawn("worker", "--poll", "100ms") for _ in range(2)]
    await_batches(database, 8)
    second = succeed(cli, "fire", NAME, "--json").json()
    assert second["outcome"] == "replaced"
    await_that(lambda: over(database), "the new run was not finished")
    assert [state(cli, run) for run in (first, second["run"])] == ["cancelled", "contracted"]
    counted = "SELECT min(hits), max(hits), sum(hits) = (SELECT sum(rows) FROM crossfade.batches) FROM t"
    assert database.execute(counted) == [(1, 2, True)]
    for worker in workers:
        stop(worker)


def test_without_a_ledger_it_says_what_to_do(cli: Cli, database: Database) -> None:
    assert "crossfade init" in fail(cli, 2, "worker", "--once")
    for poll in ("often", "1ms"):
        assert "--poll" in fail(cli, 2, "worker", "--poll", poll)


@pytest.fixture
def durable() -> Any:
    """A server of this test's own that keeps what it has committed."""
    with EmbeddedServer(durable=True) as server, Crashing(server) as crashing:
        yield crashing


@pytest.mark.long
def test_a_worker_survives_a_crash_of_the_server(durable: Crashing, tmp_path: Path) -> None:
    with fresh_database(durable.server) as database:
        cli = Cli(database.url, tmp_path)
        try:
            make_table(database, rows=1000)
            database.execute(SLOW)
            register(cli, extra=SMALL)
            succeed(cli, "fire", NAME)
            workers = [cli.spawn("worker", "--poll", "200ms") for _ in range(2)]
            at_work = "SELECT count(DISTINCT worker) FROM crossfade.batches"
            await_that(lambda: database.execute(at_work) == [(2,)], "one of them does nothing")
            durable.restart_immediately()
            await_that(lambda: over(database), "the run was not finished")
            with psycopg.connect(database.url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            succeed(cli, "fire", NAME)
            await_that(lambda: over(database, 2), "the next run was not finished")
            assert hits(database) == [(2, 1000)]
            for worker in workers:
                stop(worker)
        finally:
            cli.close()
