"""A backfill under writers of both names, while its runners are killed, its sessions ended and its server crashes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from random import Random
from typing import TYPE_CHECKING

import pytest

from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.postgres.server import EmbeddedServer
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.database import Database, fresh_database
from ..scenarios.mortals import RUN, assert_nothing_left
from ..scenarios.victims import Life, Moment, Nursery
from .crashes import Crashing
from .crowd import NEW, OLD, ROWS, SETUP, Crowd, assert_each_row_migrated_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.plan.model import Plan

KILLS = 120
TERMINATIONS = 60
MINUTES = 15


def plan(target: str) -> Plan:
    """The rename, in batches that take about so long."""
    return parse_plan(
        f"""
        crossfade: 1
        name: {RUN}
        backfill: {{batch_rows: 50, target: {target}}}
        changes:
          - rename_column: {{table: users, from: email, to: email_address}}
        """,
        "plan.yaml",
    )


def expand(database: Database, rows: int, *, target: str = "10ms") -> None:
    database.execute(SETUP)
    database.execute(ROWS, [rows])
    with Engine(database.url) as engine:
        engine.start(plan(target))
        engine.approve(RUN, Phase.CONTRACT, "alice")
        assert engine.expand(RUN).state is State.EXPANDED


def dump_of_plain_rename(database: Database) -> str:
    with fresh_database(database.server) as other:
        other.execute(SETUP)
        other.execute("ALTER TABLE users RENAME COLUMN email TO email_address")
        return other.dump()


def contract(database: Database, nursery: Nursery, crowd: Crowd) -> None:
    """The way to the end, with both names in step first, and then with new writers only."""
    with Engine(database.url) as engine:
        assert engine.status(RUN).state is State.BACKFILLED
    assert database.execute("SELECT count(*) FROM users WHERE email IS DISTINCT FROM email_address") == [(0,)]
    crowd.all_in_step, crowd.names = True, (NEW,)
    nursery.finish(database.url, "advance", RUN)
    crowd.assert_well()


def assert_the_end_is_right(database: Database, crowd: Crowd) -> None:
    crowd.assert_facts_kept(database, NEW)
    assert_each_row_migrated_once(database)
    assert database.dump() == dump_of_plain_rename(database)
    assert_nothing_left(database)


def state_of(database: Database) -> str:
    [(state,)] = database.execute("SELECT state FROM crossfade.runs")
    return str(state)


def some_moment(random: Random) -> Moment:
    """Before a statement is sent, before its answer comes, or at any instant."""
    trips = random.randint(1, 140)
    return random.choice(
        (Moment(before_round_trip=trips), Moment(after_sending=trips), Moment(seconds=random.uniform(0.05, 0.4)))
    )


def test_killed_more_than_a_hundred_times_beside_writers(
    database: Database, nursery: Nursery, figure: Callable[[str, object], None]
) -> None:
    random, rows, deaths, batches = Random(11), 1_500_000, 0, 0
    expand(database, rows)
    with Crowd(database, rows) as crowd:
        crowd.names = (OLD, NEW)
        while deaths < KILLS:
            life = nursery.life(database.url, "backfill", RUN, some_moment(random))
            assert life.exit_code != 0, f"the backfill was over after {deaths} deaths: give it more rows"
            deaths += life.killed
            batches += sum(told.startswith("batch_done") for told in life.events)
            crowd.assert_well()
        assert state_of(database) == State.BACKFILLING
        nursery.finish(database.url, "backfill", RUN)
        contract(database, nursery, crowd)
    assert batches > KILLS, "most runners died before they did anything"
    figure("deaths", deaths)
    figure("batches of the dead", batches)
    figure("statements of writers", crowd.statements)
    figure("slowest ms", crowd.slowest_ms)
    assert_the_end_is_right(database, crowd)


class Runner:
    """A backfill in a runner that nobody kills, beside the test; `life` waits for its end."""

    def __init__(self, nursery: Nursery, url: str) -> None:
        self._outcome: Future[Life] = Future()
        self._nursery, self._url = nursery, url
        # A daemon: after a failed test nobody waits for a runner that waits for a server.
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        try:
            self._outcome.set_result(self._nursery.life(self._url, "backfill", RUN))
        except BaseException as error:  # noqa: BLE001 - raised again where the test asks for the outcome
            self._outcome.set_exception(error)

    @property
    def works(self) -> bool:
        return not self._outcome.done()

    def assert_works(self) -> None:
        """It is not over before the test has done to it what it wanted to."""
        assert self.works, f"over too soon; if without an error, give it more rows: {self.life()}"

    def life(self) -> Life:
        return self._outcome.result(timeout=MINUTES * 60)


ONE_OF_OURS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'crossfade' AND datname = current_database() ORDER BY random() LIMIT 1
"""


def test_one_runner_outlives_the_end_of_its_sessions(
    database: Database, nursery: Nursery, figure: Callable[[str, object], None]
) -> None:
    random, rows, ended = Random(12), 600_000, 0
    expand(database, rows)
    with Crowd(database, rows) as crowd:
        crowd.names = (OLD, NEW)
        runner = Runner(nursery, database.url)
        while runner.works and ended < TERMINATIONS:
            crowd.over.wait(random.uniform(0.02, 0.3))
            ended += len(database.execute(ONE_OF_OURS))
        life = runner.life()
        assert (life.exit_code, life.error) == (0, None), life
        contract(database, nursery, crowd)
    assert ended > TERMINATIONS // 2, "the backfill was over too soon: give it more rows"
    figure("sessions ended", ended)
    figure("statements of writers", crowd.statements)
    figure("slowest ms", crowd.slowest_ms)
    assert_the_end_is_right(database, crowd)


@pytest.fixture
def crashing(request: pytest.FixtureRequest) -> Iterator[Crashing]:
    """A server of this test's own that keeps what it has committed."""
    with EmbeddedServer(durable=True) as server, Crashing(server) as crashing:
        yield crashing


def test_one_runner_outlives_crashes_of_the_server(
    crashing: Crashing, nursery: Nursery, figure: Callable[[str, object], None]
) -> None:
    rows = 400_000
    with fresh_database(crashing.server) as database:
        expand(database, rows, target="50ms")
        with Crowd(database, rows) as crowd:
            crowd.may_lose_the_server, crowd.names = True, (OLD, NEW)
            runner = Runner(nursery, database.url)
            for crash in (crashing.restart_immediately, crashing.kill_the_postmaster, crashing.restart_immediately):
                crowd.over.wait(2)
                runner.assert_works()
                assert state_of(database) == State.BACKFILLING
                crash()
                crowd.assert_well()
            life = runner.life()
            assert (life.exit_code, life.error) == (0, None), life
            contract(database, nursery, crowd)
        figure("statements of writers", crowd.statements)
        figure("transactions in doubt", sum(c.doubts for c in crowd.clients))
        assert_the_end_is_right(database, crowd)
