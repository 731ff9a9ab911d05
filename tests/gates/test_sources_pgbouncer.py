"""The source `pgbouncer` on the admin console of a real PgBouncer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import conninfo, pq

from crossfade.gates.sources.answer import Answer
from crossfade.gates.sources.pgbouncer import observe
from crossfade.plan.sources import PgbouncerClients

from ..fixtures.pgbouncer import pgbouncer
from .answering import Reply, answering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.database import Database

VARIABLE = "CROSSFADE_PGBOUNCER_URL"


@pytest.fixture(scope="module")
def pooler(shared: Database) -> Iterator[str]:
    with pgbouncer(shared, pool_mode="transaction") as url:
        yield url


@pytest.fixture
def console(pooler: str, monkeypatch: pytest.MonkeyPatch) -> str:
    url = conninfo.make_conninfo(pooler, dbname="pgbouncer", user="pgbouncer")
    monkeypatch.setenv(VARIABLE, url)
    return url


def asked(app: str = "api", **facts: str) -> Answer:
    return observe(app, PgbouncerClients.model_validate({"url_env": VARIABLE, "timeout": "30s", **facts}))


def client(url: str, name: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url, application_name=name, autocommit=True)


def test_clients_are_seen_by_their_names_though_no_connection_of_the_server_is_theirs(
    pooler: str, console: str
) -> None:
    names = ["api@1.4.0/pod-a", "api@2.0.0/pod-b", "worker@7/pod-c", "psql", "api@2.1.0-" + "x" * 80]
    clients = [client(pooler, name) for name in names]
    answer = asked()
    assert not answer.failures
    assert {(s.version, s.instance) for s in answer.seen if not s.version.startswith("2.1.0")} == {
        ("1.4.0", "pod-a"),
        ("2.0.0", "pod-b"),
    }
    assert [s.version for s in asked("worker").seen] == ["7"]
    # One that names no instance is one of a number that may all be the same.
    (long,) = (s for s in answer.seen if s.version.startswith("2.1.0"))
    assert long.instance.startswith("pid ")
    for each in clients:
        each.close()


def test_a_name_is_not_cut_by_pgbouncer(pooler: str, console: str) -> None:
    name = "api@2.1.0-" + "x" * 80
    with client(pooler, name):
        assert [s.version for s in asked().seen] == [name[4:]]


def test_only_clients_of_the_database_that_the_plan_names(pooler: str, console: str, shared: Database) -> None:
    with client(pooler, "api@1.4.0/pod-a"):
        assert [s.version for s in asked(database=shared.name).seen] == ["1.4.0"]
        assert asked(database="elsewhere") == Answer()


def test_names_of_another_form_are_read_by_a_pattern(pooler: str, console: str) -> None:
    with client(pooler, "shop:api:1.4.0"):
        assert asked() == Answer()
        (seen,) = asked(pattern=r"shop:(?P<app>\w+):(?P<version>[^:]+)").seen
    assert seen.version == "1.4.0"


def test_a_name_in_another_encoding_hides_nobody_else(pooler: str, console: str) -> None:
    names = [b"api@2.0.0/caf\xe9", b"caf\xe9"]
    others = [pq.PGconn.connect(pooler.encode() + b" application_name='" + name + b"'") for name in names]
    with client(pooler, "api@1.4.0/pod-a"):
        answer = asked()
    assert [other.status for other in others] == [pq.ConnStatus.OK] * 2
    for other in others:
        other.finish()
    assert not answer.failures
    assert {(s.version, s.instance) for s in answer.seen} == {("1.4.0", "pod-a"), ("2.0.0", "caf\ufffd")}


def test_without_the_variable_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert asked().failures == (f"the environment variable {VARIABLE} is not set; set it where crossfade runs",)


@pytest.mark.parametrize(
    "url",
    [
        "host=/tmp/nowhere-at-all dbname=pgbouncer user=pgbouncer password=s3cret",
        "postgresql://pgbouncer:s3cret@127.0.0.1:1/pgbouncer",
        "postgresql://s3cret@@@:x",
    ],
)
def test_a_console_that_cannot_be_had_is_a_failure_without_secrets(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, url)
    answer = asked()
    assert not answer.seen
    assert len(answer.failures) == 1
    assert VARIABLE in answer.failures[0]
    assert "s3cret" not in answer.failures[0]


def test_a_database_behind_it_is_not_the_console(pooler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, pooler)
    answer = asked()
    assert not answer.seen
    assert answer.failures[0].startswith(f"SHOW CLIENTS fails ({VARIABLE}): ")


@pytest.mark.long
def test_what_is_no_pgbouncer_at_all_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering() as web:
        web.replies = {"/": Reply(b"hello")}
        host, port = web.url.removeprefix("http://").split(":")
        monkeypatch.setenv(VARIABLE, f"host={host} port={port} dbname=pgbouncer user=pgbouncer sslmode=disable")
        answer = asked(timeout="2s")
    assert not answer.seen
    assert len(answer.failures) == 1
