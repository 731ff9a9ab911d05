"""Procrastinate's workers on a real queue: killed, two at a time, many databases; every row is written exactly once."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import procrastinate as queue_library
import psycopg
import pytest

from crossfade.errors import UsageError
from crossfade.fleet.databases import Database as Place
from crossfade.fleet.procrastinate_tasks import tasks
from crossfade.fleet.slices import Slice, due_slices, takes_slot, work_slice
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine

from ..scenarios.users_table import await_batches, await_that
from ..workflow.schedules import NAME, hits, hourly_of, last_fired, make_table, plan_text
from .conftest import UNREACHABLE
from .servers import fresh_databases
from .workers import environment, jobs, procrastinate, tick, workers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..fixtures.database import Database
    from ..fixtures.servers import Server
    from .servers import Shops

ROWS = 1500
SMALL = "backfill: {batch_rows: 20, max_rows: 20, min_rows: 20, target: 10ms}\n"
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END';
CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slow();
"""
WHO = "SELECT count(DISTINCT worker) FROM crossfade.batches WHERE state = 'done'"


@pytest.fixture
def tables(server: Server) -> Iterator[Shops]:
    """Two databases with a table of counters and a schedule that is due, and one for the queue."""
    with fresh_databases(server, "a", "b", "queue") as made:
        for name in ("a", "b"):
            make_due(made[name])
        yield made


def make_due(database: Database, extra: str = SMALL) -> None:
    """A table, and a schedule whose time has come to count every row of it up."""
    make_table(database, ROWS)
    database.execute(SLOW)
    with Engine(database.url) as engine:
        engine.schedules.start(parse_plan(plan_text(cron=hourly_of(database), extra=extra), "plan.yaml"))
    last_fired(database, "1 hour")


def is_over(database: Database) -> bool:
    return database.execute("SELECT state FROM crossfade.runs") == [("contracted",)]


def place(database: Database, name: str = "a") -> Place:
    return Place(name=name, url=database.url)


def never() -> str | None:
    return None


@pytest.mark.long
def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(tables: Shops, tmp_path: Path) -> None:
    database, queue = tables["a"], tables["queue"]
    env = environment(tmp_path, queue, json.dumps({"a": database.url}), slots=1, seconds=20)
    procrastinate(env, "schema", "--apply")
    with workers(env) as made:
        first = made.start()
        await_batches(database, 5)
        first.kill()
        first.wait()
        assert ("doing", 1) in jobs(queue), "what it had in hand stays so in the queue"
        assert not is_over(database)
        made.start()
        tick(env)
        await_that(lambda: is_over(database), "nobody took it over")
    assert hits(database) == [(1, ROWS)]
    assert database.execute("SELECT sum(rows) FROM crossfade.batches WHERE state = 'done'") == [(ROWS,)]
    assert database.execute(WHO) == [(2,)]


@pytest.mark.long
def test_two_workers_share_runs_of_many_databases_in_slices(tables: Shops, tmp_path: Path) -> None:
    queue = tables["queue"]
    places = {"a": tables["a"].url, "b": tables["b"].url, "gone": UNREACHABLE}
    env = environment(tmp_path, queue, json.dumps(places), slots=2, seconds=1)
    procrastinate(env, "schema", "--apply")
    with workers(env) as made:
        made.start(concurrency=3)
        made.start(concurrency=3)
        for name in ("a", "b"):
            await_that(lambda name=name: is_over(tables[name]), "it was not brought to its end")  # type: ignore[misc]
    for name in ("a", "b"):
        assert hits(tables[name]) == [(1, ROWS)]
        assert tables[name].execute("SELECT sum(rows) FROM crossfade.batches") == [(ROWS,)]
    assert tables["a"].execute("SELECT count(*) FROM crossfade.firings") == [(1,)]
    statuses = dict(jobs(queue))
    assert "failed" not in statuses
    assert statuses["succeeded"] > 2, "a run takes more than one slice"
    written = queue.execute("SELECT args::text, lock FROM procrastinate_jobs")
    assert {lock for _, lock in written} == {None}
    assert not any("postgresql" in args or "s3cret" in args for args, _ in written)


def test_a_second_job_of_a_slot_finds_it_taken(tables: Shops) -> None:
    database = tables["a"]
    [due] = due_slices(place(database), 1)
    with database.connect(autocommit=True) as connection:
        ended = work_slice(place(database), due, seconds=0.5, asked_to_stop=never, emit=lambda _event: None)
        assert (ended.goes_on, ended.has_failed) == (True, False)
        hold_slot(connection, database, due.slot)
        again = work_slice(place(database), due, seconds=60, asked_to_stop=never, emit=lambda _event: None)
    assert (again.batches, again.reason) == (0, "another job has this slot")


def hold_slot(connection: psycopg.Connection[tuple[object, ...]], database: Database, slot: int) -> None:
    """Take the lock that a slice of the only run takes."""
    [(run_id,)] = database.execute("SELECT id FROM crossfade.runs")
    assert takes_slot(connection, run_id, slot)


@pytest.mark.long
def test_what_is_due_is_the_ledgers_to_say(tables: Shops) -> None:
    database = tables["a"]
    assert [(s.run.startswith(NAME), s.slot) for s in due_slices(place(database), 2)] == [(True, 0), (True, 1)]
    [(run,)] = database.execute("SELECT name FROM crossfade.runs")
    wanted = Slice(database="a", run=run, slot=0)
    assert wanted.queueing_lock == f"crossfade:a:{run}:0"
    with Engine(database.url) as engine:
        engine.pause(run, "wait")
    assert due_slices(place(database), 2) == ()
    paused = work_slice(place(database), wanted, seconds=60, asked_to_stop=never, emit=lambda _event: None)
    assert (paused.batches, paused.reason) == (0, "paused: wait")
    unknown = Slice(database="a", run="nobody", slot=0)
    nothing = work_slice(place(database), unknown, seconds=60, asked_to_stop=never, emit=lambda _event: None)
    assert (nothing.batches, nothing.goes_on) == (0, False)
    assert due_slices(place(tables["queue"]), 2) == (), "without a ledger nothing is due"


@pytest.mark.long
def test_a_slice_ends_when_its_job_is_aborted(tables: Shops) -> None:
    database = tables["a"]
    [due] = due_slices(place(database), 1)
    ended = work_slice(
        place(database), due, seconds=60, asked_to_stop=lambda: "the job is aborted", emit=lambda _event: None
    )
    assert (ended.reason, ended.goes_on) == ("the job is aborted", False)
    assert not is_over(database)


@pytest.mark.long
def test_a_run_that_fails_fails_its_slice(tables: Shops) -> None:
    database = tables["a"]
    database.execute("ALTER TABLE t ADD CHECK (hits < 1)")
    [due] = due_slices(place(database), 1)
    ended = work_slice(place(database), due, seconds=60, asked_to_stop=never, emit=lambda _event: None)
    assert ended.has_failed
    assert due_slices(place(database), 1) == (), "the ledger says when it is tried again"


def test_what_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    app = queue_library.App(connector=queue_library.PsycopgConnector())
    with pytest.raises(UsageError, match="slots"):
        tasks(app, "dbname=shop", slots=0)
    with pytest.raises(UsageError, match="lists no database"):
        tasks(app, [])
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    with pytest.raises(UsageError, match="extra `fleet`") as raised:
        tasks(app, "dbname=shop")
    assert raised.value.hint == "Install it: pip install 'crossfade[fleet]'"
