"""Telling while a run is driven: from the ledger's facts to real receivers, and never in the way."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from crossfade.notify.notifier import Notifier
from crossfade.notify.teller import Pace
from crossfade.observe.events import Event, StateChanged
from crossfade.plan.notify import Slack, Webhook
from crossfade.postgres.connect import connect

from .receiver import receiving, refusing, trickling
from .runs import APPROVAL, Runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from psycopg import Connection

    from crossfade.plan.notify import Target

RUN = "users-email"
PATIENT = Pace(look=0.02, attempt=30.0, farewell=30.0)
"""Nothing is given up: what is waited for happens."""
SECONDS = 60.0


def ignore(_event: Event) -> None:
    return


def moved(run: str = RUN) -> StateChanged:
    return StateChanged(run=run, source="expanding", target="expanded")


def await_that(has_happened: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not has_happened():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def notifier_of(runs: Runs) -> Iterator[Callable[..., Notifier]]:
    """Makes notifiers on the test's database, which are closed at its end."""
    made: list[Notifier] = []

    def make(*targets: Target, environment: Mapping[str, str] | None = None, pace: Pace = PATIENT) -> Notifier:
        one = Notifier(lambda: connect(runs.database.url), targets, environment=environment or {}, pace=pace)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def test_an_event_of_a_run_has_its_targets_told_once(runs: Runs, notifier_of: Callable[..., Notifier]) -> None:
    with receiving() as receiver:
        run = runs.add(RUN, [{"webhook": {"url": receiver.url}}])
        notifier = notifier_of(Slack(url_env="CHAT"), environment={"CHAT": f"{receiver.url}/chat"})
        notifier.begin()
        emit = notifier.beside(ignore)
        runs.move(run, "expanding", "expanded")
        for _ in range(3):
            emit(moved())
        notifier.close()
        assert sorted(r.path for r in receiver.requests) == ["/", "/chat"]
    assert runs.outbox() == [("phase_finished", "sent")] * 2


def test_the_listener_beside_hears_every_event_first(runs: Runs, notifier_of: Callable[..., Notifier]) -> None:
    heard: list[Event] = []
    notifier = notifier_of()
    emit = notifier.beside(heard.append)
    emit(moved())
    notifier.begin()
    emit(moved())
    assert heard == [moved(), moved()]


def test_nothing_is_opened_where_nobody_is_to_be_told(runs: Runs) -> None:
    def never() -> Connection[Any]:
        raise AssertionError("a connection was opened")

    notifier = Notifier(never)
    notifier.follow(runs.connection, RUN, {"notify": []})
    notifier.beside(ignore)(moved())
    notifier.close()
    assert not [t for t in threading.enumerate() if t.name == "crossfade-teller"]


def test_a_target_that_fails_is_tried_again_until_it_takes_it(runs: Runs, notifier_of: Callable[..., Notifier]) -> None:
    with receiving((500, {}), (503, {})) as receiver:
        run = runs.add(RUN, [{"webhook": {"url": receiver.url}}])
        runs.move(run, "expanding", "expanded")
        notifier_of().begin()
        for count in (1, 2):
            receiver.wait_for(count)
            await_that(lambda: runs.outbox() == [("phase_finished", "waiting")])
            runs.connection.execute("UPDATE crossfade.notifications SET next_at = clock_timestamp()")
        receiver.wait_for(3)
        await_that(lambda: runs.outbox() == [("phase_finished", "sent")])
        assert len({r.headers["Crossfade-Delivery"] for r in receiver.requests}) == 1
        assert len({r.body for r in receiver.requests}) == 1
    assert runs.one("SELECT attempts, last_error FROM crossfade.notifications") == (3, None)


def test_one_that_hangs_holds_up_neither_the_others_nor_the_end(
    runs: Runs, notifier_of: Callable[..., Notifier]
) -> None:
    with receiving(holds=threading.Event()) as hanging, receiving() as receiver:
        run = runs.add(RUN, [{"webhook": {"url": hanging.url}}, {"webhook": {"url": receiver.url}}])
        runs.move(run, "expanding", "expanded", "backfilling", "backfilled")
        notifier = notifier_of(pace=Pace(look=0.02, attempt=30.0, farewell=0.0))
        notifier.begin()
        hanging.wait_for(1)
        receiver.wait_for(2)
        notifier.close()
        # Closed, while the target still holds the only request that it was sent.
        assert len(hanging.requests) == 1
        (idle,) = runs.one(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%%'"
        )
        assert idle == 0, "no transaction is open meanwhile"


def test_one_that_never_ends_its_answer_is_given_up_and_asked_by_one_thread_only(
    runs: Runs, notifier_of: Callable[..., Notifier]
) -> None:
    over = threading.Event()
    last_error = "SELECT max(last_error) FROM crossfade.notifications WHERE id = 1"
    with trickling(over) as url, receiving() as receiver:
        run = runs.add(RUN, [{"webhook": {"url": url}}, {"webhook": {"url": receiver.url}}])
        runs.move(run, "expanding", "expanded")
        notifier = notifier_of(pace=Pace(look=0.02, attempt=0.3, farewell=30.0))
        notifier.begin()
        await_that(lambda: runs.one(last_error) == ("no answer within 0.3 s",))
        runs.connection.execute("UPDATE crossfade.notifications SET next_at = clock_timestamp() WHERE id = 1")
        runs.move(run, "backfilling", "backfilled")
        receiver.wait_for(2)
        assert runs.one("SELECT state, attempts FROM crossfade.notifications WHERE id = 1") == ("waiting", 1)
        assert len([t for t in threading.enumerate() if t.name == "crossfade-notify-1"]) == 1
        over.set()


def test_what_another_process_left_is_sent_where_its_variables_are_known(
    runs: Runs, notifier_of: Callable[..., Notifier], capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs.add(RUN, [{"slack": {"url_env": "CHAT"}}])
    runs.move(run, "expanding", "expanded")
    without = notifier_of()
    without.begin()
    await_that(lambda: runs.outbox() == [("phase_finished", "waiting")])
    without.close()
    assert runs.one("SELECT attempts FROM crossfade.notifications") == (0,), "it is not this process's to complain of"
    assert "CHAT" not in "".join(capsys.readouterr())
    driving = notifier_of()
    driving.follow(runs.connection, RUN, {"notify": ["as in the ledger"]})
    await_that(lambda: runs.one("SELECT attempts FROM crossfade.notifications") == (1,))
    driving.close()
    assert "CHAT is not set" in "".join(capsys.readouterr())
    runs.connection.execute("UPDATE crossfade.notifications SET next_at = clock_timestamp()")
    with receiving() as receiver:
        another = notifier_of(environment={"CHAT": receiver.url})
        another.follow(runs.connection, "another", {})
        another.close()
        assert len(receiver.wait_for(1)) == 1


def test_a_blockage_is_told_only_to_those_whose_time_has_come(runs: Runs, notifier_of: Callable[..., Notifier]) -> None:
    with receiving() as receiver:
        entries = [
            {"webhook": {"url": f"{receiver.url}/{blocked_for}", "on": ["blocked"], "blocked_for": blocked_for}}
            for blocked_for in ("10m", "2h")
        ]
        run = runs.add(RUN, entries)
        runs.since(run, 60)
        runs.evaluate(run, "expand", APPROVAL, minutes_ago=15)
        notifier = notifier_of()
        notifier.begin()
        receiver.wait_for(1)
        notifier.close()
        assert [r.path for r in receiver.requests] == ["/10m"]


def test_the_projects_targets_are_told_only_of_runs_that_are_driven(
    runs: Runs, notifier_of: Callable[..., Notifier]
) -> None:
    for name in (RUN, "others"):
        runs.move(runs.add(name), "expanding", "expanded")
    with receiving() as receiver:
        notifier = notifier_of(Webhook(url=receiver.url))
        notifier.follow(runs.connection, RUN, {})
        notifier.close()
        assert [r.json()["run"] for r in receiver.requests] == [RUN]


def test_a_ledger_that_cannot_be_reached_is_no_trouble_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    url = refusing().replace("http://", "postgresql://boss:s3cret@")
    notifier = Notifier(lambda: connect(url), [Webhook(url="http://h")], environment={}, pace=PATIENT)
    notifier.begin()
    notifier.beside(ignore)(moved())
    notifier.close()
    said = "".join(capsys.readouterr())
    assert "notifications_wait" in said
    assert "s3cret" not in said


def test_a_plan_that_a_newer_crossfade_wrote_is_passed_by(runs: Runs, notifier_of: Callable[..., Notifier]) -> None:
    with receiving() as receiver:
        runs.move(runs.add("newer", [{"carrier_pigeon": {"from": "here"}}]), "expanding", "expanded")
        runs.move(runs.add(RUN, [{"webhook": {"url": receiver.url}}]), "expanding", "expanded")
        notifier = notifier_of()
        notifier.begin()
        notifier.close()
        assert [r.json()["run"] for r in receiver.requests] == [RUN]
