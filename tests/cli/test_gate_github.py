"""Verdicts as GitHub Actions takes them: a line for each gate whatever is in it, and a row of as many cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.cli.gate_github import commands, failure, summary

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

RUN = "users-email"
PROPERTY = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}


def gate(verdict: str = "BLOCKED", *, reason: str = "why", **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"mode": "enforce", "hint": None, "evidence": {}, "checked_at": "2026-11-26T12:00:00+00:00"}
    return {"kind": "app_version", "verdict": verdict, "reason": reason, **given, **more}


def document(*gates: dict[str, Any], verdict: str = "BLOCKED") -> dict[str, Any]:
    return {"phase": "contract", "verdict": verdict, "gates": list(gates)}


OVERRIDE = {"by": "ada", "reason": "INC-42", "until": "2026-11-26T13:00:00+00:00"}


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (gate("PASS"), "notice"),
        (gate("BLOCKED"), "error"),
        (gate("UNKNOWN"), "error"),
        (gate("ERROR"), "error"),
        (gate("BLOCKED", mode="observe"), "warning"),
        (gate("UNKNOWN", override=OVERRIDE), "warning"),
    ],
)
def test_what_holds_the_phase_back_is_an_error(found: dict[str, Any], level: str) -> None:
    line, _ = commands(RUN, document(found))
    assert line.startswith(f"::{level} title=app_version {found['verdict']}::why")


def test_one_line_for_each_gate_and_one_for_the_verdict() -> None:
    found = list(commands(RUN, document(gate(hint="stop pod-a"), gate("PASS"))))
    assert found == [
        "::error title=app_version BLOCKED::why%0Awhat to do: stop pod-a",
        "::notice title=app_version PASS::why",
        "::error title=crossfade%3A BLOCKED::gates of contract of users-email: BLOCKED, held back by app_version",
    ]
    [alone] = commands(RUN, document(verdict="PASS"))
    assert alone == "::notice title=crossfade%3A PASS::gates of contract of users-email: PASS"


def test_a_property_has_no_colon_and_no_comma_of_its_own() -> None:
    line, _ = commands(RUN, document(gate(kind="a:b,c%d\r\ne")))
    assert line.startswith("::error title=a%3Ab%2Cc%25d%0D%0Ae BLOCKED::")


@given(st.text())
def test_whatever_is_said_stays_one_command_and_can_be_read_back(said: str) -> None:
    for line in (failure(said, 1), next(commands(RUN, document(gate(reason=said))))):
        assert not {"\r", "\n"} & set(line)
        message = line.split("::", 2)[2]
        for escape in ("%0A", "%0D", "%25"):
            message = message.replace(escape, PROPERTY[escape])
        assert message == said


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_row_has_its_cells_whatever_is_said(said: str) -> None:
    rows = [line for line in summary(RUN, document(gate(reason=said, hint=said))).split("\n") if line.startswith("|")]
    assert len(rows) == 3
    assert len({row.replace("\\\\", "").replace("\\|", "").count("|") for row in rows}) == 1


def test_html_and_mentions_are_text() -> None:
    text = summary(RUN, document(gate(reason="<img src=x> @octocat [a](b) `c`")))
    assert "\\<img src=x\\> \\@octocat \\[a\\]\\(b\\) \\`c\\`" in text


def test_parts_are_shown_beneath_their_gate() -> None:
    text = summary(RUN, document(gate(kind="all", gates=[gate("PASS", kind="sql")])))
    assert "| &nbsp;&nbsp;sql |" in text


@pytest.fixture
def backfilled(cli: Cli, shop: Database, plan: Path) -> Cli:
    """A run that waits for an approval."""
    assert cli("advance", plan, "--to", "backfilled").code == 0
    return cli


@pytest.mark.long
def test_the_files_of_a_job_are_added_to(backfilled: Cli, tmp_path: Path) -> None:
    output, steps = tmp_path / "output", tmp_path / "summary"
    steps.write_text("earlier\n")
    env = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(steps)}
    done = backfilled("gate", RUN, "--format", "github", env=env)
    assert done.code == 3
    assert [line.partition(" ")[0] for line in done.stdout.splitlines()] == ["::error", "::notice", "::error"]
    assert output.read_text() == "verdict=BLOCKED\nphase=contract\n"
    assert steps.read_text().startswith("earlier\n### ")
    assert "crossfade approve" in steps.read_text()


@pytest.mark.long
def test_a_file_that_cannot_be_written_changes_no_exit_code(backfilled: Cli, tmp_path: Path) -> None:
    env = {"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "summary"), "GITHUB_OUTPUT": str(tmp_path)}
    done = backfilled("gate", RUN, "--format", "github", env=env)
    assert done.code == 3
    assert "warning: nothing could be added to the file of GITHUB_STEP_SUMMARY" in done.stderr
    assert "GITHUB_OUTPUT" in done.stderr


def test_a_failure_is_an_annotation_too(cli: Cli, shop: Database) -> None:
    assert cli("init").code == 0
    done = cli("gate", "nobody", "--format", "github")
    assert done.code == 2
    assert done.stdout.startswith("::error title=crossfade gate::")
    assert "nobody" in done.stderr


@pytest.mark.long
def test_that_no_gate_is_ahead_is_no_error_of_the_job(backfilled: Cli) -> None:
    assert backfilled("rollback", RUN, "--confirm", RUN).code == 0
    done = backfilled("gate", RUN, "--format", "github")
    assert done.code == 5
    assert done.stdout.startswith("::notice title=crossfade gate::")


@pytest.mark.long
def test_the_form_is_json_by_either_option_and_no_other_beside_it(backfilled: Cli) -> None:
    by_format, by_option = backfilled("gate", RUN, "--format", "json"), backfilled("gate", RUN, "--json")
    assert by_format.code == by_option.code == 3
    assert by_format.json()["verdict"] == by_option.json()["verdict"] == "BLOCKED"
    assert backfilled("gate", RUN, "--json", "--format", "json").code == 3
    for form in ("text", "github"):
        done = backfilled("gate", RUN, "--json", "--format", form)
        assert done.code == 2
        assert done.json()["error"]["code"] == "usage"
    assert backfilled("gate", "nobody", "--format", "json").json()["error"]["message"]
    assert backfilled("gate", RUN).stdout == backfilled("gate", RUN, "--format", "text").stdout
