"""The commands on a database: what they print, as text and as JSON, and how they exit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .conftest import PLAN

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

RUN = "users-email"


@pytest.fixture
def backfilled(cli: Cli, shop: Database, plan: Path) -> Cli:
    """A run that stands in front of contract."""
    assert cli("backfill", plan).code == 5, "backfill comes after expand"
    assert cli("expand", plan).code == 0
    done = cli("backfill", RUN)
    assert done.code == 0, done
    return cli


def test_check_with_a_database_says_so(cli: Cli, shop: Database, plan: Path) -> None:
    done = cli("check", plan)
    assert (done.code, done.stderr) == (0, "")
    assert "this database can take it" in done.stdout


def test_check_names_the_object_that_preflight_refuses(cli: Cli, shop: Database, plan: Path) -> None:
    shop.execute("CREATE VIEW addresses AS SELECT email FROM users")
    done = cli("check", plan)
    assert done.code == 2
    assert "addresses" in done.stderr
    document = cli("check", plan, "--json").json()
    assert document["error"]["code"] == "preflight_refused"
    assert any("addresses" in r["object"] + r["message"] for r in document["plans"][0]["refusals"])
    assert cli("check", plan, "--no-database").code == 0


def test_check_fails_where_a_configured_database_cannot_be_reached(offline: Cli, plan: Path) -> None:
    done = offline("check", plan, "--database", "postgresql://boss:s3cret@127.0.0.1:1/shop")
    assert done.code == 1
    assert "--no-database" in done.stderr
    assert "s3cret" not in done.stderr


def test_explain_prints_statements_locks_undo_and_gates(cli: Cli, shop: Database, plan: Path) -> None:
    page = cli("explain", plan)
    assert page.code == 0
    for words in ("EXPAND", "BACKFILL", "CONTRACT", "lock: ACCESS EXCLUSIVE on", "for an instant", "undo:", "gate: "):
        assert words in page.stdout


def test_status_says_what_is_next_and_who_blocks(backfilled: Cli) -> None:
    page = backfilled("status", RUN).stdout
    for words in (
        f"{RUN}: backfilled",
        f"next: crossfade contract {RUN}",
        "what stands in the way",
        "gates of contract",
    ):
        assert words in page
    table = backfilled("status").stdout
    assert RUN in table
    assert "backfilled" in table


def test_an_unknown_run_exits_2(cli: Cli, database: Database) -> None:
    assert cli("init").code == 0
    done = cli("status", "nobody", "--json")
    assert (done.code, done.json()["error"]["code"]) == (2, "unknown_run")


def test_gate_shows_the_evidence_and_exits_by_the_verdict(backfilled: Cli) -> None:
    document = backfilled("gate", RUN, "--json")
    assert document.code in {3, 4}
    assert set(document.json()) >= {"phase", "verdict", "gates"}
    gate = document.json()["gates"][0]
    assert set(gate) >= {"kind", "verdict", "mode", "reason", "evidence", "checked_at"}
    page = backfilled("gate", RUN, "--phase", "contract")
    assert page.code == document.code
    assert gate["reason"] in page.stdout
    assert backfilled("gate", RUN, "--phase", "expand").code == 0


def test_a_refused_contract_names_the_gate(backfilled: Cli) -> None:
    done = backfilled("contract", RUN, "--confirm", RUN)
    assert done.code in {3, 4}
    assert done.stdout == ""
    assert "approval" in done.stderr


def test_contract_without_a_terminal_wants_the_name(backfilled: Cli) -> None:
    assert backfilled("approve", RUN, "--phase", "contract", "--as", "ana").code == 0
    unconfirmed = backfilled("contract", RUN, "--yes", "--json")
    assert unconfirmed.code == 2
    assert unconfirmed.json()["error"]["hint"] == f"Add: --confirm {RUN}"
    assert backfilled("contract", RUN, "--confirm", "other").code == 2
    assert backfilled("status", RUN, "--json").json()["state"] == "backfilled"
    done = backfilled("contract", RUN, "--confirm", RUN, "--json")
    assert (done.code, done.json()["state"]) == (0, "contracted")
    assert backfilled("contract", RUN).code == 0, "what is done wants no confirmation"


def test_rollback_after_expand_wants_the_name(cli: Cli, shop: Database, plan: Path) -> None:
    assert cli("expand", plan).code == 0
    assert cli("rollback", RUN).code == 2
    done = cli("rollback", RUN, "--confirm", RUN, "--json")
    assert (done.code, done.json()["state"]) == (0, "rolled_back")


def test_rollback_of_a_planned_run_asks_nothing(cli: Cli, shop: Database, plan: Path) -> None:
    assert cli("start", plan).code == 0
    assert cli("rollback", RUN, "--json").json()["state"] == "rolled_back"


def test_revert_wants_the_name(cli: Cli, shop: Database, plan: Path) -> None:
    plan.write_text(f"{PLAN}retain: 1h\n")
    assert cli("start", plan).code == 0
    assert cli("approve", RUN, "--phase", "contract", "--as", "ana").code == 0
    assert cli("advance", RUN, "--to", "retained").code == 0
    unconfirmed = cli("revert", RUN, "--yes", "--json")
    assert unconfirmed.code == 2
    assert unconfirmed.json()["error"]["hint"] == f"Add: --confirm {RUN}"
    assert cli("revert", RUN, "--confirm", "other").code == 2
    assert cli("status", RUN, "--json").json()["state"] == "retained"
    done = cli("revert", RUN, "--confirm", RUN, "--json")
    assert (done.code, done.json()["state"]) == (0, "backfilled")
    again = cli("revert", RUN, "--confirm", RUN)
    assert (again.code, again.stdout) == (5, "")


def test_history_is_the_record_oldest_first(backfilled: Cli) -> None:
    events = backfilled("history", RUN, "--json").json()["events"]
    assert events[0]["kind"] == "started"
    assert [e["at"] for e in events] == sorted(e["at"] for e in events)
    lines = backfilled("history", RUN).stdout.splitlines()
    assert lines[0].split() == ["AT", "EVENT", "BY", "FACTS"]
    assert len(lines) == len(events) + 1


def test_a_changed_plan_is_a_conflict(cli: Cli, shop: Database, plan: Path) -> None:
    assert cli("start", plan).code == 0
    plan.write_text(PLAN.replace("hold: 0s", "hold: 1s"))
    assert cli("start", plan, "--json").json()["error"]["code"] == "plan_changed"
    assert cli("start", plan).code == 5


def test_the_options_may_stand_before_the_command(cli: Cli, database: Database) -> None:
    assert cli("--json", "--database", database.url, "doctor", env={"CROSSFADE_DATABASE_URL": ""}).json()["findings"]


def test_the_env_file_names_the_database(offline: Cli, database: Database, tmp_path: Path) -> None:
    (tmp_path / "dev.env").write_text(f'CROSSFADE_DATABASE_URL="{database.url}"\n')
    nowhere = {"PGHOST": "127.0.0.1", "PGPORT": "1"}
    assert offline("init", env=nowhere).code == 1
    assert offline("init", "--env-file", "dev.env", env=nowhere).code == 0
    assert database.execute("SELECT to_regnamespace('crossfade') IS NOT NULL") == [(True,)]


def test_the_projects_setting_names_the_database(offline: Cli, database: Database, tmp_path: Path) -> None:
    (tmp_path / "crossfade.toml").write_text(f"database = '{database.url}'\n")
    assert offline("doctor", "--json").code == 0


def test_progress_goes_to_standard_error(cli: Cli, shop: Database, plan: Path) -> None:
    done = cli("expand", plan, "--json", "--log-format", "json")
    assert done.json()["state"] == "expanded"
    records = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"state_changed", "step_done"} <= {r["event"] for r in records}
    assert all(r["run"] == RUN for r in records)
    assert {r["phase"] for r in records if r["event"] == "step_done"} == {"expand"}
