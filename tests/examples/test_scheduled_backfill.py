"""The story of examples/scheduled-backfill, told by its own plan on a real server; SQL makes a night pass."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from ..fixtures.command import Cli, Outcome
    from ..fixtures.database import Database

EXAMPLE = Path(__file__).parents[2] / "examples" / "scheduled-backfill"
NAME = "purge-sessions"
WINDOW = "01:00-05:00 Europe/Paris"
NIGHT_PASSED = "UPDATE crossfade.schedules SET last_fire = clock_timestamp() - interval '1 day'"
WORKERS = {
    "crontab": r"(?<=^\* \* \* \* \* )crossfade .*(?= > /dev/null)",
    "crossfade-once.service": r"(?<=^ExecStart=/opt/crossfade/bin/).*",
    "crossfade-worker.service": r"(?<=^ExecStart=/opt/crossfade/bin/).*",
    "README.md": r"(?<=^\$ )crossfade .*worker.*",
}


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The example's plan, with a window that is open whenever the test runs."""
    text = (EXAMPLE / "plan.yaml").read_text(encoding="utf-8")
    assert text.count(WINDOW) == 1
    path = tmp_path / "plan.yaml"
    path.write_text(text.replace(WINDOW, "00:00-24:00 Europe/Paris"), encoding="utf-8")
    return path


@pytest.fixture
def sessions(database: Database) -> Database:
    """The test's database with the example's tables in it."""
    with psycopg.connect(database.url) as connection:
        connection.execute((EXAMPLE / "schema.sql").read_bytes())
    return database


def succeed(cli: Cli, *words: str | Path) -> Outcome:
    done = cli(*words)
    assert done.code == 0, done
    return done


def once(cli: Cli) -> Any:
    return succeed(cli, "worker", "--once", "--json").json()


@pytest.mark.long
def test_the_story(cli: Cli, sessions: Database, plan: Path) -> None:
    succeed(cli, "check", plan)
    succeed(cli, "start", plan)
    assert "It has not fired yet" in succeed(cli, "status", NAME).stdout
    assert once(cli)["fired"] == []
    sessions.execute(NIGHT_PASSED)
    [fired] = once(cli)["fired"]
    assert re.fullmatch(rf"{NAME}-\d{{8}}t\d{{4}}00z", fired["run"])
    assert sessions.execute("SELECT count(*), min(expires_at) > now() FROM sessions") == [(20_000, True)]
    assert sessions.execute("SELECT count(*), count(archived_at) FROM sessions_archive") == [(30_000, 30_000)]
    assert once(cli)["fired"] == []
    assert fired["run"] in succeed(cli, "status", NAME).stdout
    # The next night there is nothing to purge; that is a run too.
    by_hand = succeed(cli, "fire", NAME, "--json").json()["run"]
    once(cli)
    assert succeed(cli, "status", by_hand, "--json").json()["state"] == "contracted"
    assert sessions.execute("SELECT count(*) FROM sessions_archive") == [(30_000,)]
    succeed(cli, "cancel", NAME)
    sessions.execute(NIGHT_PASSED)
    assert once(cli)["fired"] == []


@pytest.mark.long
def test_outside_the_window_the_run_waits(cli: Cli, sessions: Database, plan: Path) -> None:
    [(ahead, later)] = sessions.execute(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 hour', 'HH24:MI'),"
        " to_char(now() AT TIME ZONE 'UTC' + interval '2 hours', 'HH24:MI')"
    )
    text = plan.read_text(encoding="utf-8").replace("00:00-24:00 Europe/Paris", f"{ahead}-{later} UTC")
    plan.write_text(text, encoding="utf-8")
    succeed(cli, "start", plan)
    sessions.execute(NIGHT_PASSED)
    [waiting] = once(cli)["waiting"]
    assert "outside the window" in waiting["reason"]
    assert sessions.execute("SELECT count(*) FROM sessions") == [(50_000,)]


@pytest.mark.parametrize("file", WORKERS)
def test_the_commands_in_the_files_are_ones_that_there_are(cli: Cli, file: str) -> None:
    lines = re.findall(rf"(?m){WORKERS[file]}", (EXAMPLE / file).read_text(encoding="utf-8"))
    assert lines
    for line in lines:
        command = line.split()[1:]
        assert "Usage: crossfade worker" in succeed(cli, *command, "--help").stdout


def test_the_cron_job_is_one(cli: Cli) -> None:
    job = YAML(typ="safe", pure=True).load((EXAMPLE / "cronjob.yaml").read_text(encoding="utf-8"))
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    program, *command = container["args"]
    assert program == "crossfade"
    assert "Usage: crossfade worker" in succeed(cli, *command, "--help").stdout
