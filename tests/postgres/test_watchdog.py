"""Whichever way the owner of an embedded server ends, neither a process nor a directory stays behind."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ..fixtures.owner import eventually, gone, one_value, owner, python_of, told

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def test_kill_9_of_the_owner_leaves_neither_process_nor_directory(place: Path) -> None:
    with owner("tell(EmbeddedServer().start()); time.sleep(600)", place) as process:
        facts = told(process)
        assert one_value(facts["url"], "SELECT 1") == 1
        process.kill()
        eventually(lambda: gone(place, facts["pid"], facts["watchdog"]), "the server goes")


def test_kill_9_of_the_owner_counts_although_a_forked_child_lives_on(place: Path) -> None:
    program = """
server = EmbeddedServer().start()
child = os.fork()
if child == 0:
    os.close(1)
    time.sleep(600)
print(child, flush=True)
tell(server)
time.sleep(600)
"""
    with owner(program, place) as process:
        child = told(process)
        facts = told(process)
        process.kill()
        try:
            eventually(lambda: gone(place, facts["pid"], facts["watchdog"]), "the server goes")
        finally:
            os.kill(int(str(child)), signal.SIGKILL)


@pytest.mark.long
def test_kill_9_during_the_start_leaves_nothing(place: Path) -> None:
    for moment in ("initdb.log", "data/PG_VERSION", "data/postgresql.conf", "server.log"):
        with owner("EmbeddedServer().start(); time.sleep(600)", place) as process:
            eventually(lambda moment=moment: bool(list(place.glob(f"*/{moment}"))), moment)  # type: ignore[misc] # bound
            process.kill()
            eventually(lambda: gone(place), f"all goes that was there at {moment}")


@pytest.mark.long
def test_an_owner_that_just_ends_leaves_nothing(place: Path) -> None:
    with owner("tell(EmbeddedServer().start()); os._exit(0)", place) as process:
        facts = told(process)
        process.wait()
        eventually(lambda: gone(place, facts["pid"], facts["watchdog"]), "the server goes")


def test_a_forked_child_cannot_stop_the_server_of_its_parent(place: Path) -> None:
    program = """
server = EmbeddedServer().start()
child = os.fork()
if child == 0:
    server.stop()
    os._exit(0)
os.waitpid(child, 0)
tell(server)
time.sleep(600)
"""
    with owner(program, place) as process:
        assert one_value(told(process)["url"], "SELECT 1") == 1
    eventually(lambda: gone(place), "the server goes")


def test_ctrl_c_in_the_terminal_is_for_the_owner_alone(place: Path) -> None:
    program = "signal.signal(signal.SIGINT, signal.SIG_IGN); tell(EmbeddedServer().start()); time.sleep(600)"
    with owner(program, place, start_new_session=True) as process:
        facts = told(process)
        os.killpg(process.pid, signal.SIGINT)
        assert one_value(facts["url"], "SELECT 1") == 1
        assert os.getsid(facts["watchdog"]) != os.getsid(process.pid)
        assert os.getsid(facts["pid"]) != os.getsid(process.pid)
    eventually(lambda: gone(place), "the server goes")


@pytest.mark.parametrize(
    "program",
    [
        "server = EmbeddedServer().start(); server.detach(); tell(server)",
        pytest.param("with EmbeddedServer(keep=True) as server: tell(server)", marks=pytest.mark.long),
    ],
    ids=["detach", "keep"],
)
def test_a_detached_server_outlives_its_owner_until_the_stop_command(place: Path, program: str) -> None:
    with owner(program, place) as process:
        facts = told(process)
        assert process.wait() == 0
    try:
        time.sleep(1)  # longer than the watchdog takes to notice that its owner is gone
        assert one_value(facts["url"], "SELECT 1") == 1
    finally:
        subprocess.run(["sh", "-c", facts["stop"]], check=True)
    eventually(lambda: gone(place, facts["pid"], facts["watchdog"]), "the server goes")


@pytest.mark.long
def test_a_detached_server_that_was_stopped_by_hand_takes_its_directory_along(place: Path) -> None:
    with owner("server = EmbeddedServer().start(); server.detach(); tell(server)", place) as process:
        facts = told(process)
        process.wait()
    os.kill(facts["pid"], signal.SIGINT)
    eventually(lambda: gone(place, facts["pid"], facts["watchdog"]), "the directory goes")


@needs_root
def test_root_runs_the_server_as_somebody_else(place: Path) -> None:
    with owner("tell(EmbeddedServer().start()); time.sleep(600)", place) as process:
        facts = told(process)
        assert facts["uid"] == 0
        assert Path(facts["directory"], "data").stat().st_uid != 0
        if Path("/proc").is_dir():
            assert Path(f"/proc/{facts['pid']}").stat().st_uid != 0


@needs_root
def test_another_user_than_root_runs_it_directly(place: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    become: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    python = python_of(become)
    with owner("tell(EmbeddedServer().start()); time.sleep(600)", place, python=python, **become) as process:
        facts = told(process)
        assert facts["uid"] == nobody.pw_uid
        assert Path(facts["directory"], "data").stat().st_uid == nobody.pw_uid
        process.kill()
        eventually(lambda: gone(place, facts["pid"], facts["watchdog"]), "the server goes")
