"""One run, two runners: one works and the other changes nothing, also where the first does not know that it lost."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import pytest

from crossfade.errors import CrossfadeError, LostLease, WrongState
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.long import few_of
from .mortals import (
    RUN,
    assert_each_row_updated_once,
    assert_nothing_left,
    assert_values_kept,
    dump_of_plain_rename,
    plan,
    prepare,
)
from .victims import label

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from crossfade.observe.events import Event

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

PATIENCE = 60.0
LEASE = (
    "locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
CONFIRMED = {"rollback": ("--confirm", RUN)}
LEDGER = ("runs", "phases", "steps", "backfills", "batches", "rejected_rows", "events", "evaluations", "passing")


class Suspended:
    """A runner in a thread that stands still at the first event with that beginning, until `go_on`."""

    def __init__(self, url: str, event: str) -> None:
        self.reached, self._may_go_on = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self._url, self._event = url, event
        self._thread = threading.Thread(target=self._work, name="suspended")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()

    def go_on(self) -> None:
        """Let it work, and wait for its end."""
        self._may_go_on.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _work(self) -> None:
        try:
            with Engine(self._url, emit=self._emit) as engine:
                engine.advance(RUN)
        except CrossfadeError as error:
            self.error = error

    def _emit(self, event: Event) -> None:
        if not self.reached.is_set() and label(event).startswith(self._event):
            self.reached.set()
            self._may_go_on.wait(PATIENCE)


def contents_of_the_ledger(database: Database) -> dict[str, Any]:
    tables = {
        t: f"SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY to_jsonb(t)), '[]') FROM crossfade.{t} t" for t in LEDGER
    }
    return {t: database.execute(query) for t, query in tables.items()}


def take_the_lease_away(database: Database) -> None:
    """End the session that holds it; the runner does not look at that session while it works."""
    ended = database.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE {LEASE}")
    assert ended == [(True,)]


@contextmanager
def reader_in_the_way(database: Database) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A transaction that has read the table and is still open."""
    reader = database.connect(application_name="nightly-report")
    reader.execute("SELECT count(*) FROM users")
    try:
        yield reader
    finally:
        reader.rollback()


@pytest.mark.parametrize("second", few_of(["expand", "advance", "rollback"], {"advance"}))
def test_of_two_runners_one_works_and_the_other_exits_5_and_changes_nothing(
    database: Database, cli: Cli, second: str
) -> None:
    prepare(database, 100, plan())
    with reader_in_the_way(database):
        first = cli.spawn("expand", RUN)
        wait_until(database, f"SELECT count(*) = 1 FROM pg_locks WHERE {LEASE}")
        wait_until(database, "SELECT count(*) = 1 FROM crossfade.steps")
        dump, ledger = database.dump(), contents_of_the_ledger(database)
        refused = cli(second, RUN, *CONFIRMED.get(second, ()), "--json")
        assert refused.code == 5, refused
        assert refused.json()["error"]["code"] == "lease_held"
        assert f"pid {first.pid}" in refused.json()["error"]["message"]
        assert (database.dump(), contents_of_the_ledger(database)) == (dump, ledger)
    assert first.wait(PATIENCE) == 0, first.communicate()
    assert cli("status", RUN, "--json").json()["state"] == State.EXPANDED


def wait_until(database: Database, query: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while database.execute(query) != [(True,)]:
        assert time.monotonic() < deadline, query
        time.sleep(0.05)


@pytest.mark.parametrize(
    "event",
    few_of(
        (
            "state_changed planned expanding",
            "step_started 1.rename_column/add",
            "step_done 1.rename_column/add",
            "batch_done",
            "step_started 1.rename_column/index/users_lower",
            "step_started 1.rename_column/analyze",
            "verified",
            "step_started 1.rename_column/hide",
            "state_changed retained dropping",
        ),
        {"step_started 1.rename_column/hide"},
    ),
)
def test_a_zombie_commits_nothing_once_another_runner_has_taken_over(database: Database, event: str) -> None:
    prepare(database, 500, plan())
    with Suspended(database.url, event) as zombie:
        assert zombie.reached.wait(PATIENCE)
        take_the_lease_away(database)
        with Engine(database.url) as successor:
            assert successor.advance(RUN).state is State.CONTRACTED
        dump, ledger = database.dump(), contents_of_the_ledger(database)
        zombie.go_on()
        assert isinstance(zombie.error, LostLease | WrongState), zombie.error
        assert (database.dump(), contents_of_the_ledger(database)) == (dump, ledger)
    assert dump == dump_of_plain_rename(database)
    assert_each_row_updated_once(database)
    assert_values_kept(database, "email_address")
    assert_nothing_left(database)


@pytest.mark.parametrize(
    "event",
    few_of(("state_changed planned expanding", "step_started 1.rename_column/add", "batch_done"), {"batch_done"}),
)
def test_a_zombie_commits_nothing_once_another_runner_has_rolled_back(database: Database, event: str) -> None:
    prepare(database, 500, plan())
    before = database.dump()
    with Suspended(database.url, event) as zombie:
        assert zombie.reached.wait(PATIENCE)
        take_the_lease_away(database)
        with Engine(database.url) as successor:
            assert successor.rollback(RUN).state is State.ROLLED_BACK
        ledger = contents_of_the_ledger(database)
        zombie.go_on()
        assert isinstance(zombie.error, LostLease | WrongState), zombie.error
        assert (database.dump(), contents_of_the_ledger(database)) == (before, ledger)
    assert_values_kept(database, "email")
    assert_nothing_left(database)
