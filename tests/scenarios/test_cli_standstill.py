"""What `status` says of a backfill that does not go on: closed hours, a run that was given up, a table that is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .users_table import fail, succeed

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

COUNT = """\
crossfade: 1
name: count
changes:
  - update_rows: {table: visits, set: {hits: hits + 1}}
backfill: {batch_rows: 10, max_rows: 10, SETTING}
"""
CLOSED = "blackout: 2020-01-01..2090-12-31"
UNTIL_LATER = "window: '00:00-24:00 UTC', blackout: 2020-01-01..2028-02-29"


def counting(cli: Cli, database: Database, setting: str = "workers: 1") -> Path:
    """A table of visits, and a plan that counts each of them up."""
    database.execute("CREATE TABLE visits (id int PRIMARY KEY, hits int NOT NULL DEFAULT 0)")
    database.execute("INSERT INTO visits SELECT generate_series(1, 100)")
    path = cli.directory / "count.yaml"
    path.write_text(COUNT.replace("SETTING", setting), encoding="utf-8")
    return path


def backfill_line(cli: Cli) -> str:
    (line,) = [x for x in succeed(cli, "status", "count").stdout.splitlines() if x.startswith("backfill:")]
    return line


def half_done(cli: Cli, database: Database) -> None:
    """Some batches are done; the others would be refused."""
    path = counting(cli, database)
    database.execute("ALTER TABLE visits ADD CONSTRAINT sound CHECK (id <> 7 OR hits = 0)")
    assert "1 row could not be migrated" in fail(cli, 1, "advance", path)


@pytest.mark.long
def test_closed_hours_are_named_before_the_first_batch_with_when_they_open(cli: Cli, database: Database) -> None:
    path = counting(cli, database, UNTIL_LATER)
    reason = "blackout 2020-01-01..2028-02-29 UTC until 2028-03-01 00:00 UTC"
    assert reason in fail(cli, 7, "advance", path)
    page = succeed(cli, "status", "count").stdout
    assert f"what stands in the way:\n  - {reason}\n" in page
    told = succeed(cli, "status", "count", "--json").json()["next"]
    assert told == {"action": "backfill", "command": "crossfade backfill count", "blocked_by": [reason]}
    succeed(cli, "tune", "count", "blackout=")
    succeed(cli, "tune", "count", "blackout=2020-01-01")
    assert succeed(cli, "status", "count", "--json").json()["next"]["blocked_by"] == []


@pytest.mark.long
def test_hours_do_not_stand_in_the_way_of_what_is_filled(cli: Cli, database: Database) -> None:
    """Of an expanded run they do; once every row is done, they do not."""
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'a')")
    path = cli.directory / "rename.yaml"
    path.write_text(
        "crossfade: 1\nname: count\nchanges:\n  - rename_column: {table: users, from: email, to: mail}\n"
        f"backfill: {{{CLOSED}}}\n"
    )
    succeed(cli, "expand", path)
    (reason,) = succeed(cli, "status", "count", "--json").json()["next"]["blocked_by"]
    assert reason.startswith("blackout 2020-01-01..2090-12-31 UTC")
    succeed(cli, "tune", "count", "blackout=2020-01-01")
    succeed(cli, "backfill", "count")
    database.execute("UPDATE crossfade.runs SET tuning = '{}', state = 'backfilling'")
    assert succeed(cli, "status", "count", "--json").json()["next"]["blocked_by"] == []


@pytest.mark.long
def test_a_run_that_was_cancelled_is_not_paused_nor_running_nor_done(cli: Cli, database: Database) -> None:
    half_done(cli, database)
    page = succeed(cli, "status", "count").stdout
    assert "1 row could not be migrated" in page
    succeed(cli, "pause", "count", "--reason", "lunch")
    succeed(cli, "cancel", "count")
    page = succeed(cli, "status", "count").stdout
    assert "paused" not in page
    assert "State: cancelled" in page
    assert "ETA: done" not in page
    assert backfill_line(cli).startswith("backfill: cancelled, ")
    told = succeed(cli, "status", "count", "--json").json()
    assert (told["paused"], told["phases"]["backfill"]["state"]) == (None, "cancelled")


@pytest.mark.long
def test_a_run_that_was_taken_back_while_it_was_held_is_not_paused(cli: Cli, database: Database) -> None:
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'a')")
    path = cli.directory / "rename.yaml"
    path.write_text(
        "crossfade: 1\nname: count\nchanges:\n  - rename_column: {table: users, from: email, to: mail}\n"
        f"backfill: {{{CLOSED}}}\n"
    )
    fail(cli, 7, "advance", path)
    succeed(cli, "pause", "count", "--reason", "lunch")
    succeed(cli, "rollback", "count", "--confirm", "count")
    told = succeed(cli, "status", "count", "--json").json()
    assert (told["state"], told["paused"], told["phases"]["backfill"]["state"]) == ("rolled_back", None, "undone")


@pytest.mark.alike
@pytest.mark.parametrize("what", ["DROP TABLE visits", "ALTER TABLE visits RENAME TO calls"])
def test_a_table_that_is_gone_is_said_in_one_sentence(cli: Cli, database: Database, what: str) -> None:
    half_done(cli, database)
    database.execute(what)
    for said in (fail(cli, 1, "advance", "count"), succeed(cli, "status", "count").stdout):
        assert 'relation "public.visits" does not exist (SQLSTATE 42P01)' in said
        assert "CONTEXT" not in said
