"""The outbox: each notification is written once, taken by one, and sent again only where nobody noted its end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from crossfade.notify import outbox
from crossfade.notify.facts import Fact, read_facts
from crossfade.notify.sending import Outcome
from crossfade.plan.notify import Webhook
from crossfade.postgres.connect import connect

from .runs import Runs

if TYPE_CHECKING:
    from crossfade.notify.outbox import Notification

TARGET, OTHER = Webhook(url="https://h/s3cret"), Webhook(url_env="HOOK")
HOUR = 3600.0


@pytest.fixture
def fact(runs: Runs) -> Fact:
    """A run whose expand is done."""
    run = runs.add("users-email", [{"webhook": {"url_env": "HOOK"}}])
    runs.move(run, "expanding", "expanded")
    (found,) = read_facts(runs.connection, ())
    return found


def take(runs: Runs, *targets: Webhook, seconds: float = HOUR) -> Notification | None:
    return outbox.take(runs.connection, [t.key for t in targets or (TARGET,)], seconds=seconds)


def test_a_fact_is_written_once_for_each_target_without_its_address(runs: Runs, fact: Fact) -> None:
    assert not outbox.has_unsent(runs.connection)
    for target in (TARGET, TARGET, OTHER, TARGET):
        outbox.add(runs.connection, fact, target)
    assert runs.outbox() == [("phase_finished", "waiting")] * 2
    assert outbox.has_unsent(runs.connection)
    assert {a.target for a in outbox.addressees(runs.connection)} == {TARGET.key, OTHER.key}
    assert "s3cret" not in str(runs.connection.execute("SELECT n::text FROM crossfade.notifications n").fetchall())


def test_what_one_has_taken_nobody_else_takes(runs: Runs, fact: Fact) -> None:
    outbox.add(runs.connection, fact, TARGET)
    assert take(runs, OTHER) is None
    taken = take(runs)
    assert taken is not None
    assert (taken.target, taken.attempts, taken.payload["run"]) == (TARGET.key, 1, "users-email")
    assert take(runs) is None
    outbox.settle(runs.connection, taken, Outcome(state="sent"))
    assert runs.outbox() == [("phase_finished", "sent")]
    assert take(runs) is None
    assert not outbox.has_unsent(runs.connection)


def test_what_was_taken_and_never_noted_is_taken_again_with_the_same_delivery(runs: Runs, fact: Fact) -> None:
    outbox.add(runs.connection, fact, TARGET)
    first, second = take(runs, seconds=0.0), take(runs)
    assert first is not None
    assert second is not None
    assert (second.id, second.delivery, second.attempts) == (first.id, first.delivery, 2)
    outbox.settle(runs.connection, first, Outcome(state="failed", reason="answered 404"))
    assert runs.outbox() == [("phase_finished", "sending")], "it is the second one's by now"


def test_a_failed_try_waits_and_an_answer_that_says_no_is_final(runs: Runs, fact: Fact) -> None:
    outbox.add(runs.connection, fact, TARGET)
    taken = take(runs)
    assert taken is not None
    outbox.settle(runs.connection, taken, Outcome(state="waiting", reason="answered 500", again_after=HOUR))
    assert take(runs) is None
    assert runs.one("SELECT last_error, next_at > clock_timestamp() FROM crossfade.notifications") == (
        "answered 500",
        True,
    )
    runs.connection.execute("UPDATE crossfade.notifications SET next_at = clock_timestamp()")
    again = take(runs)
    assert again is not None
    outbox.settle(runs.connection, again, Outcome(state="failed", reason="answered 404"))
    assert runs.outbox() == [("phase_finished", "failed")]


def test_after_a_day_it_is_given_up(runs: Runs, fact: Fact) -> None:
    outbox.add(runs.connection, fact, TARGET)
    runs.connection.execute("UPDATE crossfade.notifications SET created_at = created_at - interval '23 hours'")
    assert len(outbox.addressees(runs.connection)) == 1
    runs.connection.execute("UPDATE crossfade.notifications SET created_at = created_at - interval '1 hour'")
    assert outbox.addressees(runs.connection) == ()
    assert runs.outbox() == [("phase_finished", "failed")]


def test_many_at_once_take_each_once(runs: Runs, fact: Fact) -> None:
    for n in range(12):
        runs.connection.execute(
            "INSERT INTO crossfade.notifications (run_id, target, event, occurrence, payload)"
            " VALUES (%s, %s, 'failed', %s, '{}')",
            [fact.run_id, TARGET.key, f"failed {n}"],
        )
    taken: list[int] = []
    at_once = threading.Barrier(4)

    def work() -> None:
        with connect(runs.database.url) as connection:
            at_once.wait()
            while (found := outbox.take(connection, [TARGET.key], seconds=HOUR)) is not None:
                taken.append(found.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 12
