"""Contract waits for its lock: what its gates said before is not believed for long."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import CrossfadeError, GateBlocked
from crossfade.observe.events import GatesEvaluated, LockWaited, StepStarted
from crossfade.plan.load import parse_plan
from crossfade.workflow import contract_answer
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from .users_table import BOTH, ROSTER, RUN, alive, columns, fail, make_users, sight, succeed, write_plan

if TYPE_CHECKING:
    from crossfade.observe.events import Event

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

PLAN = f"""
crossfade: 1
name: {RUN}
changes:
  - rename_column: {{table: users, from: email, to: email_address}}
hold: 0s
retain: 1h
{ROSTER}
"""
SECONDS = 60.0


class Contracting:
    """Contract in a thread of its own; says when it waits for its lock."""

    def __init__(self, url: str) -> None:
        self.waits = threading.Event()
        self.error: CrossfadeError | None = None
        self._url = url
        self.thread = threading.Thread(target=self._work, name="contract")

    def _work(self) -> None:
        try:
            with Engine(self._url, emit=self._hear) as engine:
                engine.contract(RUN)
        except CrossfadeError as error:
            self.error = error

    def _hear(self, event: Event) -> None:
        if isinstance(event, LockWaited):
            self.waits.set()


@pytest.fixture
def backfilled(database: Database) -> Database:
    make_users(database)
    with Engine(database.url) as engine:
        engine.advance(parse_plan(PLAN, "plan.yaml"), to=State.BACKFILLED)
    return database


def test_an_old_version_that_comes_while_contract_waits_for_its_lock_keeps_it_out(backfilled: Database) -> None:
    reader = backfilled.connect(application_name="report")
    reader.execute("SELECT count(*) FROM users")
    with alive(backfilled, "api", "2.0.0", "pod-b"):
        contracting = Contracting(backfilled.url)
        contracting.thread.start()
        assert contracting.waits.wait(SECONDS)
        with alive(backfilled, "api", "1.4.0", "pod-a"):
            contracting.thread.join(SECONDS)
            assert not contracting.thread.is_alive()
    reader.rollback()
    assert isinstance(contracting.error, GateBlocked)
    assert "pod-a" in contracting.error.message
    assert columns(backfilled) == BOTH


def test_contract_goes_on_when_the_lock_is_free_and_the_gates_still_pass(backfilled: Database) -> None:
    reader = backfilled.connect()
    reader.execute("SELECT count(*) FROM users")
    with alive(backfilled, "api", "2.0.0", "pod-b"):
        contracting = Contracting(backfilled.url)
        contracting.thread.start()
        assert contracting.waits.wait(SECONDS)
        time.sleep(1.5)
        reader.rollback()
        contracting.thread.join(SECONDS)
        assert not contracting.thread.is_alive()
    assert contracting.error is None
    with Engine(backfilled.url) as engine:
        assert engine.status(RUN).state is State.RETAINED


def test_with_wait_the_question_comes_before_the_wait(cli: Cli, database: Database) -> None:
    """Nobody is to come back after half an hour and find a question."""
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 1h\n{ROSTER}"), "--to", "backfilled")
    assert f"--confirm {RUN}" in fail(cli, 2, "contract", RUN, "--wait", "10m")


def test_with_wait_what_is_retained_for_longer_is_not_waited_for(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\nretain: 1h\n{ROSTER}"), "--to", "backfilled")
    sight(database, "api", "2.0.0", "pod-b")
    done = succeed(cli, "contract", RUN, "--confirm", RUN, "--wait", "10m", "--json")
    assert done.json()["state"] == "retained"


def test_what_the_gates_said_before_it_was_stopped_is_not_believed_afterwards(
    backfilled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract_answer, "OLDEST_SECONDS", 0.3)
    answers: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, GatesEvaluated):
            answers.append(event.verdict)
        elif isinstance(event, StepStarted) and event.phase == "contract":
            stops.append(len(answers))
            # As if it were stopped between the gates' answer and the step, the first time.
            time.sleep(0.5 if len(stops) == 1 else 0)

    stops: list[int] = []
    with alive(backfilled, "api", "2.0.0", "pod-b"), Engine(backfilled.url, emit=hear) as engine:
        engine.advance(RUN, to=State.RETAINED)
    asked_before, asked_then = stops[:2]
    assert asked_then == asked_before + 1
    assert set(answers) == {"PASS"}
    assert "email" not in columns(backfilled)
