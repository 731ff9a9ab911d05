"""new, check and schema on files alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli

BAD = """\
crossfade: 1
name: Users
changes:
  - rename_colum: {table: users, from: email, to: email_address}
"""


def test_new_prints_a_plan_that_check_takes(offline: Cli, tmp_path: Path) -> None:
    made = offline("new", "rename_column")
    (tmp_path / "new.yaml").write_text(made.stdout)
    checked = offline("check", "new.yaml")
    assert (made.code, checked.code) == (0, 0)
    assert "no database was asked" in checked.stdout


def test_new_with_json_holds_the_same_text(offline: Cli) -> None:
    assert offline("new", "rename-column", "--json").json() == {
        "kind": "rename_column",
        "plan": offline("new", "rename_column").stdout,
    }


def test_schema_is_a_json_schema(offline: Cli) -> None:
    assert offline("schema").json()["$schema"].startswith("https://json-schema.org/")


def test_a_bad_plan_exits_2_with_every_position(offline: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    done = offline("check", "bad.yaml")
    assert done.code == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line.split(":")[:2] for line in lines] == [["bad.yaml", "2"], ["bad.yaml", "4"]]
    assert "rename_column" in lines[1]


def test_several_plans_are_all_checked(offline: Cli, tmp_path: Path, plan: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    done = offline("check", plan, "bad.yaml", "nowhere.yaml", "--json")
    document = done.json()
    assert done.code == 2
    assert document["error"]["code"] == "invalid_plan"
    assert [(p["name"], p["ok"], len(p["problems"])) for p in document["plans"]] == [
        ("users-email", True, 0),
        (None, False, 2),
        (None, False, 1),
    ]


def test_a_good_plan_has_no_error_in_its_document(offline: Cli, plan: Path) -> None:
    assert offline("check", plan, "--json").json() == {
        "plans": [
            {
                "file": str(plan),
                "name": "users-email",
                "ok": True,
                "state": None,
                "problems": [],
                "refusals": [],
                "cautions": [],
            }
        ]
    }


def test_explain_needs_a_database(offline: Cli, plan: Path) -> None:
    unreachable = {"PGHOST": "127.0.0.1", "PGPORT": "1"}
    assert offline("explain", plan, "--json", env=unreachable).json()["error"]["code"] == "database_unreachable"


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_that_the_output_cannot_show_are_escaped(offline: Cli, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "plän.yaml").write_text("")
    done = offline("check", "plän.yaml", env={"PYTHONIOENCODING": encoding})
    assert done.code == 2
    assert ("pl\\xe4n" if encoding == "ascii" else "plän") in done.stderr
    document = offline("check", "plän.yaml", "--json", env={"PYTHONIOENCODING": encoding}).stdout
    assert json.loads(document)["plans"][0]["file"] == "plän.yaml"
