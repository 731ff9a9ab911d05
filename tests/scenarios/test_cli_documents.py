"""`--json`: one document on standard output and nothing else there, with the keys that the design promises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
from ruamel.yaml import YAML

from .users_table import ROSTER, RUN, alive, fail, make_users, succeed, write_plan

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database

STATUS = {"name", "state", "paused", "failed", "next", "phases", "backfill", "gates"}
STEP = {"id", "state", "attempts", "lock_wait_ms", "duration_ms"}
PROGRESS = {
    *("rows_done", "rows_estimated", "rows_per_second", "eta_seconds", "batch_rows", "throttled_by", "fraction"),
    *("eta_p50", "eta_p90", "eta_reason", "workers", "quarantined", "waived", "wal_per_second", "batches"),
    *("working_seconds", "throttled_seconds", "verified_share"),
}
GATE = {"kind", "verdict", "mode", "reason", "evidence", "checked_at"}
EXPLAINED_STEP = {"id", "sql", "transactional", "locks", "rewrites", "scans", "undo"}
PHASES = ["expand", "backfill", "contract"]


@pytest.mark.long
def test_every_command_that_moves_a_run_answers_with_its_status(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory, f"hold: 0s\nretain: 1h\n{ROSTER}")
    commands = (
        (["start", plan], "planned"),
        (["expand", plan], "expanded"),
        (["pause", RUN, "--reason", "r"], "expanded"),
        (["resume", RUN], "expanded"),
        (["backfill", RUN], "backfilled"),
        (["contract", RUN, "--confirm", RUN], "retained"),
        (["revert", RUN, "--confirm", RUN], "backfilled"),
        (["advance", RUN, "--to", "backfilled"], "backfilled"),
        (["rollback", RUN, "--confirm", RUN], "rolled_back"),
    )
    succeed(cli, "init")
    with alive(database, "api", "2.0.0", "pod-b"):
        for command, reached in commands:
            document = succeed(cli, *command, "--json").json()
            assert document.keys() >= STATUS, command
            assert (document["name"], document["state"]) == (RUN, reached)


def test_status(cli: Cli, database: Database) -> None:
    make_users(database)
    database.execute("CREATE INDEX ON users (email)")
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\n{ROSTER}"), "--to", "backfilled")
    found = succeed(cli, "status", RUN, "--json").json()
    assert found.keys() >= STATUS
    assert (found["name"], found["state"]) == (RUN, "backfilled")
    assert found["next"].keys() >= {"action", "command", "blocked_by"}
    assert found["next"]["action"] == "contract"
    assert found["next"]["command"] == f"crossfade contract {RUN}"
    assert found["next"]["blocked_by"]
    assert list(found["phases"]) == PHASES
    for name, phase in found["phases"].items():
        assert phase.keys() >= {"state", "started_at", "finished_at", "steps"}
        assert phase["state"] == ("pending" if name == "contract" else "done")
        assert (phase["finished_at"] is None) == (name == "contract")
        assert phase["steps"]
        assert all(step.keys() >= STEP for step in phase["steps"])
        assert {step["state"] for step in phase["steps"]} == {"pending" if name == "contract" else "done"}
    (progress,) = found["backfill"].values()
    assert progress.keys() >= PROGRESS
    assert found["progress"].keys() >= PROGRESS
    for figures in (progress, found["progress"]):
        assert (figures["rows_done"], figures["rows_estimated"], figures["fraction"]) == (200, 200, 1.0)
        assert (figures["eta_seconds"], figures["verified_share"], figures["quarantined"]) == (0.0, 1.0, 0)
    assert found["gates"]["contract"]
    assert all(gate.keys() >= GATE for gate in found["gates"]["contract"])


def test_status_of_all_runs(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "init")
    assert succeed(cli, "status", "--json").json() == {"runs": [], "schedules": []}
    assert "crossfade start PLAN" in succeed(cli, "status").stdout
    succeed(cli, "start", write_plan(cli.directory))
    (found,) = succeed(cli, "status", "--json").json()["runs"]
    assert found.keys() >= STATUS
    page = succeed(cli, "status").stdout
    assert RUN in page
    assert "planned" in page


@pytest.mark.long
def test_gate(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\n{ROSTER}"), "--to", "backfilled")
    done = cli("gate", RUN, "--json")
    assert done.code == 4
    found = done.json()
    assert found.keys() >= {"phase", "verdict", "gates"}
    assert (found["phase"], found["verdict"]) == ("contract", "UNKNOWN")
    assert all(gate.keys() >= GATE for gate in found["gates"])
    # Expand and backfill have no gates unless the plan says so.
    for phase in ("expand", "backfill"):
        passed = succeed(cli, "gate", RUN, "--phase", phase, "--json").json()
        assert passed == {"phase": phase, "verdict": "PASS", "gates": []}


def test_approve(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "start", write_plan(cli.directory))
    found = succeed(cli, "approve", RUN, "--phase", "contract", "--as", "alice", "--json").json()
    assert found.keys() >= {"phase", "verdict", "gates"}
    assert (found["phase"], found["verdict"]) == ("contract", "PASS")


def test_explain(cli: Cli, database: Database) -> None:
    make_users(database)
    database.execute("CREATE INDEX ON users (email)")
    found = succeed(cli, "explain", write_plan(cli.directory), "--json").json()
    assert list(found["phases"]) == PHASES
    steps = [step for phase in found["phases"].values() for step in phase["steps"]]
    assert all(step.keys() >= EXPLAINED_STEP for step in steps)
    assert len({step["id"] for step in steps}) == len(steps)
    assert any(not step["transactional"] and "CONCURRENTLY" in " ".join(step["sql"]) for step in steps)
    assert not any(step["rewrites"] for step in steps)
    assert {"ACCESS EXCLUSIVE"} <= {lock["mode"] for step in steps for lock in step["locks"]}
    assert all(lock.keys() >= {"relation", "mode"} for step in steps for lock in step["locks"])


def test_the_steps_of_explain_are_those_of_status(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory)
    explained = succeed(cli, "explain", plan, "--json").json()["phases"]
    started = succeed(cli, "start", plan, "--json").json()["phases"]
    for phase in PHASES:
        assert [s["id"] for s in explained[phase]["steps"]] == [s["id"] for s in started[phase]["steps"]]


def test_check(cli: Cli, database: Database) -> None:
    make_users(database)
    good = write_plan(cli.directory)
    bad = cli.directory / "bad.yaml"
    bad.write_text("crossfade: 1\nname: a\nchangs: []\n", encoding="utf-8")
    done = cli("check", good, bad, "--json")
    assert done.code == 2
    document = done.json()
    assert document["error"].keys() >= {"code", "message", "hint", "location"}
    assert document["error"]["location"].startswith(f"{bad}:")
    assert [plan["ok"] for plan in document["plans"]] == [True, False]
    assert document["plans"][1]["problems"][0].keys() >= {"location", "line", "column", "message", "hint"}
    assert succeed(cli, "check", good, "--json").json()["plans"][0]["ok"] is True


def test_history(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory), "--to", "expanded")
    found = succeed(cli, "history", RUN, "--json").json()
    assert found["name"] == RUN
    assert all(event.keys() >= {"at", "kind", "actor", "data"} for event in found["events"])
    kinds = [event["kind"] for event in found["events"]]
    assert kinds[0] == "started"
    assert "step_done" in kinds
    moves = [(e["data"]["source"], e["data"]["target"]) for e in found["events"] if e["kind"] == "state_changed"]
    assert moves == [("planned", "expanding"), ("expanding", "expanded")]


ERRORS = (
    (2, ["status", "nobody"]),
    (2, ["expand", "no-such-file.yaml"]),
    (2, ["explode"]),
    (3, ["contract", RUN, "--confirm", RUN]),
    (5, ["revert", RUN, "--confirm", RUN]),
    (2, ["rollback", RUN]),
    (1, ["status", "--database", "postgresql://bob:hunter2@127.0.0.1:1/shop"]),
)


@pytest.mark.long
def test_an_error(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory), "--to", "backfilled")
    for code, arguments in ERRORS:
        done = cli(*arguments, "--json")
        assert done.code == code, done
        error = done.json()["error"]
        assert error.keys() >= {"code", "message", "hint", "location"}
        assert error["message"]
        assert "hunter2" not in done.stdout + done.stderr


def test_logs_go_to_standard_error_also_as_json(cli: Cli, database: Database) -> None:
    make_users(database)
    done = succeed(cli, "expand", write_plan(cli.directory), "--json", "--log-format", "json")
    assert done.json()["state"] == "expanded"
    records = [json.loads(line) for line in done.stderr.splitlines()]
    assert records
    assert all(record["run"] == RUN for record in records)
    assert any("step" in record and "phase" in record for record in records)


@pytest.mark.long
def test_new_and_schema(cli: Cli, database: Database) -> None:
    schema = json.loads(succeed(cli, "schema").stdout)
    assert succeed(cli, "schema", "--json").json() == schema
    template = succeed(cli, "new", "rename_column", "--json").json()["plan"]
    assert template == succeed(cli, "new", "rename_column").stdout
    jsonschema.validate(YAML(typ="safe").load(template), schema)


def test_init_doctor_and_versions(cli: Cli, database: Database) -> None:
    assert succeed(cli, "init", "--json").json()["done"]
    found = succeed(cli, "doctor", "--orphans", "--json").json()
    assert all(finding.keys() >= {"check", "level", "message", "hint"} for finding in found["findings"])
    assert {finding["check"] for finding in found["findings"]} >= {"version", "writable", "ledger", "pooler", "clock"}
    assert {finding["level"] for finding in found["findings"]} <= {"ok", "warning"}
    assert found["orphans"] == []
    assert "orphans" not in succeed(cli, "doctor", "--json").json()
    assert succeed(cli, "versions", "list", "--json").json() == {
        "versions": [],
        "matrix": [],
        "matrix_left_out": 0,
        "missing": [],
    }
    said = succeed(cli, "versions", "heartbeat", "api", "2.0.0", "--instance", "pod-b", "--json").json()
    assert said == {"app": "api", "version": "2.0.0", "instance": "pod-b", "allowed": True}
    (sighting,) = succeed(cli, "versions", "list", "--json").json()["versions"]
    assert sighting.keys() >= {"app", "version", "instance", "source", "last_seen"}


@pytest.mark.long
def test_an_answer_for_people_has_no_escapes_where_there_is_no_terminal(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory)
    for command in (
        ["check", plan],
        ["explain", plan],
        ["expand", plan],
        ["status", RUN],
        ["history", RUN],
        ["doctor"],
    ):
        done = succeed(cli, *command, "--database", database.url)
        assert "\x1b" not in done.stdout + done.stderr
    assert "\x1b" not in fail(cli, 5, "revert", RUN, "--confirm", RUN)
