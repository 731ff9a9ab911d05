"""Locks in slices: how long an attempt may take, whom it names, and what is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.errors import LockNotAcquired
from crossfade.postgres.connect import connect
from crossfade.postgres.locks import LockPolicy, blockers, in_slices, through_conflicts
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.server import EmbeddedServer
from crossfade.postgres.statement import Lock, LockMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crossfade.observe.events import Blocker

    from ..fixtures.database import Database

LOCKS = (Lock(relation="public.t", mode=LockMode.ACCESS_EXCLUSIVE),)
PATIENT, SHORT = LockPolicy(timeout=0.02, give_up_after=30.0), LockPolicy(timeout=0.02, give_up_after=0.6)


@pytest.fixture
def session(database: Database) -> Iterator[psycopg.Connection[Any]]:
    database.execute("CREATE TABLE t (id int)")
    with connect(database.url) as connection:
        yield connection


def nobody(_attempt: int, _seconds: float, _blockers: tuple[Blocker, ...]) -> None:
    return


def failing(*errors: psycopg.Error) -> tuple[Callable[[], None], list[int]]:
    """A body that fails so often, and how often it was called."""
    left, calls = list(errors), [0]

    def body() -> None:
        calls[0] += 1
        if left:
            raise left.pop(0)

    return body, calls


def test_who_holds_a_lock_in_the_way_is_named_once_and_nobody_else(
    database: Database, session: psycopg.Connection[Any]
) -> None:
    reader = database.connect(application_name="report@1.0")
    reader.execute("SELECT FROM t; SELECT FROM t WHERE id = 1")
    database.connect(application_name="elsewhere").execute("SELECT 1")
    [found] = blockers(session, LOCKS)
    assert (found.pid, found.application_name, found.state) == (
        reader.info.backend_pid,
        "report@1.0",
        "idle in transaction",
    )
    assert blockers(session, [Lock(relation="public.t", mode=LockMode.SHARE_UPDATE_EXCLUSIVE)]) == ()


def test_a_prepared_transaction_that_holds_a_lock_is_named() -> None:
    with (
        EmbeddedServer(settings={"max_prepared_transactions": 2}) as server,
        connect(server.url()) as own,
    ):
        own.execute("CREATE TABLE public.t (id int)")
        own.execute("BEGIN; INSERT INTO public.t VALUES (1); PREPARE TRANSACTION 'left open'")
        [found] = blockers(own, LOCKS)
    assert (found.application_name, found.state) == ("prepared transaction 'left open'", "prepared")


def test_the_body_runs_once_the_locks_are_held_and_its_failure_takes_it_back(
    database: Database, session: psycopg.Connection[Any]
) -> None:
    def body() -> None:
        session.execute("ALTER TABLE public.t ADD COLUMN extra int")
        held = session.execute("SELECT mode FROM pg_locks WHERE relation = 'public.t'::regclass AND granted").fetchall()
        assert ("AccessExclusiveLock",) in held
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_slices(session, LOCKS, PATIENT, body, what="the step", on_wait=nobody)
    assert database.execute("SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0") == [(1,)]


@pytest.mark.every_server
def test_a_view_is_locked_and_left_as_it_is_and_what_it_reads_besides_is_not_locked(
    database: Database, session: psycopg.Connection[Any]
) -> None:
    database.execute("CREATE TABLE other (id int); CREATE VIEW v AS SELECT t.id FROM t, other")
    before = database.dump()
    held: list[tuple[Any, ...]] = []

    def body() -> None:
        held.extend(
            session.execute(
                "SELECT relation::regclass::text, mode FROM pg_locks WHERE pid = pg_backend_pid() AND granted "
                "AND relation IN ('public.t'::regclass, 'public.v'::regclass, 'public.other'::regclass) ORDER BY 1"
            ).fetchall()
        )

    in_slices(session, LOCKS, PATIENT, body, what="the step", on_wait=nobody, views=[QualifiedName("public", "v")])
    assert held == [("public.t", "AccessExclusiveLock"), ("public.v", "AccessExclusiveLock")]
    assert database.dump() == before


def test_a_reader_of_the_view_is_named_where_it_is_in_the_way(
    database: Database, session: psycopg.Connection[Any]
) -> None:
    database.execute("CREATE VIEW v AS SELECT 1 AS id")
    database.connect(application_name="report@1.0").execute("SELECT FROM v")
    body, calls = failing()
    with pytest.raises(LockNotAcquired, match=r"the lock on public\.v could .* report@1\.0"):
        in_slices(session, (), SHORT, body, what="the step", on_wait=nobody, views=[QualifiedName("public", "v")])
    assert calls == [0]


def test_an_attempt_that_had_to_give_way_is_made_again(session: psycopg.Connection[Any]) -> None:
    body, calls = failing(psycopg.errors.DeadlockDetected("deadlock"), psycopg.errors.SerializationFailure("conflict"))
    assert in_slices(session, LOCKS, PATIENT, body, what="the step", on_wait=nobody).attempts == 3
    assert calls == [3]


def test_a_statement_that_takes_too_long_under_the_lock_is_no_reason_to_take_the_lock_again(
    session: psycopg.Connection[Any],
) -> None:
    policy = LockPolicy(timeout=0.02, give_up_after=30.0, statement=0.05)
    calls = []

    def body() -> None:
        calls.append(1)
        session.execute("SELECT pg_sleep(5)")

    with pytest.raises(psycopg.errors.QueryCanceled):
        in_slices(session, LOCKS, policy, body, what="the step", on_wait=nobody)
    assert calls == [1]


def test_giving_up_names_the_holder_and_the_step(database: Database, session: psycopg.Connection[Any]) -> None:
    reader = database.connect(application_name="report@1.0")
    reader.execute("SELECT FROM t")
    heard: list[tuple[Blocker, ...]] = []
    body, calls = failing()
    with pytest.raises(LockNotAcquired, match=r"the step: the lock on public\.t .* report@1\.0"):
        in_slices(session, LOCKS, SHORT, body, what="the step", on_wait=lambda _n, _s, who: heard.append(who))
    assert calls == [0]
    assert {b.pid for who in heard for b in who} == {reader.info.backend_pid}


def test_conflicts_outside_a_transaction_are_tried_five_times() -> None:
    body, calls = failing(*[psycopg.errors.DeadlockDetected("deadlock")] * 2)
    through_conflicts(body)
    assert calls == [3]
    with pytest.raises(psycopg.errors.UniqueViolation):
        through_conflicts(failing(psycopg.errors.UniqueViolation("twice"))[0])
