"""A transaction holds the table that expand needs: it is named, nothing is changed, and the others go on."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import psycopg
import pytest

from crossfade.errors import LockNotAcquired
from crossfade.observe.events import LockWaited
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

RUN = "the-rename"
BLOCKER = "nightly-report"
SECONDS = 3.0
"""How long the table is held: long enough that attempts are made and spared."""
STATEMENTS = 20
"""What each client has to complete in that time; a hundred times as much is usual on an idle machine."""


def text_of_plan(give_up_after: str) -> str:
    return f"""
crossfade: 1
name: {RUN}
changes:
  - rename_column: {{table: users, from: email, to: email_address}}
locks: {{give_up_after: {give_up_after}}}
"""


def plan(give_up_after: str) -> Plan:
    return parse_plan(text_of_plan(give_up_after), "plan.yaml")


@pytest.fixture
def users(database: Database) -> Database:
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, logins int NOT NULL DEFAULT 0)")
    database.execute("INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 100) g")
    return database


@pytest.fixture
def blocker(users: Database) -> psycopg.Connection[tuple[object, ...]]:
    """A session that has read the table in a transaction that is still open."""
    connection = users.connect(application_name=BLOCKER)
    connection.execute("SELECT count(*) FROM users")
    return connection


class Foreground:
    """Clients that read and write the table by turns, each statement timed; a failing statement fails the test."""

    def __init__(self, database: Database, clients: int = 2) -> None:
        self._over = threading.Event()
        self._failure: Exception | None = None
        self._database = database
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(clients)]
        self._begun: list[float | None] = [None] * clients
        self._longest = [0.0] * clients
        self._done = [0] * clients

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    @property
    def done(self) -> tuple[int, ...]:
        """How many statements each client has completed."""
        return tuple(self._done)

    @property
    def longest_wait(self) -> float:
        """The seconds of the longest statement, one that still runs included."""
        now = time.monotonic()
        return max(*self._longest, *(now - begun for begun in self._begun if begun is not None), 0.0)

    def _work(self, client: int) -> None:
        statements = ("SELECT email FROM users WHERE id = %s", "UPDATE users SET logins = logins + 1 WHERE id = %s")
        try:
            with psycopg.connect(self._database.url, autocommit=True, application_name="foreground") as connection:
                while not self._over.wait(0.002):
                    begun = self._begun[client] = time.monotonic()
                    connection.execute(statements[self._done[client] % 2], [client + 1])
                    self._longest[client] = max(self._longest[client], time.monotonic() - begun)
                    self._begun[client] = None
                    self._done[client] += 1
        except Exception as error:  # noqa: BLE001 - raised again at the end of the block, in the test's own thread
            self._failure = error


@pytest.fixture
def foreground(users: Database, record_property: Callable[[str, object], None]) -> Iterator[Foreground]:
    """Clients beside the test. Their longest wait goes into the report; how long it is depends on the machine."""
    with Foreground(users) as clients:
        yield clients
        record_property("longest_wait_ms", round(clients.longest_wait * 1000, 1))


@contextmanager
def clients_go_on(clients: Foreground) -> Iterator[None]:
    """The block waits for a table that somebody holds. Fails if a client stood in the queue behind it all the time."""
    before, begun = clients.done, time.monotonic()
    yield
    seconds, after = time.monotonic() - begun, clients.done
    assert min(a - b for a, b in zip(after, before, strict=True)) >= STATEMENTS
    assert clients.longest_wait < seconds / 2


def test_expand_gives_up_with_exit_6_names_the_blocker_and_changes_nothing(
    users: Database, blocker: psycopg.Connection[object], cli: Cli, foreground: Foreground, tmp_path: Path
) -> None:
    (tmp_path / "plan.yaml").write_text(text_of_plan("2s"), encoding="utf-8")
    before = users.dump()
    with clients_go_on(foreground):
        refused = cli("expand", "plan.yaml", "--json")
    assert refused.code == 6, refused
    error = refused.json()["error"]
    assert error["code"] == "lock_timeout"
    assert f"pid {blocker.info.backend_pid}, {BLOCKER}" in error["message"]
    assert "public.users" in error["message"]
    assert error["hint"]
    # While it waited, it said for whom.
    assert f"pid {blocker.info.backend_pid}" in refused.stderr
    assert BLOCKER in refused.stderr
    assert users.dump() == before
    status = cli("status", RUN, "--json").json()
    assert status["failed"]["code"] == "lock_timeout"

    blocker.rollback()
    done = cli("expand", "plan.yaml", "--json")
    assert done.code == 0, done
    assert (done.json()["state"], done.json()["failed"]) == (State.EXPANDED, None)


def test_a_run_that_could_not_have_its_lock_is_rolled_back_without_it(
    users: Database, blocker: psycopg.Connection[object]
) -> None:
    before = users.dump()
    with Engine(users.url) as engine:
        with pytest.raises(LockNotAcquired):
            engine.expand(plan("300ms"))
        assert engine.rollback(RUN).state is State.ROLLED_BACK
    assert users.dump() == before


def test_expand_goes_on_by_itself_when_the_blocker_ends(
    users: Database, blocker: psycopg.Connection[object], foreground: Foreground
) -> None:
    waits: list[LockWaited] = []
    done: list[tuple[int, ...]] = []

    def listen(event: Event) -> None:
        if isinstance(event, LockWaited):
            waits.append(event)
            done.append(foreground.done)

    ending = threading.Timer(SECONDS, blocker.rollback)
    ending.start()
    with Engine(users.url, emit=listen) as engine, clients_go_on(foreground):
        assert engine.expand(plan("60s")).state is State.EXPANDED
    ending.join()
    for earlier, later in pairwise(done):
        assert all(a < b for a, b in zip(earlier, later, strict=True)), "a client stood still between two attempts"
    named = {(b.pid, b.application_name, b.relation) for w in waits for b in w.blockers}
    assert (blocker.info.backend_pid, BLOCKER, "public.users") in named
    assert [w.attempt for w in waits] == list(range(1, len(waits) + 1))
    [(waited,)] = users.execute("SELECT lock_wait_ms FROM crossfade.steps")
    assert waited >= waits[-1].waited_seconds * 1000


def test_a_wait_for_a_lock_ends_when_the_command_is_asked_to_stop(
    users: Database, blocker: psycopg.Connection[object]
) -> None:
    from crossfade.errors import Interrupted

    before = users.dump()
    with (
        Engine(users.url, emit=lambda event: engine.stop() if isinstance(event, LockWaited) else None) as engine,
        pytest.raises(Interrupted),
    ):
        engine.expand(plan("60s"))
    assert users.dump() == before
