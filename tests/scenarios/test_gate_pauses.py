"""A command that is stopped while it waits for `hold` has not looked meanwhile, and does not count that time."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from ..fixtures.command import AS_A_USER
from .users_table import ROSTER, RUN, alive, await_that, make_users, state, succeed, write_plan

if TYPE_CHECKING:
    from ..fixtures.command import Cli, Process
    from ..fixtures.database import Database

AWAY = "UPDATE crossfade.passing SET since = since - interval '1 h', seen_at = seen_at - interval '1 h'"
HELD = "UPDATE crossfade.passing SET since = since - interval '1 h' WHERE since > clock_timestamp() - interval '30 min'"
IS_FRESH = "SELECT since > clock_timestamp() - interval '1 min' FROM crossfade.passing WHERE gate LIKE 'app_version%'"


@pytest.fixture
def waiting(cli: Cli, database: Database) -> Process:
    """`contract --wait`, which waits for the hold of gates that pass; a child of this process, to be seen stopped."""
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 10m\n{ROSTER}"), "--to", "backfilled")
    return cli.spawn("contract", RUN, "--wait", "30m", "--confirm", RUN, env=AS_A_USER)


def holds(database: Database) -> None:
    query = "SELECT count(DISTINCT gate) >= 2 FROM crossfade.passing WHERE since < seen_at"
    await_that(lambda: database.execute(query) == [(True,)], "the gates never passed twice")


def stopped(process: Process) -> None:
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


@pytest.mark.long
def test_a_pause_is_no_uninterrupted_pass(waiting: Process, cli: Cli, database: Database) -> None:
    with alive(database, "api", "2.0.0", "pod-b"):
        holds(database)
        stopped(waiting)
        # What it left is an hour old by now, as if it had been stopped for as long.
        while not is_away(database):
            os.kill(waiting.pid, signal.SIGCONT)
            stopped(waiting)
        os.kill(waiting.pid, signal.SIGCONT)
        await_that(lambda: database.execute(IS_FRESH) == [(True,)], "the time was not begun anew")
        assert state(cli) == "backfilled"
        assert waiting.poll() is None


def is_away(database: Database) -> bool:
    """Whether that could be written: who was stopped in the midst of a look has its rows locked."""
    try:
        with database.connect() as connection:
            connection.execute("SET lock_timeout = '200ms'")
            connection.execute(AWAY)
            return True
    except psycopg.errors.LockNotAvailable:
        return False


@pytest.mark.long
def test_a_hold_in_which_it_looked_on_is_over(waiting: Process, cli: Cli, database: Database) -> None:
    with alive(database, "api", "2.0.0", "pod-b"):
        holds(database)

        def is_over() -> bool:
            # Again and again: a look that is under way writes down what it had read before.
            database.execute(HELD)
            return waiting.poll() is not None

        await_that(is_over, "it waits on although the time is over")
    assert waiting.returncode == 0
    assert state(cli) == "contracted"


def test_the_word_on_which_the_old_shape_is_hidden_stands_in_that_transaction(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\n{ROSTER}"), "--to", "backfilled")
    with alive(database, "api", "2.0.0", "pod-b"):
        succeed(cli, "contract", RUN, "--confirm", RUN)
    found = database.execute(
        "SELECT e.verdict, e.gates::text LIKE '%pod-b%', e.xmin = s.xmin"
        " FROM crossfade.evaluations e JOIN crossfade.steps s ON s.run_id = e.run_id AND s.id = e.step"
    )
    assert found == [("PASS", True, True)]


@pytest.mark.long
def test_two_commands_within_a_minute_look_on_for_each_other(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 1s\n{ROSTER}"), "--to", "backfilled")
    with alive(database, "api", "2.0.0", "pod-b"):
        assert cli("gate", RUN).code == 3
        time.sleep(1)
        assert cli("gate", RUN).code == 0
        database.execute(AWAY)
        assert cli("gate", RUN).code == 3
