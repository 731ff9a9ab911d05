"""What people get wrong when they steer a backfill: each is refused in words, with exit code 2, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .users_table import fail, succeed

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

COUNT = "crossfade: 1\nname: count\nchanges:\n  - update_rows: {table: visits, set: {hits: hits + 1}}\n"
PLAN = "crossfade: 1\nname: {}\nhold: 0s\nretain: 1h\nchanges:\n  - {}\n"
SCHEDULED = COUNT.replace("count", "hourly") + "schedule: {cron: '0 * * * *', zone: UTC}\n"


@pytest.fixture
def started(cli: Cli, database: Database) -> Cli:
    """The command, where a run `count` is planned."""
    database.execute("CREATE TABLE visits (id int PRIMARY KEY, hits int NOT NULL DEFAULT 0)")
    succeed(cli, "start", written(cli.directory, "count", COUNT))
    return cli


def written(directory: Path, name: str, text: str) -> Path:
    path = directory / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


NO_SETTINGS = (
    (["blackout=2026-13-01"], "is no date"),
    (["blackout=[2026-12-24, 2026-13-01]"], "is no date"),
    (["deadline=2026-13-01"], "expected a deadline"),
    (["deadline=2026-12-01T25:00:00Z"], "expected a deadline"),
    (["nice=1", "nice=2"], "nice is given twice"),
    (["nice=1", "nice="], "nice is given twice"),
    (["nice=!!int 1"], "nice: expected a number"),
    (["nice=-1"], "at least 0"),
    (["workers=1.5"], "workers: expected a whole number"),
)


@pytest.mark.long
def test_a_setting_that_is_none_is_refused_in_words(started: Cli, database: Database) -> None:
    for settings, said in NO_SETTINGS:
        told = fail(started, 2, "tune", "count", *settings)
        assert said in told
        assert "Traceback" not in told
        assert database.execute("SELECT tuning FROM crossfade.runs") == [({},)]


def test_a_setting_is_read_as_a_plan_would_read_it(started: Cli) -> None:
    told = succeed(
        started, "tune", "count", "blackout=[2026-12-24, 2026-12-31]", "nice=0.5", "workers=2", "--json"
    ).json()
    assert told["settings"]["blackout"] == ["2026-12-24 UTC", "2026-12-31 UTC"]
    assert (told["settings"]["nice"], told["settings"]["workers"]) == (0.5, 2)


@pytest.mark.long
@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_that_says_nothing_is_refused(started: Cli, database: Database, reason: str) -> None:
    succeed(started, "start", written(started.directory, "hourly", SCHEDULED))
    for command in (
        ["pause", "count"],
        ["cancel", "count"],
        ["brake", "on"],
        ["quarantine", "waive", "count", "--all"],
        ["pause", "hourly"],
        ["cancel", "hourly"],
    ):
        assert "the reason is empty" in fail(started, 2, *command, "--reason", reason), command
    assert database.execute("SELECT state, paused FROM crossfade.runs") == [("planned", None)]
    assert database.execute("SELECT paused, ended_at FROM crossfade.schedules") == [(None, None)]
    assert database.execute("SELECT is_on FROM crossfade.brake") == [(False,)]


@pytest.mark.long
def test_a_part_of_a_key_gives_no_row_up_and_the_whole_is_named(cli: Cli, database: Database) -> None:
    database.execute(
        "CREATE TABLE odd (a int, b int, n int NOT NULL CHECK (n < 5), PRIMARY KEY (a, b));"
        "INSERT INTO odd VALUES (1, 1, 4), (1, 2, 4), (2, 1, 1)"
    )
    text = "crossfade: 1\nname: odd\nchanges:\n  - update_rows: {table: odd, set: {n: n + 1}}\n"
    fail(cli, 1, "advance", written(cli.directory, "odd", text))
    told = fail(cli, 2, "quarantine", "waive", "odd", "--key", "a=1", "--reason", "x")
    assert "Give the whole key: of public.odd it has a, b." in told
    assert "Give the whole key" not in fail(cli, 2, "quarantine", "waive", "odd", "--key", "b=9,a=1", "--reason", "x")
    assert database.execute("SELECT state FROM crossfade.rejected_rows") == [("open",), ("open",)]
    succeed(cli, "quarantine", "waive", "odd", "--key", "b=2,a=1", "--reason", "odd indeed")
    assert database.execute("SELECT key ->> 'b' FROM crossfade.rejected_rows WHERE state = 'open'") == [("1",)]


@pytest.mark.long
def test_a_schedule_that_has_ended_is_ended_once(started: Cli) -> None:
    succeed(started, "start", written(started.directory, "hourly", SCHEDULED))
    for _ in range(2):
        assert succeed(started, "cancel", "hourly", "--reason", "enough", "--json").json()["state"] == "ended"
    events = succeed(started, "history", "hourly", "--json").json()["events"]
    assert [e["kind"] for e in events] == ["registered", "ended"]


@pytest.mark.long
def test_what_a_run_is_past_can_be_neither_approved_nor_cancelled(cli: Cli, database: Database) -> None:
    database.execute("CREATE TABLE visits (id int PRIMARY KEY, hits int)")
    change = "rename_column: {table: visits, from: hits, to: clicks}"
    succeed(cli, "expand", written(cli.directory, "past", PLAN.format("past", change)))
    assert "no gate of expand stands in front of it" in fail(
        cli, 5, "approve", "past", "--as", "eva", "--phase", "expand"
    )
    succeed(cli, "approve", "past", "--as", "eva", "--phase", "contract")
    assert "crossfade rollback past" in fail(cli, 5, "cancel", "past")
    succeed(cli, "backfill", "past")
    succeed(cli, "contract", "past", "--confirm", "past")
    assert "no gate stands in front of it" in fail(cli, 5, "approve", "past", "--as", "eva", "--phase", "contract")
    assert "crossfade revert past" in fail(cli, 5, "cancel", "past")
    comment = "set_comment: {table: visits, comment: Counted.}"
    succeed(cli, "advance", written(cli.directory, "over", PLAN.format("over", comment)))
    assert "nothing left to cancel" in fail(cli, 5, "cancel", "over")
