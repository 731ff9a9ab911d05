"""Ctrl-C and SIGTERM end a command after what it has in hand; the same command goes on from there."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from ..fixtures.command import AS_A_USER
from .users_table import (
    IN_SMALL_BATCHES,
    ROSTER,
    RUN,
    SLOW,
    alive,
    await_batches,
    await_line,
    await_that,
    make_users,
    state,
    succeed,
    values,
    write_plan,
)

if TYPE_CHECKING:
    from ..fixtures.command import Cli, Process
    from ..fixtures.database import Database

BOTH_SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
ONE_SIGNAL = pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)], ids=lambda n: n.name
)
"""Where both come to the same handler, and only what is waited for differs."""


def interrupted(process: Process, number: signal.Signals) -> tuple[str, str]:
    """Send the signal and give what the process printed; it has to exit with 130."""
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    return out, errors


@pytest.mark.long
@BOTH_SIGNALS
def test_a_backfill_ends_after_its_batch_and_goes_on_afterwards(
    cli: Cli, database: Database, number: signal.Signals
) -> None:
    make_users(database, rows=300)
    people = values(database, "email")
    database.execute(SLOW)
    succeed(cli, "expand", write_plan(cli.directory, IN_SMALL_BATCHES))
    working = cli.spawn("backfill", RUN, "--json", env=AS_A_USER)
    await_batches(database)
    out, _ = interrupted(working, number)
    assert '"interrupted"' in out
    filled, counted = (
        database.execute("SELECT count(email_address) FROM users"),
        database.execute("SELECT sum(rows) FROM crossfade.batches"),
    )
    assert filled == counted
    assert 0 < int(filled[0][0]) < 300
    told = succeed(cli, "status", RUN, "--json").json()
    assert (told["state"], told["paused"], told["failed"], told["holder"]) == ("backfilling", None, None, None)
    database.execute("DROP TRIGGER a_slow ON users")
    succeed(cli, "backfill", RUN)
    assert state(cli) == "backfilled"
    assert values(database, "email_address") == people
    assert database.execute("SELECT sum(rows) FROM crossfade.batches") == [(300,)]


@pytest.mark.long
@ONE_SIGNAL
def test_waiting_for_a_gate_can_be_interrupted(cli: Cli, database: Database, number: signal.Signals) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\n{ROSTER}"), "--to", "backfilled")
    evaluated = "SELECT count(*) > 0 FROM crossfade.evaluations WHERE phase = 'contract'"
    with alive(database, "api", "1.4.0", "pod-a"):
        for command in (["contract", RUN, "--confirm", RUN], ["gate", RUN]):
            # The same answer again within a minute leaves no trace.
            database.execute("DELETE FROM crossfade.evaluations")
            working = cli.spawn(*command, "--wait", "10m")
            await_that(lambda: database.execute(evaluated) == [(True,)], "the gates were not evaluated")
            interrupted(working, number)
    assert state(cli) == "backfilled"


@ONE_SIGNAL
def test_waiting_for_a_lock_can_be_interrupted(cli: Cli, database: Database, number: signal.Signals) -> None:
    make_users(database)
    plan = write_plan(cli.directory)
    with database.connect(application_name="report") as reader:
        reader.execute("SELECT count(*) FROM users")
        working = cli.spawn("expand", plan, "--json", "--log-format", "json")
        # The first lines say that it waits, and for whom.
        waited = json.loads(await_line(working, "lock_waited"))
        assert f"pid {reader.info.backend_pid}, report" in waited["blockers"][0]
        out, _ = interrupted(working, number)
        assert json.loads(out)["error"]["code"] == "interrupted"
    assert state(cli) == "expanding"
    succeed(cli, "expand", plan)
    assert state(cli) == "expanded"


@pytest.mark.long
def test_the_second_signal_cancels_what_is_in_hand(cli: Cli, database: Database) -> None:
    make_users(database, rows=20)
    succeed(cli, "expand", write_plan(cli.directory))
    with database.connect() as writer:
        # The batch waits for this row and cannot end.
        writer.execute("UPDATE users SET name = 'x' WHERE id = 10")
        working = cli.spawn("backfill", RUN)
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        await_that(lambda: database.execute(waiting) != [(0,)], "the batch does not wait")
        working.send_signal(signal.SIGINT)
        await_line(working, "once more")
        interrupted(working, signal.SIGINT)
        writer.rollback()
    succeed(cli, "backfill", RUN)
    assert state(cli) == "backfilled"
