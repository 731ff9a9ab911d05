"""The disk fills up under a backfill: it stops with a clear error, nothing is lost, and it goes on when there is space.

The table lives in a tablespace on a small file system, which only root can mount.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import StepFailed
from crossfade.observe.events import StepStarted
from crossfade.postgres.server import EmbeddedServer
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.command import Cli
from ..fixtures.database import Database, fresh_database
from ..scenarios.mortals import (
    RUN,
    SETUP,
    assert_each_row_updated_once,
    assert_nothing_left,
    assert_values_kept,
    plan,
    prepare,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crossfade.observe.events import Event

ROWS = 45_000
"""So few that a backfill does not vacuum: the table only grows."""
MEGABYTE = 2**20
LARGE = 400 * MEGABYTE
DISK_FULL = "53100"
INDEX = "1.rename_column/index/users_email"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system"),
    pytest.mark.skipif(shutil.which("mount") is None, reason="there is no program to mount a file system with"),
]


class Disk:
    """A file system of its own at a directory, whose size the test changes while it is used."""

    def __init__(self, directory: Path, owner: os.stat_result) -> None:
        directory.mkdir()
        self.directory = directory
        self._mount(f"size={LARGE},mode=700,uid={owner.st_uid},gid={owner.st_gid}")

    def _mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.directory)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")

    def leave(self, size: int) -> None:
        """Only so much is free from now on."""
        self._mount(f"remount,size={shutil.disk_usage(self.directory).used + size}")

    def grow(self) -> None:
        """Space again."""
        self._mount(f"remount,size={LARGE}")

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.directory)], check=True)


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    # Its own, since a tablespace is the whole server's. No autovacuum: only the test decides when space is free.
    with EmbeddedServer(settings={"autovacuum": "off"}) as running:
        yield running


@pytest.fixture
def disk(own_server: EmbeddedServer, place: Path) -> Iterator[Disk]:
    made = Disk(place / "disk", own_server.data_dir.stat())
    try:
        yield made
    finally:
        own_server.stop()
        made.unmount()


@pytest.fixture
def users(own_server: EmbeddedServer, disk: Disk) -> Iterator[Database]:
    """The table of users, on the disk; what is made later without saying where goes there too."""
    with fresh_database(own_server) as database:
        database.execute(f"CREATE TABLESPACE small LOCATION '{disk.directory}'")
        prepare(database, ROWS, plan())
        database.execute("ALTER TABLE users SET TABLESPACE small")
        database.execute(f"ALTER DATABASE {database.name} SET default_tablespace = small")
        yield database


@pytest.fixture
def command(users: Database, tmp_path: Path) -> Iterator[Cli]:
    made = Cli(users.url, tmp_path)
    yield made
    made.close()


def dump_of_plain_rename(database: Database) -> str:
    with fresh_database(database.server) as other:
        other.execute(SETUP)
        other.execute("ALTER TABLE users SET TABLESPACE small; ALTER TABLE users RENAME email TO email_address")
        return other.dump()


def assert_stopped_by_the_disk(command: Cli) -> None:
    stopped = command("backfill", RUN, "--json")
    assert stopped.code == 1, stopped
    error = stopped.json()["error"]
    assert error["code"] == "step_failed"
    assert DISK_FULL in error["message"]
    assert "No space left on device" in error["message"]
    assert "public.users" in error["message"]
    assert error["hint"]
    assert "Traceback" not in stopped.stderr
    status = command("status", RUN, "--json").json()
    assert (status["state"], status["failed"]["code"]) == (State.BACKFILLING, "step_failed")


def assert_contracted(users: Database) -> None:
    assert_each_row_updated_once(users)
    assert_values_kept(users, "email_address")
    assert users.dump() == dump_of_plain_rename(users)
    assert_nothing_left(users)


def test_a_backfill_stops_at_a_full_disk_and_goes_on_when_there_is_space(
    users: Database, disk: Disk, command: Cli
) -> None:
    assert command("expand", RUN).code == 0
    disk.leave(MEGABYTE)
    for _ in range(2):  # trying again without space does no harm
        assert_stopped_by_the_disk(command)
        assert_values_kept(users, "email")
    [(done,)] = users.execute("SELECT rows_done FROM crossfade.backfills")
    assert 0 < done < ROWS
    disk.grow()
    went_on = command("backfill", RUN, "--json")
    assert went_on.code == 0, went_on
    assert went_on.json()["failed"] is None
    assert command("contract", RUN, "--confirm", RUN).code == 0
    assert_contracted(users)


def test_a_backfill_that_met_a_full_disk_is_rolled_back_without_space(
    users: Database, disk: Disk, command: Cli
) -> None:
    before = users.dump()
    assert command("expand", RUN).code == 0
    disk.leave(MEGABYTE)
    assert_stopped_by_the_disk(command)
    rolled_back = command("rollback", RUN, "--confirm", RUN)
    assert rolled_back.code == 0, rolled_back
    assert_values_kept(users, "email")
    assert users.dump() == before
    assert_nothing_left(users)


def test_an_index_that_met_a_full_disk_is_built_again(users: Database, disk: Disk) -> None:
    def fill_up(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == INDEX and event.attempt == 1:
            disk.leave(MEGABYTE // 4)

    with Engine(users.url, emit=fill_up) as engine:
        engine.expand(RUN)
        with pytest.raises(StepFailed, match=r"index users_email.*No space left on device") as stopped:
            engine.backfill(RUN)
        assert stopped.value.sqlstate == DISK_FULL
        assert engine.status(RUN).state is State.BACKFILLING
        disk.grow()
        assert engine.advance(RUN).state is State.CONTRACTED
    assert_contracted(users)
