"""What an open connection's application_name says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.gates.sources.activity import Named, is_unnamed, may_be_cut, observe_sessions, parse_name
from crossfade.postgres.connect import connect

from .conftest import END_OTHERS

if TYPE_CHECKING:
    from ..fixtures.database import Database


@pytest.mark.parametrize(
    ("name", "app", "version", "instance"),
    [
        ("api@2.0.0", "api", "2.0.0", None),
        ("api@2.0.0/pod-7f9c", "api", "2.0.0", "pod-7f9c"),
        ("api@2.0.0-rc.1+build.5/pod", "api", "2.0.0-rc.1+build.5", "pod"),
        ("api@2.0.0 - 10.0.0.7:40112", "api", "2.0.0", None),
        ("api@2.0.0/pod-7f9c - 10.0.0.7:40112", "api", "2.0.0", "pod-7f9c"),
        ("api@2.0.0/a/b", "api", "2.0.0", "a/b"),
        ("api@2.0.0/", "api", "2.0.0", None),
        ("api@2.0.0\nmore", "api", "2.0.0", None),
        ("shop.api_v-1@4f2c91e", "shop.api_v-1", "4f2c91e", None),
        ("api@", "api", "", None),
        ("api@1@2", "api", "1@2", None),
    ],
)
def test_a_name_says_app_version_and_instance(name: str, app: str, version: str, instance: str | None) -> None:
    assert parse_name(name) == Named(app=app, version=version, instance=instance)


@pytest.mark.parametrize(
    "name",
    ["", "psql", "api", "@2.0.0", "my api@2.0.0", " api@2.0.0", "api 2.0.0", "PostgreSQL JDBC Driver", "- 10.0.0.7@x"],
)
def test_a_name_of_another_form_says_nothing(name: str) -> None:
    assert parse_name(name) is None


@pytest.mark.parametrize(
    ("app", "version", "cut"),
    [
        ("api", "2.0.0", False),
        ("api", "1" * 58, False),
        ("api", "1" * 59, True),
        ("a" * 61, "1", True),
        ("a" * 60, "1", False),
    ],
)
def test_a_version_that_fills_the_name_may_be_cut(app: str, version: str, cut: bool) -> None:
    assert may_be_cut(app, version) is cut


def test_only_a_connection_that_names_no_instance_is_unnamed() -> None:
    assert is_unnamed("pid 4711")
    assert not is_unnamed("pod-7f9c")


@pytest.mark.every_server
def test_the_sessions_of_apps_in_this_database_are_seen_until_they_end(shared: Database) -> None:
    long = "api@1.0.0-" + "x" * 80
    with connect(shared.url) as connection:
        apps = [shared.connect(application_name=name) for name in ("api@1.4.0/pod-a", "api@2.0.0", "psql", long)]
        shared.connect(application_name="elsewhere@1", dbname="postgres")
        found = {(s.app, s.version, s.instance) for s in observe_sessions(connection)}
        assert found == {
            ("api", "1.4.0", "pod-a"),
            ("api", "2.0.0", f"pid {apps[1].info.backend_pid}"),
            ("api", long[4:63], f"pid {apps[3].info.backend_pid}"),
        }
        cut = next(s for s in observe_sessions(connection) if s.version.startswith("1.0.0-"))
        assert may_be_cut(cut.app, cut.version)
        with connection.transaction():
            assert len(observe_sessions(connection)) == 3
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", [apps[0].info.backend_pid])
            # A look within a transaction is a fresh one all the same.
            assert len(observe_sessions(connection)) == 2
        connection.execute(END_OTHERS)
    shared.close()


def test_our_own_session_is_no_app(shared: Database) -> None:
    with connect(shared.url, application_name="api@1.0.0") as connection:
        assert observe_sessions(connection) == ()


def test_a_role_without_rights_sees_the_names_too(shared: Database) -> None:
    shared.execute("CREATE ROLE plain LOGIN")
    shared.connect(application_name="api@1.4.0/pod-a")
    with connect(shared.server.url(shared.name, user="plain")) as connection:
        (seen,) = observe_sessions(connection)
    shared.execute(END_OTHERS)
    shared.close()
    assert (seen.app, seen.version, seen.instance) == ("api", "1.4.0", "pod-a")
