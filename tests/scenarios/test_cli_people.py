"""Who may say yes, and who must not be there: approvals of people, and strangers, as a person sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .users_table import ROSTER, RUN, alive, fail, make_users, state, succeed, write_plan

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

APPROVE = ("approve", RUN, "--phase", "expand", "--role", "dba")


@pytest.fixture
def planned(cli: Cli, database: Database) -> Path:
    """A run that `eva` started, whose expand two people have to approve."""
    make_users(database)
    gates = "gates: {expand: [{approval: {role: dba, count: 2, expires: 24h}}]}\n"
    plan = write_plan(cli.directory, gates)
    succeed(cli, "start", plan, "--as", "eva")
    return plan


def approval(cli: Cli, code: int) -> dict[str, Any]:
    done = cli("gate", RUN, "--json")
    assert done.code == code, done
    (gate,) = done.json()["gates"]
    found: dict[str, Any] = gate
    return found


@pytest.mark.long
@pytest.mark.usefixtures("planned")
def test_it_takes_as_many_people_as_the_plan_says_and_not_who_started_the_run(cli: Cli) -> None:
    said = succeed(cli, *APPROVE, "--as", "Eva@laptop").stdout
    assert "Eva@laptop approves expand" in said
    assert "it does not count: eva started the run, and it takes somebody else (four eyes)" in said
    assert "it counts now" in succeed(cli, *APPROVE, "--as", "anna").stdout
    assert "it counts now" in succeed(cli, *APPROVE, "--as", "Anna").stdout
    assert "has 1, Anna (dba)" in fail(cli, 3, "expand", RUN)
    succeed(cli, *APPROVE, "--as", "bob")
    found = approval(cli, 0)
    assert found["reason"].startswith("approved by bob (dba) at ")
    assert found["evidence"]["started_by"] == "eva"
    succeed(cli, "expand", RUN)
    assert state(cli) == "expanded"


@pytest.mark.long
@pytest.mark.usefixtures("planned")
def test_an_approval_is_taken_back(cli: Cli) -> None:
    for name in ("anna", "bob"):
        succeed(cli, *APPROVE, "--as", name)
    assert approval(cli, 0)["verdict"] == "PASS"
    said = succeed(cli, *APPROVE, "--as", "bob", "--withdraw", "--reason", "wrong day").stdout
    assert "bob takes back the approval of expand" in said
    assert approval(cli, 3)["evidence"]["approvals"][0]["words"] == "withdrawn"
    assert "has not approved expand as dba" in fail(cli, 2, *APPROVE, "--as", "cleo", "--withdraw")
    history = succeed(cli, "history", RUN).stdout
    assert "approval_withdrawn" in history
    assert "wrong day" in history


@pytest.mark.long
def test_an_approval_is_void_once_the_plan_comes_to_something_else_here(
    cli: Cli, database: Database, planned: Path
) -> None:
    for name in ("anna", "bob"):
        succeed(cli, *APPROVE, "--as", name)
    database.execute("CREATE INDEX ON users (email)")
    # The last compilation is the one that is carried out, and it is no more what was approved.
    said = fail(cli, 3, "expand", planned)
    assert "that of bob does not count: void, for the plan, what it compiles to or the database is another" in said
    for name in ("anna", "bob"):
        assert "it counts now" in succeed(cli, *APPROVE, "--as", name).stdout
    succeed(cli, "expand", planned)


@pytest.mark.long
def test_who_asks_is_taken_from_the_environment_else_the_user_of_the_process(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "start", write_plan(cli.directory), env={"CROSSFADE_ACTOR": "eva@ci"})
    assert database.execute("SELECT started_by FROM crossfade.runs") == [("eva@ci",)]
    assert "it does not count" in succeed(cli, "approve", RUN, "--phase", "contract", "--as", "eva").stdout
    kept = succeed(cli, "approve", RUN, "--phase", "expand", "--as", "anna").stdout
    assert "it is kept; no gate of expand asks for an approval" in kept
    other = write_plan(cli.directory, run="another", new="mail")
    succeed(cli, "start", other)
    ((name,),) = database.execute("SELECT started_by FROM crossfade.runs WHERE name = 'another'")
    assert "@" in name
    for words, env in ((("--as", " "), None), ((), {"CROSSFADE_ACTOR": "\n"})):
        third = write_plan(cli.directory, run="third", new="address")
        assert "no readable text" in fail(cli, 2, "start", third, *words, env=env)


@pytest.mark.long
def test_a_stranger_holds_contract_back_and_is_named(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\n{ROSTER}"), "--to", "backfilled")
    database.execute("CREATE ROLE metabase_login LOGIN; GRANT SELECT ON users TO metabase_login")
    with alive(database, "api", "2.0.0", "pod-b"):
        with database.connect(user="metabase_login", application_name="Metabase") as stranger:
            said = fail(cli, 3, "contract", RUN, "--confirm", RUN)
            assert "strangers BLOCKED: not in the roster: Metabase (role metabase_login, by a Unix socket, pid " in said
            assert str(stranger.info.backend_pid) in said
            assert "under `apps` (with its `roles`) or under `ignore`" in said
        assert "strangers" in succeed(cli, "explain", write_plan(cli.directory, f"hold: 0s\n{ROSTER}")).stdout
        succeed(cli, "contract", RUN, "--confirm", RUN, "--wait", "30s")
    assert state(cli) == "contracted"


def test_a_stranger_who_is_live_when_a_plan_is_checked_is_said(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "init")
    plan = write_plan(cli.directory, ROSTER)
    with alive(database, "billing", "3.1", "pod-x"):
        (checked,) = succeed(cli, "check", plan, "--json").json()["plans"]
        assert [c["code"] for c in checked["cautions"]] == ["strangers"]
        assert "billing@3.1/pod-x" in checked["cautions"][0]["message"]
        ignoring = write_plan(cli.directory, f"{ROSTER}ignore: [{{application_name: billing}}]\n")
        (checked,) = succeed(cli, "check", ignoring, "--json").json()["plans"]
        assert checked["cautions"] == []


@pytest.mark.long
def test_who_is_ignored_holds_nothing_back(cli: Cli, database: Database) -> None:
    make_users(database)
    ignore = "ignore: [{role: 'bi_*', address: local}, {application_name: billing}]\n"
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\n{ROSTER}{ignore}"), "--to", "backfilled")
    database.execute("CREATE ROLE bi_login LOGIN; GRANT SELECT ON users TO bi_login")
    with (
        alive(database, "api", "2.0.0", "pod-b"),
        alive(database, "billing", "3.1", "pod-x"),
        database.connect(user="bi_login", application_name="Metabase"),
    ):
        succeed(cli, "contract", RUN, "--confirm", RUN)
