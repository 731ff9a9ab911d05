"""What stands in front of contract, as a person sees it: who is live, who wrote the old way, who approved."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.conninfo import make_conninfo

from .users_table import (
    BOTH,
    ROSTER,
    RUN,
    alive,
    await_line,
    columns,
    fail,
    make_users,
    sight,
    state,
    succeed,
    write_plan,
)

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database


def backfill(cli: Cli, database: Database, extra: str) -> None:
    """A run in state `backfilled`, whose plan has this besides."""
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, extra), "--to", "backfilled")


def gate(cli: Cli, code: int, *arguments: str) -> dict[str, dict[str, Any]]:
    """The gates of contract by kind, from `gate --json`, which has to exit with this code."""
    done = cli("gate", RUN, "--json", *arguments)
    assert done.code == code, done
    document = done.json()
    assert document["phase"] == "contract"
    assert document["verdict"] in {0: {"PASS"}, 3: {"BLOCKED"}, 4: {"UNKNOWN", "ERROR"}}[code]
    return {g["kind"]: g for g in document["gates"]}


def test_v1_alive_blocks_and_is_named_with_version_instance_and_time(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER}")
    with alive(database, "api", "1.4.0", "pod-a"), alive(database, "api", "2.0.0", "pod-b"):
        found = gate(cli, 3)["app_version"]
        assert found["verdict"] == "BLOCKED"
        evidence = str(found["evidence"])
        assert all(word in evidence for word in ("api", "1.4.0", "pod-a"))
        said = fail(cli, 3, "contract", RUN, "--confirm", RUN)
        assert all(word in said for word in ("api", "1.4.0", "pod-a"))
        assert "seen" in said
        page = cli("gate", RUN)
        assert page.code == 3
        assert all(word in page.stdout for word in ("BLOCKED", "1.4.0", "pod-a"))
        assert any("1.4.0" in b for b in succeed(cli, "status", RUN, "--json").json()["next"]["blocked_by"])
    assert state(cli) == "backfilled"
    assert columns(database) == BOTH


def test_no_sighting_at_all_is_unknown(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER}")
    assert gate(cli, 4)["app_version"]["verdict"] == "UNKNOWN"
    assert "api" in fail(cli, 4, "contract", RUN, "--confirm", RUN)
    assert state(cli) == "backfilled"
    assert columns(database) == BOTH


@pytest.mark.long
def test_v1_seen_once_and_now_silent_is_no_proof(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER}")
    sight(database, "api", "1.4.0", "pod-a")
    done = cli("contract", RUN, "--confirm", RUN, "--wait", "5s")
    assert done.code in {3, 4}, done
    assert state(cli) == "backfilled"


def test_only_v2_alive_passes(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER}")
    with alive(database, "api", "2.0.0", "pod-b"):
        gate(cli, 0)
        succeed(cli, "contract", RUN, "--confirm", RUN)
    assert state(cli) == "contracted"


def test_a_connection_that_says_it_is_v1_blocks_too(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER}")
    with alive(database, "api", "2.0.0", "pod-b"):
        with database.connect(application_name="api@1.4.0"):
            said = fail(cli, 3, "contract", RUN, "--confirm", RUN)
            assert "1.4.0" in said
        succeed(cli, "contract", RUN, "--confirm", RUN, "--wait", "30s")


@pytest.mark.long
def test_an_app_that_nobody_sighted_keeps_it_unknown(cli: Cli, database: Database) -> None:
    backfill(cli, database, f'hold: 0s\n{ROSTER}  worker: {{scheme: integer, new: ">=7"}}\n')
    with alive(database, "api", "2.0.0", "pod-b"):
        assert "worker" in fail(cli, 4, "contract", RUN, "--confirm", RUN)
        with alive(database, "worker", "7", "w-1"):
            succeed(cli, "contract", RUN, "--confirm", RUN)


@pytest.mark.long
def test_fewer_instances_than_expected_keep_it_unknown(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER.replace('ttl', 'expect: 2, ttl')}")
    with alive(database, "api", "2.0.0", "pod-b"):
        fail(cli, 4, "contract", RUN, "--confirm", RUN)
        with alive(database, "api", "2.0.1", "pod-c"):
            succeed(cli, "contract", RUN, "--confirm", RUN)


@pytest.mark.long
def test_a_version_that_cannot_be_read_does_not_pass(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER}")
    with alive(database, "api", "2.0.0", "pod-b"), alive(database, "api", "main-ab12cd3", "pod-c"):
        done = cli("contract", RUN, "--confirm", RUN)
        assert done.code in {3, 4}, done
        assert "main-ab12cd3" in done.stderr


def test_a_legacy_write_within_hold_blocks_although_v1_is_silent(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 1h\n{ROSTER}")
    with database.connect(application_name="nightly-import", autocommit=True) as forgotten:
        forgotten.execute("UPDATE users SET email = 'x@y' WHERE id = 1")
    with alive(database, "api", "2.0.0", "pod-b"):
        found = gate(cli, 3)
        assert found["legacy_writes"]["verdict"] == "BLOCKED"
        assert "nightly-import" in str(found["legacy_writes"])
        assert "nightly-import" in fail(cli, 3, "contract", RUN, "--confirm", RUN)
    assert state(cli) == "backfilled"


@pytest.mark.long
def test_contract_passes_once_legacy_writes_are_older_than_hold(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 3s\n{ROSTER}")
    database.execute("UPDATE users SET email = 'x@y' WHERE id = 1")
    with alive(database, "api", "2.0.0", "pod-b"):
        gate(cli, 3)
        succeed(cli, "contract", RUN, "--confirm", RUN, "--wait", "30s")
    assert database.execute("SELECT email_address FROM users WHERE id = 1") == [("x@y",)]


@pytest.mark.long
def test_a_write_by_the_new_name_is_no_legacy_write(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 1h\n{ROSTER}")
    database.execute("UPDATE users SET email_address = 'x@y' WHERE id = 1")
    database.execute(
        "UPDATE users SET name = 'x' WHERE id = 2; INSERT INTO users (id, email_address) VALUES (901, 'z')"
    )
    evidence = gate(cli, 4)["legacy_writes"]["evidence"]
    assert (evidence["writers"], evidence["open_transactions"], evidence["last_write"]) == ([], [], None)
    assert database.execute("SELECT count(*) FROM crossfade.legacy_writes") == [(0,)]
    # One of the other kind would have been seen.
    with database.connect(application_name="nightly-import", autocommit=True) as forgotten:
        forgotten.execute("UPDATE users SET email = 'x@y' WHERE id = 3")
    (writer,) = gate(cli, 3)["legacy_writes"]["evidence"]["writers"]
    assert (writer["application_name"], writer["column"]) == ("nightly-import", "email")


@pytest.mark.long
def test_hold_has_to_pass_without_a_break(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 1h\n{ROSTER}")
    with alive(database, "api", "2.0.0", "pod-b"):
        assert gate(cli, 3)["app_version"]["verdict"] == "BLOCKED"
        assert "1h" in fail(cli, 3, "contract", RUN, "--confirm", RUN)
    assert state(cli) == "backfilled"


@pytest.mark.long
def test_triggers_that_are_switched_off_do_not_pass(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER}")
    database.execute("ALTER TABLE users DISABLE TRIGGER USER")
    with alive(database, "api", "2.0.0", "pod-b"):
        assert "is disabled now" in fail(cli, 5, "contract", RUN, "--confirm", RUN)
        assert "this cannot be accepted" in fail(cli, 5, "resume", RUN, "--accept-changes")
    assert columns(database) == BOTH


def test_without_apps_contract_needs_an_approval(cli: Cli, database: Database) -> None:
    backfill(cli, database, "")
    assert gate(cli, 3)["approval"]["verdict"] == "BLOCKED"
    said = fail(cli, 3, "contract", RUN, "--confirm", RUN)
    assert f"crossfade approve {RUN} --phase contract" in said
    succeed(cli, "approve", RUN, "--phase", "contract", "--as", "alice", "--reason", "all pods are new")
    assert gate(cli, 0)["approval"]["verdict"] == "PASS"
    assert "alice" in str(gate(cli, 0)["approval"])
    succeed(cli, "contract", RUN, "--confirm", RUN)
    assert state(cli) == "contracted"
    page = succeed(cli, "history", RUN).stdout
    assert "alice" in page
    assert "all pods are new" in page


@pytest.mark.long
def test_an_approval_of_another_phase_does_not_count(cli: Cli, database: Database) -> None:
    backfill(cli, database, "")
    succeed(cli, "approve", RUN, "--phase", "expand", "--as", "alice")
    fail(cli, 3, "contract", RUN, "--confirm", RUN)


@pytest.mark.long
def test_an_approval_is_void_for_another_plan_of_the_same_name(cli: Cli, database: Database) -> None:
    backfill(cli, database, "")
    succeed(cli, "approve", RUN, "--phase", "contract", "--as", "alice")
    gate(cli, 0)
    succeed(cli, "rollback", RUN, "--confirm", RUN)
    succeed(cli, "advance", write_plan(cli.directory, new="address"), "--to", "backfilled")
    gate(cli, 3)
    fail(cli, 3, "contract", RUN, "--confirm", RUN)
    assert columns(database) == ["id", "email", "name", "address"]


@pytest.mark.long
def test_an_approval_by_another_role_does_not_count(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER}gates: {{contract: [{{approval: {{role: release-coordinator}}}}]}}\n")
    with alive(database, "api", "2.0.0", "pod-b"):
        assert "release-coordinator" in fail(cli, 3, "contract", RUN, "--confirm", RUN)
        succeed(cli, "approve", RUN, "--phase", "contract", "--as", "bob", "--role", "intern")
        fail(cli, 3, "contract", RUN, "--confirm", RUN)
        succeed(cli, "approve", RUN, "--phase", "contract", "--as", "alice", "--role", "release-coordinator")
        succeed(cli, "contract", RUN, "--confirm", RUN)


@pytest.mark.parametrize(
    ("phase", "before"), [pytest.param("expand", "planned", marks=pytest.mark.long), ("backfill", "expanded")]
)
def test_a_plan_can_put_an_approval_before_any_phase(cli: Cli, database: Database, phase: str, before: str) -> None:
    make_users(database)
    plan = write_plan(cli.directory, f"gates: {{{phase}: [{{approval: {{role: dba}}}}]}}\n")
    succeed(cli, "start", plan)
    fail(cli, 3, "advance", RUN, "--to", "backfilled")
    assert state(cli) == before
    succeed(cli, "approve", RUN, "--phase", phase, "--as", "alice", "--role", "dba")
    succeed(cli, "advance", RUN, "--to", "backfilled")


def test_a_gate_that_only_observes_is_shown_and_never_blocks(cli: Cli, database: Database) -> None:
    extra = "gates: {contract: [{approval: {role: dba, mode: observe}}]}\n"
    backfill(cli, database, f"hold: 0s\n{ROSTER}{extra}")
    with alive(database, "api", "2.0.0", "pod-b"):
        found = gate(cli, 0)["approval"]
        assert (found["mode"], found["verdict"]) == ("observe", "BLOCKED")
        succeed(cli, "contract", RUN, "--confirm", RUN)


def test_gate_waits_until_it_passes(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 2s\n{ROSTER}")
    with alive(database, "api", "2.0.0", "pod-b"):
        gate(cli, 0, "--wait", "30s")


def test_rows_that_were_set_apart_stop_contract_before_anything_is_hidden(cli: Cli, database: Database) -> None:
    backfill(cli, database, "")
    succeed(cli, "approve", RUN, "--phase", "contract", "--as", "alice")
    database.execute(
        "ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET email = 'apart@x' WHERE id = 7;"
        " ALTER TABLE users ENABLE TRIGGER USER"
    )
    # ENABLE TRIGGER makes them ordinary ones; ours are to fire always.
    triggers = database.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal")
    with database.connect() as admin:
        for (name,) in triggers:
            admin.execute(f'ALTER TABLE users ENABLE ALWAYS TRIGGER "{name}"')
    said = fail(cli, 1, "contract", RUN, "--confirm", RUN)
    assert "7" in said
    assert "email_address" in said
    assert state(cli) == "backfilled"
    assert columns(database) == BOTH
    assert succeed(cli, "status", RUN, "--json").json()["failed"]["code"] == "verification_failed"


def test_a_pipeline_asks_whether_a_version_can_be_deployed(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory, f"hold: 0s\nretain: 1d\n{ROSTER}")

    def answers(version: str) -> tuple[int, object, str]:
        done = cli("can-i-run", "api", version, "--json")
        assert set(done.json()) == {"app", "version", "allowed", "reason"}
        return done.code, done.json()["allowed"], done.json()["reason"]

    succeed(cli, "init")
    assert answers("2.0.0")[:2] == (0, True)
    succeed(cli, "expand", plan)
    assert answers("1.4.0")[:2] == (0, True)
    assert answers("2.0.0")[:2] == (3, False)
    assert answers("latest")[:2] == (4, None)
    assert "expanded" in cli("can-i-run", "api", "2.0.0").stdout
    succeed(cli, "backfill", RUN)
    assert answers("2.0.0")[:2] == answers("1.4.0")[:2] == (0, True)
    with alive(database, "api", "2.0.0", "pod-b"):
        succeed(cli, "contract", RUN, "--confirm", RUN)
    assert answers("2.0.0")[:2] == (0, True)
    assert answers("1.4.0")[:2] == (3, False)
    assert ">=2.0.0" in answers("1.4.0")[2]
    succeed(cli, "revert", RUN, "--confirm", RUN)
    assert answers("1.4.0")[:2] == (0, True)
    assert database.execute("SELECT DISTINCT source FROM crossfade.sightings") == [("heartbeat",)]


def test_an_app_reports_itself_by_the_command_line_with_no_other_rights(cli: Cli, database: Database) -> None:
    succeed(cli, "init")
    database.execute("CREATE ROLE app_cli_login LOGIN; GRANT crossfade_app TO app_cli_login")
    as_app = {"CROSSFADE_DATABASE_URL": make_conninfo(database.url, user="app_cli_login")}
    assert cli("versions", "heartbeat", "api", "2.0.0", "--instance", "cli", env=as_app).code == 0
    assert database.execute("SELECT version, role_name FROM crossfade.sightings") == [("2.0.0", "app_cli_login")]
    refused = cli("gate", RUN, env=as_app)
    assert refused.code == 1
    assert "needs the rights of the role that ran crossfade init" in refused.stderr


def test_the_gates_ahead_are_those_of_the_first_phase_with_something_to_do(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = cli.directory / "data.yaml"
    plan.write_text(
        "crossfade: 1\nname: data\nchanges:\n  - update_rows: {table: users, set: {name: upper(name)}}\n"
        "gates: {backfill: [approval: {role: dba}]}\n",
        encoding="utf-8",
    )
    succeed(cli, "start", plan)
    asked = cli("gate", "data", "--json")
    assert (asked.code, asked.json()["phase"]) == (3, "backfill")
    assert "waits for an approval" in succeed(cli, "status", "data", "--json").json()["next"]["blocked_by"][0]


def test_an_open_transaction_in_which_an_app_reported_itself_is_named(cli: Cli, database: Database) -> None:
    backfill(cli, database, f"hold: 0s\n{ROSTER}")
    with alive(database, "api", "2.0.0", "pod-b"), database.connect(application_name="api@2.0.0/pod-z") as app:
        app.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-z'), pg_sleep(1.1)")
        contract = cli.spawn("contract", RUN, "--confirm", RUN)
        await_line(contract, "fence")
        (blocked,) = succeed(cli, "status", RUN, "--json").json()["next"]["blocked_by"]
        assert "contract would wait for a transaction in which an app reported itself to end" in blocked
        assert f"pid {app.info.backend_pid}" in blocked
        contract.send_signal(signal.SIGTERM)
        assert contract.wait(60) == 130
    assert state(cli) == "backfilled"
