"""Data changes, refused rows and steering, through the command line: what a person sees, and what the rows become."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import pytest

from .users_table import (
    IN_SMALL_BATCHES,
    RUN,
    SLOW,
    await_batches,
    await_that,
    fail,
    make_users,
    state,
    succeed,
    values,
    write_plan,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

SOUND = "ALTER TABLE users ADD CONSTRAINT sound CHECK (id % 100 <> 7) NOT VALID"
"""Refuses every update of rows 7, 107, …"""
COUNT = "crossfade: 1\nname: count\nchanges:\n  - update_rows: {table: visits, set: {hits: hits + 1}}\n"
VISITS = "CREATE TABLE visits (id int PRIMARY KEY, hits int NOT NULL DEFAULT 0)"
SLOW_VISITS = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
CREATE TRIGGER a_slow BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION slow();
"""


def counting(cli: Cli, database: Database, *, rows: int = 300, extra: str = "") -> Path:
    """A table of visits, and a plan that counts each of them up."""
    database.execute(VISITS)
    database.execute("INSERT INTO visits SELECT generate_series(1, %s)", [rows])
    path = cli.directory / "count.yaml"
    path.write_text(COUNT + extra, encoding="utf-8")
    return path


def hits(database: Database) -> list[tuple[int, int]]:
    """How many visits were hit how often."""
    return [tuple(row) for row in database.execute("SELECT hits, count(*)::int FROM visits GROUP BY 1 ORDER BY 1")]


def moves(database: Database) -> bool:
    """Whether rows are written meanwhile; a batch takes a tenth of a second."""
    before = hits(database)
    time.sleep(0.5)
    return hits(database) != before


@pytest.mark.long
def test_a_change_of_data_is_done_by_one_command(cli: Cli, database: Database) -> None:
    plan = counting(cli, database)
    assert "hits + 1" in succeed(cli, "explain", plan).stdout
    done = succeed(cli, "advance", plan, "--json").json()
    assert done["state"] == "contracted"
    assert hits(database) == [(1, 300)]
    assert "contracted" in succeed(cli, "advance", plan).stdout
    assert hits(database) == [(1, 300)], "done is done"


@pytest.mark.long
def test_a_change_of_data_is_not_rolled_back_but_cancelled_and_its_name_is_free_then(
    cli: Cli, database: Database
) -> None:
    plan = counting(cli, database, extra="backfill: {batch_rows: 10, max_rows: 10}\n")
    database.execute(SLOW_VISITS)
    succeed(cli, "start", plan)
    working = cli.spawn("advance", plan)
    await_batches(database)
    assert "crossfade cancel count" in fail(cli, 5, "rollback", "count", "--confirm", "count")
    told = succeed(cli, "cancel", "count", "--reason", "wrong table", "--json").json()
    assert told["state"] == "cancelled"
    _, errors = working.communicate(timeout=60)
    assert working.returncode in (5, 7), errors
    assert "Traceback" not in errors
    ((written,),) = database.execute("SELECT sum(rows)::int FROM crossfade.batches WHERE state = 'done'")
    assert hits(database) == [(0, 300 - written), (1, written)]
    assert "wrong table" in succeed(cli, "history", "count").stdout
    assert "schema" in fail(cli, 5, "cancel", _renaming(cli, database))
    database.execute("DROP TRIGGER a_slow ON visits")
    succeed(cli, "advance", plan)
    assert hits(database) == [(1, 300 - written), (2, written)]


def _renaming(cli: Cli, database: Database) -> str:
    make_users(database)
    succeed(cli, "start", write_plan(cli.directory))
    return RUN


@pytest.mark.long
def test_refused_rows_are_listed_waived_or_tried_again_and_contract_waits_for_it(cli: Cli, database: Database) -> None:
    make_users(database, rows=400)
    people = values(database, "email")
    database.execute(SOUND)
    plan = write_plan(cli.directory, "backfill: {keep_row: true}\n")
    said = fail(cli, 1, "advance", plan, "--to", "backfilled")
    assert "4 rows could not be migrated" in said
    assert "crossfade quarantine list" in said
    left = [key for key, value in values(database, "email_address") if value is None]
    assert left == [7, 107, 207, 307], "all others are done"

    listed = succeed(cli, "quarantine", "list", RUN, "--json").json()["rows"]
    assert [row["key"] for row in listed] == [{"id": str(n)} for n in (7, 107, 207, 307)]
    assert {(row["table"], row["sqlstate"], row["constraint"], row["state"]) for row in listed} == {
        ("public.users", "23514", "sound", "open")
    }
    assert listed[0]["row"]["email"] == "user7@example.org"
    page = succeed(cli, "quarantine", "list", RUN).stdout
    assert all(word in page for word in ("id=107", "23514", "open"))

    assert "comes after backfilled" in fail(cli, 5, "contract", RUN, "--confirm", RUN)
    fail(cli, 1, "quarantine", "retry", RUN)
    assert state(cli) == "backfilling"

    assert "none was given up" in fail(cli, 2, "quarantine", "waive", RUN, "--key", "id=8", "--reason", "x")
    assert "--key" in fail(cli, 2, "quarantine", "waive", RUN, "--reason", "x")
    told = succeed(
        cli, "quarantine", "waive", RUN, "--key", "id=7", "--reason", "a test account", "--as", "ana", "--json"
    )
    assert told.json() == {"name": RUN, "waived": 1}
    database.execute("ALTER TABLE users DROP CONSTRAINT sound")
    succeed(cli, "quarantine", "retry", RUN)
    states = {
        r["key"]["id"]: r["state"] for r in succeed(cli, "quarantine", "list", RUN, "--all", "--json").json()["rows"]
    }
    assert states == {"7": "waived", "107": "resolved", "207": "resolved", "307": "resolved"}

    succeed(cli, "backfill", RUN)
    assert state(cli) == "backfilled"
    assert values(database, "email_address") == [(n, None if n == 7 else p) for n, p in people]
    assert "a test account" in succeed(cli, "history", RUN).stdout
    succeed(cli, "approve", RUN, "--phase", "contract", "--as", "ana")
    succeed(cli, "contract", RUN, "--confirm", RUN)
    assert state(cli) == "contracted"


@pytest.mark.long
def test_with_more_than_a_hundred_refused_rows_the_breaker_stops_it(cli: Cli, database: Database) -> None:
    make_users(database, rows=2000)
    database.execute("ALTER TABLE users ADD CONSTRAINT sound CHECK (id % 10 <> 7) NOT VALID")
    said = fail(cli, 1, "advance", write_plan(cli.directory, IN_SMALL_BATCHES), "--to", "backfilled")
    assert "the backfill stopped there, since they are so many" in said
    refused = succeed(cli, "quarantine", "list", RUN, "--json").json()["rows"]
    assert 100 < len(refused) < 200


@pytest.mark.long
def test_a_backfill_is_tuned_while_it_runs_from_another_process(cli: Cli, database: Database) -> None:
    plan = counting(cli, database, rows=400, extra="backfill: {batch_rows: 5, max_rows: 5, min_rows: 1}\n")
    database.execute(SLOW_VISITS)
    succeed(cli, "start", plan)
    working = cli.spawn("advance", plan)
    await_batches(database)
    told = succeed(cli, "tune", "count", "max_rows=50", "batch_rows=50", "target=10s", "workers=2", "--json")
    assert told.json()["settings"]["max_rows"] == 50
    assert told.json()["settings"]["target"] == "10s"
    assert "50" in succeed(cli, "tune", "count").stdout
    working.communicate(timeout=60)
    assert working.returncode == 0
    assert hits(database) == [(1, 400)]
    assert database.execute("SELECT max(covered) > 5, count(DISTINCT worker) FROM crossfade.batches") == [(True, 2)]
    (event,) = [e for e in succeed(cli, "history", "count", "--json").json()["events"] if e["kind"] == "tuned"]
    assert event["data"]["workers"] == {"from": 1, "to": 2}


NO_SETTINGS = {
    "max_row=5": "max_rows",
    "workers=0": "at least 1",
    "workers=many": "a whole number",
    "nice=-1": "at least 0",
    "max_replica_lag=5": "5s",
    "window=always": "window",
    "updated_at=touch": "there is no",
    "nice": "KEY=VALUE",
}


@pytest.mark.long
def test_what_a_plan_could_not_say_cannot_be_tuned(cli: Cli, database: Database) -> None:
    succeed(cli, "start", counting(cli, database, rows=1))
    for setting, said in NO_SETTINGS.items():
        assert said in fail(cli, 2, "tune", "count", setting)
        assert database.execute("SELECT tuning FROM crossfade.runs") == [({},)]


@pytest.mark.long
def test_a_setting_goes_back_to_the_plans(cli: Cli, database: Database) -> None:
    succeed(cli, "start", counting(cli, database, rows=1, extra="backfill: {nice: 2}\n"))
    assert succeed(cli, "tune", "count", "nice=0.5", "--json").json()["settings"]["nice"] == 0.5
    assert succeed(cli, "tune", "count", "nice=", "--json").json()["settings"]["nice"] == 2
    succeed(cli, "advance", "count")
    assert "its backfill is over" in fail(cli, 5, "tune", "count", "nice=1")


@pytest.mark.long
def test_the_brake_holds_every_backfill_and_is_shown_as_the_reason(cli: Cli, database: Database) -> None:
    plan = counting(cli, database, extra="backfill: {batch_rows: 10, max_rows: 10}\n")
    database.execute(SLOW_VISITS)
    succeed(cli, "start", plan)
    working = cli.spawn("advance", plan)
    await_batches(database)
    assert "--reason" in fail(cli, 2, "brake", "on")
    succeed(cli, "brake", "on", "--reason", "the replica is being rebuilt")

    def throttled() -> str | None:
        told = succeed(cli, "status", "count", "--json").json()["backfill"]["public.visits"]["throttled_by"]
        return None if told is None else str(told)

    await_that(lambda: "the replica is being rebuilt" in (throttled() or ""), "the brake is not shown")
    # The ledger shows it at once; the batch that is in hand is still done, and no other one begun.
    await_that(lambda: not moves(database), "batches are still begun")
    assert hits(database) != [(1, 300)]
    assert succeed(cli, "brake", "--json").json()["on"] is True
    succeed(cli, "brake", "off")
    working.communicate(timeout=60)
    assert working.returncode == 0
    assert hits(database) == [(1, 300)]
    kinds = {e["kind"] for e in succeed(cli, "history", "count", "--json").json()["events"]}
    assert {"braked", "throttled", "unthrottled", "brake_released"} <= kinds


@pytest.mark.long
def test_a_second_signal_cancels_the_batch_in_hand_and_nothing_is_lost(cli: Cli, database: Database) -> None:
    plan = counting(cli, database, rows=1000, extra="backfill: {batch_rows: 1000, workers: 2, target: 1m}\n")
    database.execute(SLOW_VISITS)
    succeed(cli, "start", plan)
    working = cli.spawn("advance", plan)
    at_work = "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'UPDATE ONLY%' AND state = 'active'"
    await_that(lambda: database.execute(at_work) == [(True,)], "no batch began")
    working.send_signal(signal.SIGINT)
    working.send_signal(signal.SIGTERM)
    _, errors = working.communicate(timeout=5)
    assert working.returncode == 130, errors
    assert "Traceback" not in errors
    assert database.execute(at_work) == [(False,)]
    assert hits(database) == [(0, 1000)]
    database.execute("DROP TRIGGER a_slow ON visits")
    succeed(cli, "advance", plan)
    assert hits(database) == [(1, 1000)]


def test_a_row_with_an_odd_key_is_named_by_json(cli: Cli, database: Database) -> None:
    database.execute("CREATE TABLE odd (k text PRIMARY KEY, n int NOT NULL CHECK (n < 5))")
    database.execute("INSERT INTO odd VALUES ('a=b, c', 4), ('plain', 1)")
    path = cli.directory / "odd.yaml"
    path.write_text("crossfade: 1\nname: odd\nchanges:\n  - update_rows: {table: odd, set: {n: n + 1}}\n")
    fail(cli, 1, "advance", path)
    key = json.dumps({"k": "a=b, c"})
    succeed(cli, "quarantine", "waive", "odd", "--key", key, "--reason", "odd indeed")
    succeed(cli, "advance", path)
    assert database.execute("SELECT n FROM odd ORDER BY k") == [(4,), (2,)]


@pytest.mark.long
def test_slow_rows_do_not_hold_up_the_command_for_looking(cli: Cli, database: Database) -> None:
    """Of a run that somebody drives, every question is answered from the ledger."""
    make_users(database, rows=300)
    database.execute(SLOW)
    succeed(cli, "expand", write_plan(cli.directory, IN_SMALL_BATCHES))
    working = cli.spawn("backfill", RUN)
    await_batches(database)
    for command in (["status", RUN], ["tune", RUN], ["quarantine", "list", RUN], ["brake"], ["history", RUN]):
        succeed(cli, *command)
    succeed(cli, "pause", RUN, "--reason", "lunch")
    _, errors = working.communicate(timeout=60)
    assert working.returncode == 7
    assert "paused: lunch" in errors
