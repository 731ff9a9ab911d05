"""A session keeps whether a version is fenced, and gives another answer as soon as another is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crossfade.plan.versions import parse_range
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

pytestmark = pytest.mark.every_server
OLD, NEW = "1.4.0", "2.0.0"
CLOSED = {State.CONTRACTING, State.RETAINED, State.DROPPING, State.CONTRACTED, State.REVERTING}
OPEN_TO_ALL = {State.BACKFILLED, State.ROLLED_BACK, State.CANCELLED}


def fences(text: str = ">=2.0.0") -> dict[str, Any]:
    return {"api": {**parse_range("semver", text).as_json(), "text": text}}


@pytest.fixture
def fenced(server: Server) -> Iterator[Database]:
    """A ledger with one run, `users`, whose roster has the app `api`."""
    with fresh_database(server) as made:
        with connect(made.url) as connection:
            ledger.install(connection)
            ledger.add_run(connection, name="users", digest="", plan={}, acks=(), program={}, fences=fences())
        yield made


@pytest.fixture
def app(fenced: Database) -> psycopg.Connection[tuple[Any, ...]]:
    """One session, which asks all questions of a test."""
    return fenced.connect(autocommit=True)


def may_run(app: psycopg.Connection[Any], version: str, name: str = "api") -> bool:
    """What a heartbeat answers, twice; `can_i_run` has to say the same."""
    asked = (
        "SELECT crossfade.heartbeat(%s, %s, 'pod-a'), crossfade.heartbeat(%s, %s, 'pod-a'), crossfade.can_i_run(%s, %s)"
    )
    row = app.execute(asked, [name, version] * 3).fetchone()
    assert row is not None
    assert len(set(row)) == 1, row
    return bool(row[0])


def test_every_state_is_seen_by_the_session_that_asked_before(
    fenced: Database, app: psycopg.Connection[tuple[Any, ...]]
) -> None:
    for state in State:
        fenced.execute("UPDATE crossfade.runs SET state = %s", [state.value])
        assert may_run(app, OLD) is (state not in CLOSED), state
        assert may_run(app, NEW) is (state in CLOSED | OPEN_TO_ALL), state


def test_a_run_that_comes_or_goes_is_seen(fenced: Database, app: psycopg.Connection[tuple[Any, ...]]) -> None:
    fenced.execute("UPDATE crossfade.runs SET state = 'contracted'")
    assert may_run(app, NEW) is True
    with connect(fenced.url) as connection:
        ledger.add_run(connection, name="b", digest="", plan={}, acks=(), program={}, fences=fences(">=2.0.0"))
    assert may_run(app, NEW) is False
    fenced.execute("DELETE FROM crossfade.runs WHERE name = 'b'")
    assert may_run(app, NEW) is True
    fenced.execute("UPDATE crossfade.runs SET fences = %s::jsonb || fences", ["{}"])
    assert may_run(app, NEW) is True
    fenced.execute("DELETE FROM crossfade.runs")
    assert may_run(app, OLD) is True


def test_another_app_or_version_gets_an_answer_of_its_own(
    fenced: Database, app: psycopg.Connection[tuple[Any, ...]]
) -> None:
    fenced.execute("UPDATE crossfade.runs SET state = 'retained'")
    for _ in range(2):
        assert may_run(app, OLD) is False
        assert may_run(app, NEW) is True
        assert may_run(app, OLD, "worker") is True
        assert may_run(app, f"' {OLD}", "api'") is True
        assert may_run(app, "?") is False


def test_an_answer_that_was_rolled_back_is_asked_again(
    fenced: Database, app: psycopg.Connection[tuple[Any, ...]]
) -> None:
    """Who changes a run and takes it back has asked about rows that never were."""
    with app.transaction(force_rollback=True):
        app.execute("UPDATE crossfade.runs SET state = 'retained'")
        assert may_run(app, OLD) is False
    assert may_run(app, OLD) is True


def test_the_answer_outlives_the_transaction_and_is_used(
    fenced: Database, app: psycopg.Connection[tuple[Any, ...]]
) -> None:
    may_run(app, OLD)
    row = app.execute("SELECT current_setting('crossfade.fenced')").fetchone()
    assert row is not None
    assert row[0].startswith("no ")
    assert row[0].endswith(OLD)
    app.execute("SELECT set_config('crossfade.fenced', %s, false)", [row[0].replace("no ", "yes ", 1)])
    assert may_run(app, OLD) is False, "kept, and not worked out again"
    fenced.execute("UPDATE crossfade.runs SET paused = 'for a while'")
    assert may_run(app, OLD) is True
