"""Failures: a message and a hint or one JSON document, the right exit code, no traceback, no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from crossfade.cli import boundary
from crossfade.errors import CrossfadeError

if TYPE_CHECKING:
    from ..fixtures.command import Cli

MISUSES = {
    "unknown command": ["frobnicate"],
    "unknown option": ["status", "--frobnicate"],
    "missing argument": ["expand"],
    "missing option": ["pause", "users-email"],
    "not a phase": ["gate", "users-email", "--phase", "dropping"],
    "not a state": ["advance", "users-email", "--to", "nowhere"],
    "not a duration": ["backfill", "users-email", "--wait", "30"],
    "no such file": ["start", "nowhere.yaml"],
    "no such path": ["expand", "plans/nowhere"],
    "not a kind": ["new", "rename_colum"],
    "watch without a run": ["status", "--watch"],
    "no such env file": ["status", "--env-file", "nowhere.env"],
    "empty database": ["status", "--database", ""],
    "not a url": ["status", "--database", "postgresql://[::1"],
}


@pytest.mark.parametrize("arguments", MISUSES.values(), ids=MISUSES.keys())
def test_misuse_exits_2_with_a_message_on_standard_error(offline: Cli, arguments: list[str]) -> None:
    done = offline(*arguments)
    assert done.code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", MISUSES.values(), ids=MISUSES.keys())
def test_misuse_with_json_is_one_document(offline: Cli, arguments: list[str]) -> None:
    done = offline("--json", *arguments)
    error = done.json()["error"]
    assert done.code == 2
    assert set(error) >= {"code", "message", "hint", "location"}
    assert error["code"] == "usage"
    assert done.stderr == ""


def test_watching_and_one_document_exclude_each_other(offline: Cli) -> None:
    done = offline("status", "users-email", "--watch", "--json")
    assert (done.code, done.json()["error"]["code"]) == (2, "usage")


def test_json_without_a_command_is_a_document_too(offline: Cli) -> None:
    assert offline("--json").json()["error"]["code"] == "usage"
    assert offline("versions", "--json").json()["error"]["code"] == "usage"


def test_a_typo_gets_a_suggestion(offline: Cli) -> None:
    assert "hint: did you mean `rename_column`?" in offline("new", "rename_colum").stderr
    assert "--database" in offline("status", "--databas", "x").stderr


def test_an_unreachable_database_exits_1_without_its_password(offline: Cli) -> None:
    url = "postgresql://boss:s3cret@127.0.0.1:1/shop"
    for done in (offline("status", "--database", url), offline("status", "--database", url, "--json")):
        assert done.code == 1
        assert "s3cret" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "text",
    ["postgresql://boss:s3cret@db/shop", "host=db user=boss password=s3cret", "host=db password='s3cret s3cret'"],
)
def test_passwords_are_masked_in_every_failure(text: str) -> None:
    error = CrossfadeError(f"about {text}", hint=f"try {text}", location=text)
    document = boundary.as_document(error)
    assert "s3cret" not in boundary.as_text(error)
    assert "s3cret" not in str(document)
    assert "***" in document["message"]


def test_a_misused_command_line_does_not_repeat_a_password(offline: Cli) -> None:
    done = offline("status", "postgresql://boss:s3cret@db/shop")
    assert done.code == 2
    assert "s3cret" not in done.stderr


def test_a_hint_that_the_message_has_already_is_not_said_twice() -> None:
    assert (
        boundary.as_text(CrossfadeError("no such table; run init", hint="run init")) == "error: no such table; run init"
    )


def test_a_bug_shows_its_traceback_and_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_arguments: list[str]) -> NoReturn:
        raise ZeroDivisionError("division of postgresql://boss:s3cret@db/shop")

    monkeypatch.setattr(boundary, "_called", broken)
    assert boundary.run(["status", "--json"]) == 1
    shown = capsys.readouterr()
    assert "Traceback" in shown.err
    assert "Please report it" in shown.err
    assert '"code": "bug"' in shown.out
    assert "s3cret" not in shown.out + shown.err


def test_json_after_two_dashes_is_an_argument() -> None:
    assert boundary.wants_json(["status", "--json"])
    assert not boundary.wants_json(["status", "--", "--json"])
