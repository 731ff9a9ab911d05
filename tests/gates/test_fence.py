"""The fence: which versions may run in which state of a run, and that no answer is lost on the gates."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import UsageError
from crossfade.gates import fence
from crossfade.plan.versions import parse_range
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

pytestmark = pytest.mark.alike
OLD, NEW, GARBAGE = "1.4.0", "2.0.0", "latest"
RANGE = {**parse_range("semver", ">=2.0.0").as_json(), "text": ">=2.0.0"}
OPEN_TO_ALL = {State.BACKFILLED, State.ROLLED_BACK, State.CANCELLED}
CLOSED = {State.CONTRACTING, State.RETAINED, State.DROPPING, State.CONTRACTED, State.REVERTING}


@pytest.fixture(scope="module")
def fenced(server: Server) -> Iterator[Database]:
    """A ledger with one run, `users`, whose roster has the app `api`."""
    with fresh_database(server) as made:
        with connect(made.url) as connection:
            ledger.install(connection)
            ledger.add_run(connection, name="users", digest="", plan={}, acks=(), program={}, fences={"api": RANGE})
        yield made


def put(database: Database, state: State) -> None:
    database.execute("UPDATE crossfade.runs SET state = %s", [state.value])
    database.execute("DELETE FROM crossfade.sightings")


@pytest.mark.parametrize("state", State)
def test_what_may_run_follows_from_where_the_run_is(fenced: Database, state: State) -> None:
    put(fenced, state)
    allowed = {
        OLD: state not in CLOSED,
        NEW: state in CLOSED | OPEN_TO_ALL,
        # Nobody is kept from starting by a slip in a version before it matters.
        GARBAGE: state not in CLOSED,
    }
    for version, expected in allowed.items():
        assert fenced.execute("SELECT crossfade.can_i_run('api', %s)", [version]) == [(expected,)], version
        assert fenced.execute("SELECT crossfade.heartbeat('api', %s, 'pod-a')", [version]) == [(expected,)], version
    assert fenced.execute("SELECT crossfade.can_i_run('worker', %s)", [OLD]) == [(True,)], "no run lists it"


def test_a_yes_is_a_sighting_a_no_is_none_and_a_heartbeat_always_is(fenced: Database) -> None:
    put(fenced, State.RETAINED)
    for version in (OLD, NEW):
        fenced.execute("SELECT crossfade.can_i_run('api', %s)", [version])
        fenced.execute("SELECT crossfade.heartbeat('api', %s, 'pod-a')", [version])
    seen = fenced.execute("SELECT version, source FROM crossfade.sightings ORDER BY 1, 2")
    assert seen == [(OLD, "heartbeat"), (NEW, "heartbeat"), (NEW, "start")]


def test_who_only_asks_gets_the_reason_and_leaves_no_trace(fenced: Database) -> None:
    with connect(fenced.url) as connection:
        put(fenced, State.EXPANDED)
        early = fence.ask(connection, "api", NEW)
        assert early.allowed is False
        assert "run users is expanded" in early.reason
        assert fence.ask(connection, "api", GARBAGE).allowed is None
        put(fenced, State.CONTRACTING)
        late = fence.ask(connection, "api", OLD)
        assert late.allowed is False
        assert "has to be >=2.0.0" in late.reason
        assert fence.ask(connection, "api", GARBAGE).allowed is None
        assert fence.ask(connection, "api", NEW).allowed is True
        for app, version in ((" ", NEW), ("api", ""), ("api", "1\0")):
            with pytest.raises(UsageError):
                fence.ask(connection, app, version)
    assert fenced.execute("SELECT count(*) FROM crossfade.sightings") == [(0,)]


def test_every_run_has_its_say(fenced: Database) -> None:
    put(fenced, State.CONTRACTED)
    with connect(fenced.url) as connection:
        later = {**parse_range("semver", ">=3.0.0").as_json(), "text": ">=3.0.0"}
        run = ledger.add_run(connection, name="later", digest="", plan={}, acks=(), program={}, fences={"api": later})
        try:
            assert [fence.ask(connection, "api", v).allowed for v in (OLD, NEW, "3.0.0")] == [False, True, False]
        finally:
            connection.execute("DELETE FROM crossfade.runs WHERE id = %s", [run])


def test_whoever_raises_the_fence_waits_for_answers_that_are_not_committed_yet(fenced: Database) -> None:
    put(fenced, State.BACKFILLED)
    raised = threading.Event()

    def raise_fence() -> None:
        with connect(fenced.url) as runner, runner.transaction():
            runner.execute("SET LOCAL lock_timeout = 0")
            runner.execute("LOCK TABLE crossfade.fence IN ACCESS EXCLUSIVE MODE")
            runner.execute("UPDATE crossfade.runs SET state = 'contracting'")
        raised.set()

    app = fenced.connect()
    assert app.execute("SELECT crossfade.can_i_run('api', %s)", [OLD]).fetchone() == (True,)
    runner = threading.Thread(target=raise_fence)
    runner.start()
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'crossfade.fence'::regclass"
    while fenced.execute(waits) == [(0,)]:
        assert runner.is_alive()
    late: list[object] = []
    asker = threading.Thread(target=lambda: late.extend(fenced.execute("SELECT crossfade.can_i_run('api', '1.4.0')")))
    asker.start()
    while fenced.execute(waits) == [(1,)]:
        assert asker.is_alive()
    assert not raised.is_set()
    app.commit()
    for thread in (runner, asker):
        thread.join(30)
    assert raised.is_set()
    assert late == [(False,)], "who waited behind the fence learns of it"
    assert fenced.execute("SELECT version, source FROM crossfade.sightings") == [(OLD, "start")]
    app.close()
