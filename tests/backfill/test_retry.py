"""What is tried again, how often, with how much less to do, and on which connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.backfill import retry
from crossfade.backfill.retry import Attempt, Link, Passing, passing
from crossfade.errors import DatabaseRefused, DatabaseUnreachable, WorkLeft
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..fixtures.database import Database

WHERE = QualifiedName("app", "t")


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("55P03", Passing.LOCK),
        ("40P01", Passing.CONFLICT),
        ("40001", Passing.CONFLICT),
        ("57014", Passing.TIMEOUT),
        ("08000", Passing.CONNECTION),
        ("08006", Passing.CONNECTION),
        ("57P01", Passing.CONNECTION),
        ("57P02", Passing.CONNECTION),
        ("57P03", Passing.CONNECTION),
        ("53300", Passing.CONNECTION),
        ("23505", None),
        ("22001", None),
        ("42501", None),
        ("42P01", None),
        ("25006", Passing.CONNECTION),
        ("53100", Passing.DISK),
        ("55006", None),
        ("0A000", None),
        ("P0001", None),
        ("XX000", None),
    ],
)
def test_a_sqlstate_passes_by_itself_or_not(sqlstate: str, kind: Passing | None) -> None:
    assert passing(psycopg.errors.lookup(sqlstate)()) is kind


def test_without_a_sqlstate_it_is_the_connection_or_a_mistake_of_ours() -> None:
    assert passing(psycopg.OperationalError("server closed the connection unexpectedly")) is Passing.CONNECTION
    assert passing(psycopg.ProgrammingError("the query has 0 placeholders")) is None
    assert passing(psycopg.InterfaceError("cursor closed")) is None
    assert passing(DatabaseUnreachable("no connection")) is Passing.CONNECTION
    assert passing(DatabaseRefused("no", sqlstate="08006")) is None
    assert passing(KeyError("a bug")) is None
    assert passing(None) is None


class Links:
    """Links to the shared database, without long waits, and what they told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.told: list[tuple[Passing, str]] = []
        self.connections: list[psycopg.Connection[Any]] = []

    def _connect(self) -> psycopg.Connection[Any]:
        self.connections.append(connect(self.database.url))
        return self.connections[-1]

    def link(self, go_on: Callable[[], None] = lambda: None) -> Link:
        def tell(_link: Link, kind: Passing, message: str) -> None:
            self.told.append((kind, message))

        return Link(self._connect, go_on=go_on, tell=tell, where=WHERE)


@pytest.fixture
def links(shared: Database, monkeypatch: pytest.MonkeyPatch) -> Links:
    monkeypatch.setattr(retry, "_wait", lambda _state: 0.001)
    return Links(shared)


RAISE = "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '{}'; END $$"


SLOW = "SET statement_timeout = '1ms'; SELECT pg_sleep(60)"


def attempts(links: Links, sqlstate: str, statement: str = RAISE) -> list[Attempt]:
    """What is asked of a unit of work that fails always with this SQLSTATE."""
    seen: list[Attempt] = []

    def work(connection: psycopg.Connection[Any], attempt: Attempt) -> None:
        seen.append(attempt)
        connection.execute(statement.format(sqlstate).encode())

    with links.link() as link, pytest.raises(psycopg.Error) as failed:
        link.run(work)
    assert failed.value.sqlstate == sqlstate
    return seen


def test_a_conflict_is_tried_five_times_with_less_to_do_from_the_third_failure_on(links: Links) -> None:
    seen = attempts(links, "40P01")
    assert [(a.number, a.divisor) for a in seen] == [(1, 1), (2, 1), (3, 1), (4, 2), (5, 4)]
    assert [kind for kind, _ in links.told] == [Passing.CONFLICT] * 4
    assert len(links.connections) == 1


def test_a_time_out_is_tried_five_times_with_a_quarter_each_time(links: Links) -> None:
    assert [a.divisor for a in attempts(links, "57014", SLOW)] == [1, 4, 16, 64, 256]


def test_what_cannot_pass_is_tried_once(links: Links) -> None:
    assert attempts(links, "23505") == [Attempt(number=1, divisor=1)]
    assert links.told == []


def test_a_lock_is_tried_for_as_long_as_there_is_patience(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.1)
    assert len(attempts(links, "55P03")) > retry.ATTEMPTS
    assert len(links.connections) == 1


def test_each_failure_is_told_with_its_number_and_the_servers_words(links: Links) -> None:
    attempts(links, "40001")
    numbers = [message.partition(": ")[0] for _, message in links.told]
    assert numbers == [f"attempt {n}" for n in range(1, 5)]
    assert all(": again; tried again in 0.0 s" in message for _, message in links.told)


def test_a_lost_connection_is_made_anew_and_the_work_done(links: Links) -> None:
    def work(connection: psycopg.Connection[Any], attempt: Attempt) -> int:
        if attempt.number < 3:
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        connection.execute("SELECT")
        return attempt.number

    with links.link() as link:
        assert link.run(work) == 3
    assert [kind for kind, _ in links.told] == [Passing.CONNECTION] * 2
    assert len(links.connections) == 3
    assert all(connection.closed for connection in links.connections)


def test_one_connection_serves_every_unit_and_hides_no_rows(links: Links) -> None:
    with links.link() as link:
        pids = {link.run(lambda c, _: c.info.backend_pid) for _ in range(3)}
        settings = link.run(
            lambda c, _: c.execute(
                "SELECT current_setting('enable_seqscan'), current_setting('row_security')"
            ).fetchone()
        )
    assert len(pids) == 1
    assert settings == ("off", "off")


def test_before_each_attempt_it_is_asked_whether_to_go_on(links: Links) -> None:
    asked: list[None] = []

    def go_on() -> None:
        asked.append(None)
        if links.told:
            raise WorkLeft("Ctrl-C")

    with links.link(go_on) as link:
        with pytest.raises(WorkLeft):
            link.run(lambda c, _: c.execute(RAISE.format("40001").encode()))
        assert len(links.told) == 1
    assert len(asked) >= 2
