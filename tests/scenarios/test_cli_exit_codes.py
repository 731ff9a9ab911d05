"""What each exit code says, and that a command which fails says why and leaves the run where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..fixtures.long import LONG, few_of
from .users_table import (
    BOTH,
    IN_SMALL_BATCHES,
    ROSTER,
    RUN,
    SLOW,
    await_batches,
    columns,
    fail,
    has_ledger,
    make_users,
    sight,
    state,
    succeed,
    write_plan,
)

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database

BAD_PLANS = {
    "empty": "",
    "not a mapping": "- one\n- two\n",
    "a typo in a key": "crossfade: 1\nname: a\nchangs: []\n",
    "no changes": "crossfade: 1\nname: a\nchanges: []\n",
    "broken YAML": "crossfade: 1\nname: [a\n",
    "a version as a number": "crossfade: 1\nname: a\napps: {api: {scheme: semver, new: 2.0}}\n"
    "changes: [{rename_column: {table: users, from: email, to: e}}]\n",
    "the same name": "crossfade: 1\nname: a\nchanges: [{rename_column: {table: users, from: email, to: email}}]\n",
    "an unknown kind": "crossfade: 1\nname: a\nchanges: [{rename_colum: {table: users, from: email, to: e}}]\n",
}
BAD_USAGE = (
    ["explode"],
    ["start"],
    ["start", "no-such-file.yaml"],
    ["expand", "no-such-file.yaml"],
    ["status", "--no-such-option"],
    ["advance", RUN, "--to", "nowhere"],
    ["advance", RUN, "--to", "rolled_back"],
    ["backfill", RUN, "--max-duration", "soon"],
    ["contract", RUN, "--wait", "-1s"],
    ["contract", RUN, "--confirm", "another-run"],
    ["gate", RUN, "--phase", "later"],
    ["approve", RUN, "--phase", "contract"],
    ["pause", RUN],
    ["status", "--watch"],
    ["new", "rename_colum"],
    ["new"],
    ["versions", "heartbeat", "api"],
    ["check"],
    ["status", "--env-file", "no-such-file"],
    ["status", "--database", ""],
    ["status", "--database", "http://example.org"],
)
OF_NOBODY = (
    ["status", "nobody"],
    ["expand", "nobody"],
    ["backfill", "nobody"],
    ["contract", "nobody"],
    ["advance", "nobody"],
    ["rollback", "nobody"],
    ["revert", "nobody"],
    ["pause", "nobody", "--reason", "r"],
    ["resume", "nobody"],
    ["gate", "nobody"],
    ["approve", "nobody", "--phase", "contract", "--as", "alice"],
    ["history", "nobody"],
)


def test_2_for_an_invalid_plan_and_the_database_is_untouched(cli: Cli, database: Database) -> None:
    make_users(database)
    before = database.dump(exclude_schema=None)
    for name, text in BAD_PLANS.items():
        plan = cli.directory / f"{name}.yaml"
        plan.write_text(text, encoding="utf-8")
        # What is wrong with a text is found by one loader, whoever asks.
        for command in ("check", "explain", "start", "expand", "advance") if LONG or not text else ("start",):
            assert f"{plan}:" in fail(cli, 2, command, plan)
    assert database.dump(exclude_schema=None) == before


def test_2_for_a_plan_that_preflight_refuses_and_the_users_objects_are_untouched(cli: Cli, database: Database) -> None:
    make_users(database)
    before = database.dump()
    plan = write_plan(cli.directory, old="emial")
    for command in ("check", "explain", "start", "expand", "backfill", "contract", "advance"):
        said = fail(cli, 2, command, plan)
        assert "emial" in said
        assert "Did you mean email?" in said
        assert database.dump() == before
        if command in {"check", "explain"}:
            assert not has_ledger(database)


def test_2_for_bad_usage(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "start", write_plan(cli.directory))
    for arguments in BAD_USAGE:
        if LONG:
            fail(cli, 2, *arguments)
        document = cli(*arguments, "--json")
        assert document.code == 2, document
        assert set(document.json()["error"]) >= {"code", "message", "hint", "location"}
    assert state(cli) == "planned"


def test_2_for_a_run_that_does_not_exist_and_it_names_those_that_do(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "start", write_plan(cli.directory))
    for arguments in OF_NOBODY:
        said = fail(cli, 2, *arguments)
        assert "nobody" in said
        assert RUN in said


@pytest.mark.parametrize("command", few_of(["contract", "rollback", "revert"], {"rollback"}))
def test_2_without_a_terminal_where_no_confirm_is_given(cli: Cli, database: Database, command: str) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\nretain: 1h\n{ROSTER}"), "--to", "backfilled")
    sight(database, "api", "2.0.0", "pod-b")
    if command == "revert":
        succeed(cli, "contract", RUN, "--confirm", RUN)
    before, reached = columns(database), state(cli)
    said = fail(cli, 2, command, RUN)
    assert f"--confirm {RUN}" in said
    said = fail(cli, 2, command, RUN, "--yes")
    assert f"--confirm {RUN}" in said
    fail(cli, 2, command, RUN, "--confirm", "another-run")
    assert (columns(database), state(cli)) == (before, reached)
    sight(database, "api", "2.0.0", "pod-b")
    succeed(cli, command, RUN, "--confirm", RUN)


def test_a_run_that_has_done_nothing_is_rolled_back_without_a_question(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "start", write_plan(cli.directory))
    succeed(cli, "rollback", RUN)
    assert state(cli) == "rolled_back"


CONFIRMED = ("--confirm", RUN)
NOT_FOR = {
    "planned": (("backfill",), ("contract", *CONFIRMED), ("revert", *CONFIRMED), ("resume",)),
    "expanded": (("contract", *CONFIRMED), ("revert", *CONFIRMED)),
    "backfilled": (("revert", *CONFIRMED),),
    "retained": (("rollback", *CONFIRMED),),
    "contracted": (("rollback", *CONFIRMED), ("revert", *CONFIRMED), ("pause", "--reason", "r")),
    "rolled_back": (
        ("expand",),
        ("backfill",),
        ("contract", *CONFIRMED),
        ("advance",),
        ("revert", *CONFIRMED),
        ("pause", "--reason", "r"),
    ),
}
"""Commands that a run in the state has nothing for."""


@pytest.mark.parametrize("reached", few_of(NOT_FOR, ("planned", "retained", "rolled_back")))
def test_5_in_the_wrong_state(cli: Cli, database: Database, reached: str) -> None:
    make_users(database, rows=3)
    retain = "1h" if reached == "retained" else "0s"
    plan = write_plan(cli.directory, f"hold: 0s\nretain: {retain}\n{ROSTER}")
    if reached in {"retained", "contracted"}:
        succeed(cli, "advance", plan, "--to", "backfilled")
        sight(database, "api", "2.0.0", "pod-b")
        succeed(cli, "contract", RUN, "--confirm", RUN)
    elif reached == "rolled_back":
        succeed(cli, "start", plan)
        succeed(cli, "rollback", RUN)
    else:
        succeed(cli, "advance", plan, "--to", reached)
    before = columns(database)
    for command, *options in NOT_FOR[reached]:
        said = fail(cli, 5, command, RUN, *options)
        assert RUN in said
        assert reached in said or command == "resume"
        assert columns(database) == before
    assert state(cli) == reached


def test_5_where_the_plan_was_edited_after_its_start(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory)
    succeed(cli, "expand", plan)
    write_plan(cli.directory, "retain: 3d\n")
    for command in ("start", "expand", "backfill", "contract", "advance"):
        said = fail(cli, 5, command, plan)
        assert RUN in said
    assert state(cli) == "expanded"


def test_an_edit_that_does_not_change_the_meaning_is_no_edit(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory)
    succeed(cli, "expand", plan)
    plan.write_text("# a remark\n" + plan.read_text(encoding="utf-8") + "hold: 600s\n\n", encoding="utf-8")
    succeed(cli, "backfill", plan)


@pytest.mark.long
def test_5_for_the_second_of_two_runners(cli: Cli, database: Database) -> None:
    make_users(database, rows=3000)
    database.execute(SLOW)
    succeed(cli, "expand", write_plan(cli.directory, IN_SMALL_BATCHES))
    first = cli.spawn("backfill", RUN)
    await_batches(database)
    said = fail(cli, 5, "backfill", RUN)
    assert f"pid {first.pid}" in said
    fail(cli, 5, "rollback", RUN, "--confirm", RUN)
    database.execute("DROP TRIGGER a_slow ON users")
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 0, errors
    assert state(cli) == "backfilled"


def test_6_where_a_lock_cannot_be_had_and_it_names_who_holds_it(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory, "locks: {give_up_after: 1s}\n")
    with database.connect(application_name="report@3.1") as reader:
        reader.execute("SELECT count(*) FROM users")
        said = fail(cli, 6, "expand", plan)
        assert f"pid {reader.info.backend_pid}" in said
        assert "report@3.1" in said
        assert "idle in transaction" in said
        assert columns(database) == ["id", "email", "name"]
        failed = succeed(cli, "status", RUN, "--json").json()["failed"]
        assert failed["code"] == "lock_timeout"
        document = cli("expand", plan, "--json")
        assert document.code == 6
        assert document.json()["error"]["code"] == "lock_timeout"
    succeed(cli, "expand", plan)
    assert succeed(cli, "status", RUN, "--json").json()["failed"] is None
    assert columns(database) == BOTH


def test_6_in_contract_leaves_both_names(cli: Cli, database: Database) -> None:
    make_users(database)
    ignore = "ignore: [{application_name: report}]\n"
    plan = write_plan(cli.directory, f"hold: 0s\nretain: 1h\nlocks: {{give_up_after: 1s}}\n{ROSTER}{ignore}")
    succeed(cli, "advance", plan, "--to", "backfilled")
    with database.connect(application_name="report@3.1") as reader:
        reader.execute("SELECT count(*) FROM users")
        sight(database, "api", "2.0.0", "pod-b")
        assert "report@3.1" in fail(cli, 6, "contract", RUN, "--confirm", RUN)
    assert columns(database) == BOTH
    sight(database, "api", "2.0.0", "pod-b")
    succeed(cli, "contract", RUN, "--confirm", RUN)
    assert state(cli) == "retained"


def test_7_for_a_backfill_that_is_paused_while_it_works(cli: Cli, database: Database) -> None:
    make_users(database, rows=300)
    database.execute(SLOW)
    succeed(cli, "expand", write_plan(cli.directory, IN_SMALL_BATCHES))
    working = cli.spawn("backfill", RUN)
    await_batches(database)
    succeed(cli, "pause", RUN, "--reason", "the big sale")
    _, errors = working.communicate(timeout=60)
    assert working.returncode == 7, errors
    assert "the big sale" in errors
    assert state(cli) == "backfilling"
    assert database.execute("SELECT count(*) > 0 FROM users WHERE email_address IS NULL") == [(True,)]
    succeed(cli, "resume", RUN)
    database.execute("DROP TRIGGER a_slow ON users")
    succeed(cli, "backfill", RUN)
    assert state(cli) == "backfilled"


def test_7_where_the_time_given_is_over(cli: Cli, database: Database) -> None:
    make_users(database, rows=500)
    database.execute(SLOW)
    succeed(cli, "expand", write_plan(cli.directory, IN_SMALL_BATCHES))
    said = fail(cli, 7, "backfill", RUN, "--max-duration", "2s")
    assert "--max-duration" in said
    told = succeed(cli, "status", RUN, "--json").json()
    assert (told["state"], told["paused"]) == ("backfilling", None)
    database.execute("DROP TRIGGER a_slow ON users")
    succeed(cli, "backfill", RUN)
    assert state(cli) == "backfilled"
