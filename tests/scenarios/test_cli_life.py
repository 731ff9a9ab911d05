"""The whole life of a rename, as a person takes it through the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..fixtures.long import few_of
from .users_table import (
    BOTH,
    ROSTER,
    RUN,
    alive,
    columns,
    fail,
    has_ledger,
    make_users,
    sight,
    state,
    succeed,
    values,
    write_plan,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

QUICK = {"# ttl: 60s": "ttl: 5s", "# hold: 10m": "hold: 1s"}
"""What is changed in the plan that `new` prints: its own times are for people."""


def from_template(cli: Cli) -> Path:
    """The plan that `crossfade new` prints, with shorter times."""
    text = succeed(cli, "new", "rename-column").stdout
    for written, shorter in QUICK.items():
        assert text.count(written) == 1
        text = text.replace(written, shorter)
    path = cli.directory / "rename.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_from_a_new_plan_to_contracted(cli: Cli, database: Database) -> None:
    make_users(database)
    before, people = database.dump(), values(database, "email")
    plan = from_template(cli)

    assert "valid" in succeed(cli, "check", plan).stdout
    page = succeed(cli, "explain", plan).stdout
    assert all(word in page for word in ("EXPAND", "BACKFILL", "CONTRACT", "ADD COLUMN", "email_address", "lock"))
    assert not has_ledger(database)
    assert database.dump() == before

    assert "planned" in succeed(cli, "start", plan).stdout
    assert state(cli) == "planned"
    assert columns(database) == ["id", "email", "name"]
    succeed(cli, "expand", RUN)
    assert state(cli) == "expanded"
    assert columns(database) == BOTH
    succeed(cli, "backfill", RUN)
    assert state(cli) == "backfilled"
    assert values(database, "email_address") == people == values(database, "email")

    with alive(database, "api", "2.0.0", "pod-b"):
        with alive(database, "api", "1.4.0", "pod-a"):
            assert "1.4.0" in fail(cli, 3, "contract", RUN, "--confirm", RUN)
        succeed(cli, "contract", RUN, "--confirm", RUN, "--wait", "30s")
    assert state(cli) == "contracted"
    assert columns(database) == ["id", "email_address", "name"]
    assert values(database, "email_address") == people
    database.execute("ALTER TABLE users RENAME COLUMN email_address TO email")
    assert database.dump() == before
    assert "contracted" in succeed(cli, "history", RUN).stdout


@pytest.mark.long
def test_both_names_hold_the_same_whichever_is_written(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory), "--to", "backfilled")
    database.execute(
        "UPDATE users SET email = 'old@x' WHERE id = 1; UPDATE users SET email_address = 'new@x' WHERE id = 2"
    )
    database.execute(
        "INSERT INTO users (id, email) VALUES (901, 'a@x'); INSERT INTO users (id, email_address) VALUES (902, 'b@x')"
    )
    found = database.execute("SELECT id, email, email_address FROM users WHERE id IN (1, 2, 901, 902) ORDER BY id")
    assert found == [
        (1, "old@x", "old@x"),
        (2, "new@x", "new@x"),
        (901, "a@x", "a@x"),
        (902, "b@x", "b@x"),
    ]


@pytest.mark.parametrize("reached", few_of(["planned", "expanded", "backfilled"], {"backfilled"}))
def test_a_rollback_leaves_everything_as_it_was(cli: Cli, database: Database, reached: str) -> None:
    make_users(database)
    before, people = database.dump(), values(database, "email")
    succeed(cli, "advance", write_plan(cli.directory), "--to", reached)
    succeed(cli, "rollback", RUN, "--confirm", RUN)
    assert state(cli) == "rolled_back"
    assert database.dump() == before
    assert values(database, "email") == people


@pytest.mark.long
def test_what_was_written_by_the_new_name_is_there_after_a_rollback(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory), "--to", "expanded")
    database.execute("INSERT INTO users (id, email_address) VALUES (901, 'new@x')")
    succeed(cli, "rollback", RUN, "--confirm", RUN)
    assert database.execute("SELECT email FROM users WHERE id = 901") == [("new@x",)]


@pytest.mark.long
def test_after_a_rollback_the_plan_can_be_started_again(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory)
    succeed(cli, "advance", plan, "--to", "backfilled")
    succeed(cli, "rollback", RUN, "--confirm", RUN)
    succeed(cli, "advance", plan, "--to", "backfilled")
    assert state(cli) == "backfilled"
    assert columns(database) == BOTH


@pytest.mark.long
def test_retained_can_be_reverted_and_contracted_again(cli: Cli, database: Database) -> None:
    make_users(database)
    people = values(database, "email")
    plan = write_plan(cli.directory, f"hold: 0s\nretain: 1h\n{ROSTER}")
    succeed(cli, "advance", plan, "--to", "backfilled")
    with alive(database, "api", "2.0.0", "pod-b"):
        for _ in range(2):
            assert "retained" in succeed(cli, "contract", RUN, "--confirm", RUN).stdout
            assert "email" not in columns(database)
            assert values(database, "email_address") == people
            # Nothing shows the hidden data under a name that an app could mistake for its own.
            assert sum("crossfade" in name for name in columns(database)) == 1
            succeed(cli, "revert", RUN, "--confirm", RUN)
            assert state(cli) == "backfilled"
            assert sorted(columns(database)) == sorted(BOTH)
            assert values(database, "email") == people == values(database, "email_address")


@pytest.mark.long
def test_what_is_written_in_retained_is_there_after_a_revert(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\nretain: 1h\n{ROSTER}"), "--to", "backfilled")
    sight(database, "api", "2.0.0", "pod-b")
    succeed(cli, "contract", RUN, "--confirm", RUN)
    database.execute("INSERT INTO users (id, email_address) VALUES (901, 'late@x')")
    database.execute("UPDATE users SET email_address = 'changed@x' WHERE id = 1")
    succeed(cli, "revert", RUN, "--confirm", RUN)
    found = database.execute("SELECT id, email, email_address FROM users WHERE id IN (1, 901) ORDER BY id")
    assert found == [(1, "changed@x", "changed@x"), (901, "late@x", "late@x")]


def test_contract_drops_what_is_retained_once_its_time_is_over(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\nretain: 2s\n{ROSTER}"), "--to", "backfilled")
    sight(database, "api", "2.0.0", "pod-b")
    succeed(cli, "contract", RUN, "--confirm", RUN, "--wait", "30s")
    assert state(cli) == "contracted"
    assert columns(database) == ["id", "email_address", "name"]
    assert "No orphans" in succeed(cli, "doctor", "--orphans").stdout


def test_contract_does_not_drop_what_is_still_retained(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\nretain: 1h\n{ROSTER}"), "--to", "backfilled")
    sight(database, "api", "2.0.0", "pod-b")
    succeed(cli, "contract", RUN, "--confirm", RUN)
    assert "retained until" in fail(cli, 3, "contract", RUN, "--confirm", RUN)
    assert state(cli) == "retained"
    page = succeed(cli, "status", RUN).stdout
    assert "the old data is kept until" in page


def test_a_paused_run_moves_again_only_after_resume(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory)
    succeed(cli, "expand", plan)
    # Brackets are markup to whoever prints them carelessly.
    assert "  - paused: [the big sale]" in succeed(cli, "pause", RUN, "--reason", "[the big sale]").stdout.splitlines()
    assert "paused: [the big sale]" in succeed(cli, "status", RUN).stdout.splitlines()
    said = fail(cli, 7, "backfill", RUN)
    assert "[the big sale]" in said
    assert not said.splitlines()[-1].startswith("error")
    assert state(cli) == "expanded"
    told = succeed(cli, "status", RUN, "--json").json()
    assert told["paused"] == "[the big sale]"
    assert told["next"] == {
        "action": "resume",
        "command": f"crossfade resume {RUN}",
        "blocked_by": ["paused: [the big sale]"],
    }
    succeed(cli, "resume", RUN)
    succeed(cli, "backfill", RUN)
    assert state(cli) == "backfilled"


def test_a_paused_run_can_be_rolled_back(cli: Cli, database: Database) -> None:
    make_users(database)
    before = database.dump()
    succeed(cli, "expand", write_plan(cli.directory))
    succeed(cli, "pause", RUN, "--reason", "wait")
    succeed(cli, "rollback", RUN, "--confirm", RUN)
    assert database.dump() == before


@pytest.mark.parametrize("goal", few_of(["expanded", "backfilled"], {"expanded"}))
def test_advance_goes_to_the_state_it_is_told(cli: Cli, database: Database, goal: str) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory), "--to", goal)
    assert state(cli) == goal
    # It is there already.
    assert succeed(cli, "advance", RUN, "--to", goal, "--json").json()["state"] == goal
    assert state(cli) == goal


def test_advance_alone_goes_as_far_as_the_gates_let_it(cli: Cli, database: Database) -> None:
    make_users(database)
    fail(cli, 3, "advance", write_plan(cli.directory))
    assert state(cli) == "backfilled"
    assert columns(database) == BOTH


def test_a_phase_can_be_asked_for_with_the_plan_or_with_the_name(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory)
    succeed(cli, "expand", plan)
    succeed(cli, "backfill", RUN)
    told = succeed(cli, "status", plan, "--json").json()
    assert (told["name"], told["state"]) == (RUN, "backfilled")
    assert succeed(cli, "gate", plan, "--phase", "expand", "--json").json()["phase"] == "expand"
    assert succeed(cli, "history", plan, "--json").json()["name"] == RUN
    succeed(cli, "rollback", plan, "--confirm", RUN)
    assert state(cli) == "rolled_back"


@pytest.mark.long
def test_a_phase_that_is_done_is_done_when_asked_for_again(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory)
    for command in ("start", "expand", "backfill"):
        for _ in range(2):
            succeed(cli, command, plan)
    assert state(cli) == "backfilled"


@pytest.mark.long
def test_two_plans_are_carried_out_side_by_side(cli: Cli, database: Database) -> None:
    make_users(database)
    one = write_plan(cli.directory, file="one.yaml")
    two = write_plan(cli.directory, file="two.yaml", run="users-full-name", old="name", new="full_name")
    before = database.dump()
    succeed(cli, "expand", one)
    succeed(cli, "expand", two)
    succeed(cli, "backfill", one)
    succeed(cli, "backfill", two)
    runs = succeed(cli, "status", "--json").json()["runs"]
    assert {run["name"]: run["state"] for run in runs} == {RUN: "backfilled", "users-full-name": "backfilled"}
    succeed(cli, "rollback", RUN, "--confirm", RUN)
    assert columns(database) == ["id", "email", "name", "full_name"]
    database.execute("UPDATE users SET full_name = 'Alice' WHERE id = 1")
    assert database.execute("SELECT name FROM users WHERE id = 1") == [("Alice",)]
    succeed(cli, "rollback", "users-full-name", "--confirm", "users-full-name")
    assert database.dump() == before


@pytest.mark.long
def test_two_changes_in_one_plan(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = cli.directory / "plan.yaml"
    plan.write_text(
        "crossfade: 1\nname: two-names\nhold: 0s\nchanges:\n"
        "  - rename_column: {table: users, from: email, to: email_address}\n"
        "  - rename_column: {table: users, from: name, to: full_name}\n",
        encoding="utf-8",
    )
    emails, names = values(database, "email"), values(database, "name")
    succeed(cli, "advance", plan, "--to", "backfilled")
    succeed(cli, "approve", "two-names", "--phase", "contract", "--as", "alice")
    succeed(cli, "contract", "two-names", "--confirm", "two-names")
    assert columns(database) == ["id", "email_address", "full_name"]
    assert values(database, "email_address") == emails
    assert values(database, "full_name") == names


def test_the_sql_of_explain_is_what_does_it(cli: Cli, database: Database) -> None:
    make_users(database)
    script = succeed(cli, "explain", write_plan(cli.directory), "--sql").stdout
    assert not has_ledger(database)
    succeed(cli, "init")
    people = values(database, "email")
    database.execute(script)
    assert columns(database) == ["id", "email_address", "name"]
    assert values(database, "email_address") == people


@pytest.mark.long
def test_an_empty_table_goes_through_all_phases(cli: Cli, database: Database) -> None:
    make_users(database, rows=0)
    plan = write_plan(cli.directory, "hold: 0s\n")
    succeed(cli, "advance", plan, "--to", "backfilled")
    succeed(cli, "approve", RUN, "--phase", "contract", "--as", "alice")
    succeed(cli, "contract", RUN, "--confirm", RUN)
    assert columns(database) == ["id", "email_address", "name"]


def test_names_with_quotes_go_through_all_phases(cli: Cli, database: Database) -> None:
    database.execute('CREATE SCHEMA "My.Schema"')
    database.execute('CREATE TABLE "My.Schema"."Us""ers" (id int PRIMARY KEY, "E-""mail"" %s" text)')
    database.execute("""INSERT INTO "My.Schema"."Us""ers" VALUES (1, 'a')""")
    plan = write_plan(
        cli.directory, "hold: 0s\n", table='"My.Schema"."Us""ers"', old='E-"mail" %s', new="it's {}; DROP TABLE x --"
    )
    for command in ("check", "explain", "start", "expand", "backfill", "status"):
        succeed(cli, command, plan)
    succeed(cli, "approve", RUN, "--phase", "contract", "--as", 'Al"ice; --')
    succeed(cli, "contract", RUN, "--confirm", RUN)
    assert columns(database, '"My.Schema"."Us""ers"') == ["id", "it's {}; DROP TABLE x --"]
    assert database.execute('SELECT * FROM "My.Schema"."Us""ers"') == [(1, "a")]
    assert 'Al"ice; --' in succeed(cli, "history", RUN).stdout
