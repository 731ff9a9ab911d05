"""The story of examples/rename-a-column, told by its own files while both apps are live; no statement fails."""

from __future__ import annotations

import difflib
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

EXAMPLE = Path(__file__).parents[2] / "examples" / "rename-a-column"
RUN = "users-email-address"
SHORTER = {"ttl: 60s": "ttl: 4s", "hold: 10m": "hold: 1s"}
"""The example's own times are for a team; the story is the same with these."""
SECONDS = 60.0


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The example's plan, with shorter times."""
    text = (EXAMPLE / "plan.yaml").read_text(encoding="utf-8")
    for written, shorter in SHORTER.items():
        assert text.count(written) == 1
        text = text.replace(written, shorter)
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def users(database: Database) -> Database:
    """The test's database with the example's table in it."""
    with psycopg.connect(database.url) as connection:
        connection.execute((EXAMPLE / "schema.sql").read_bytes())
    return database


@contextmanager
def served_by(database: Database, program: str, *instances: str) -> Iterator[None]:
    """Run instances of one of the two apps for the time of the block; none of their statements may fail."""
    command = [sys.executable, str(EXAMPLE / program), "--heartbeat", "0.5", "--instance"]
    environment = {**os.environ, "DATABASE_URL": database.url}
    running = [
        subprocess.Popen([*command, name], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in instances
    ]
    try:
        await_sightings(database, instances)
        yield
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        said = [process.communicate(timeout=SECONDS) for process in running]
    for process, (out, errors) in zip(running, said, strict=True):
        assert process.returncode == 0, errors
        assert ", 0 failed" in out


def await_sightings(database: Database, instances: tuple[str, ...]) -> None:
    until = time.monotonic() + SECONDS
    query = "SELECT DISTINCT instance FROM crossfade.sightings WHERE source = 'heartbeat'"
    while not {name for (name,) in database.execute(query)}.issuperset(instances):
        assert time.monotonic() < until, f"{instances} did not report themselves"
        time.sleep(0.1)


def state(cli: Cli) -> str:
    text: str = cli("status", RUN, "--json").json()["state"]
    return text


def columns(database: Database) -> list[str]:
    query = "SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped"
    return [name for (name,) in database.execute(query + " ORDER BY attnum")]


def test_the_two_apps_differ_in_the_version_and_the_columns_name_only() -> None:
    one, two = ((EXAMPLE / name).read_text(encoding="utf-8").splitlines() for name in ("api_v1.py", "api_v2.py"))
    added = [line[2:] for line in difflib.ndiff(one, two) if line.startswith("+ ")]
    told_apart = ("2.0.0", "email_address", "api_v2.py")
    assert [line for line in added if not any(word in line for word in told_apart)] == []


def test_the_story(cli: Cli, users: Database, plan: Path) -> None:
    for command in ("check", "explain"):
        done = cli(command, plan)
        assert done.code == 0, done
    assert cli("init").code == 0
    with served_by(users, "api_v1.py", "api-1", "api-2"):
        for phase, reached in (("start", "planned"), ("expand", "expanded"), ("backfill", "backfilled")):
            done = cli(phase, plan)
            assert done.code == 0, done
            assert state(cli) == reached
        with served_by(users, "api_v2.py", "api-3"):
            blocked = cli("contract", RUN, "--confirm", RUN)
            assert blocked.code == 3, blocked
            assert "1.4.0" in blocked.stderr
            assert "api-1" in blocked.stderr
            assert state(cli) == "backfilled"
    with served_by(users, "api_v2.py", "api-3", "api-4"):
        done = cli("contract", RUN, "--confirm", RUN, "--wait", "60s")
        # The plan retains the old data for a week, so there is work left.
        assert done.code in {0, 3}, done
        assert state(cli) == "retained"
    assert cli("revert", RUN, "--confirm", RUN).code == 0
    assert state(cli) == "backfilled"
    with served_by(users, "api_v1.py", "api-5"), served_by(users, "api_v2.py", "api-6"):
        pass
    done = cli("rollback", RUN, "--confirm", RUN)
    assert done.code == 0, done
    assert columns(users) == ["id", "email", "visits"]


@pytest.mark.long
def test_the_story_ends_as_plain_ddl_would(cli: Cli, users: Database, plan: Path) -> None:
    plan.write_text(plan.read_text(encoding="utf-8").replace("retain: 7d", "retain: 1s"), encoding="utf-8")
    before = users.dump()
    done = cli("advance", plan, "--to", "backfilled")
    assert done.code == 0, done
    with served_by(users, "api_v2.py", "api-1"):
        done = cli("contract", RUN, "--confirm", RUN, "--wait", "60s")
        assert done.code == 0, done
    assert state(cli) == "contracted"
    users.execute("ALTER TABLE users RENAME COLUMN email_address TO email")
    assert users.dump() == before
