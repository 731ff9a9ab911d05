"""What steers a command: the file of variables and the project's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.cli.settings import ProjectSettings, load_env_file, project_settings
from crossfade.errors import UsageError
from crossfade.lint.settings import LintSettings
from crossfade.observe.logging import LogFormat
from crossfade.plan.notify import Slack, Webhook

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli

GOOD_LINES = {
    "A=b": "b",
    "  export A = b  ": "b",
    "A=": "",
    "A=b c # remark": "b c",
    "A=# remark": "",
    "A=b#c": "b#c",
    "A='b # c'": "b # c",
    "A='b\\n'": "b\\n",
    'A="b\\n\\"c\\"" # remark': 'b\n"c"',
    "A=postgresql://u:p@h/d?x=1&y=2": "postgresql://u:p@h/d?x=1&y=2",
}


@pytest.mark.parametrize(("line", "value"), GOOD_LINES.items(), ids=GOOD_LINES)
def test_a_line_of_the_env_file_is_read(tmp_path: Path, line: str, value: str) -> None:
    file = tmp_path / "variables"
    file.write_text(f"# remark\n\n{line}\n")
    environment: dict[str, str] = {}
    load_env_file(file, environment)
    assert environment == {"A": value}


@pytest.mark.parametrize("line", ["s3cret", "1A=s3cret", "A-B=s3cret", "A='s3cret", 'A="s3cret" more'])
def test_a_bad_line_is_named_by_its_number_and_not_shown(tmp_path: Path, line: str) -> None:
    file = tmp_path / "variables"
    file.write_text(f"A=b\n{line}\n")
    with pytest.raises(UsageError) as caught:
        load_env_file(file, {})
    assert caught.value.location == f"{file}:2"
    assert "s3cret" not in str(caught.value)


def test_what_is_set_already_stays(tmp_path: Path) -> None:
    file = tmp_path / "variables"
    file.write_text("A=file\nB=file\n")
    environment = {"A": "set"}
    load_env_file(file, environment)
    assert environment == {"A": "set", "B": "file"}


def test_dot_env_is_read_only_when_asked_for(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"CROSSFADE_DATABASE_URL={cli.url}\n")
    without = {"CROSSFADE_DATABASE_URL": "", "PGHOST": "127.0.0.1", "PGPORT": "1"}
    assert cli("doctor", "--json", env=without).code == 1
    assert cli("doctor", "--json", env=without).json()["error"]["code"] == "database_unreachable"


@pytest.mark.parametrize(
    ("file", "text"),
    [("crossfade.toml", ""), ("pyproject.toml", "[project]\nname = 'shop'\n\n[tool.crossfade]\n")],
    ids=["crossfade.toml", "pyproject.toml"],
)
def test_settings_are_found_upwards(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(f"{text}database = 'service=shop'\nlog_format = 'json'\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert project_settings(below) == ProjectSettings(database="service=shop", log_format=LogFormat.JSON)


@pytest.mark.parametrize(("file", "table"), [("crossfade.toml", ""), ("pyproject.toml", "tool.crossfade.")])
def test_targets_are_written_as_in_a_plan(tmp_path: Path, file: str, table: str) -> None:
    text = "slack = {url_env = 'CHAT', on = ['failed', 'blocked'], blocked_for = '2h'}\n"
    (tmp_path / file).write_text(f"[[{table}notify]]\n{text}[[{table}notify]]\nwebhook = {{url = 'http://h'}}\n")
    slack, webhook = project_settings(tmp_path).notify
    assert slack == Slack.model_validate({"url_env": "CHAT", "on": ("blocked", "failed"), "blocked_for": "2h"})
    assert webhook == Webhook(url="http://h")


@pytest.mark.parametrize(("file", "table"), [("crossfade.toml", "lint"), ("pyproject.toml", "tool.crossfade.lint")])
def test_settings_of_lint_know_where_they_stand(tmp_path: Path, file: str, table: str) -> None:
    (tmp_path / file).write_text(f"[{table}]\npaths = ['migrations']\npg_version = 16\n")
    assert project_settings(tmp_path).lint == LintSettings(root=tmp_path, paths=("migrations",), pg_version=160099)


def test_what_is_fixed_is_named_with_its_schema(tmp_path: Path) -> None:
    (tmp_path / "crossfade.toml").write_text("fixed = ['legacy.*', 'billing.\"In voices\"', 'billing.\"*\"']")
    fixed = project_settings(tmp_path).fixed
    names = [("legacy", "a"), ("legacy", None), ("billing", "In voices"), ("billing", "a"), ("billing", None)]
    found = [fixed.entry_for(schema, name) for schema, name in names]
    assert [entry and entry.text for entry in found] == [
        "legacy.*",
        "legacy.*",
        'billing."In voices"',
        None,
        'billing."In voices"',
    ]


def test_a_pyproject_without_our_table_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "crossfade.toml").write_text("database = 'service=shop'\n")
    below = tmp_path / "service"
    below.mkdir()
    (below / "pyproject.toml").write_text("[project]\nname = 'service'\n")
    assert project_settings(below).database == "service=shop"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("databse = 'x'", "did you mean `database`?"),
        ("database = 1", "in quotes"),
        ("log_format = 'xml'", "`console` or `json`"),
        ("database = ", "cannot read"),
        ("notify = 'https://h'", "expected a list"),
        ("lint = 'migrations'", "begin it with [lint]"),
        ("fixed = 'legacy.*'", "a list of texts"),
        ("fixed = ['legacy']", "`legacy.*` for a whole schema"),
        ("fixed = ['a.b.c']", "has 3 parts"),
        ("fixed = ['*.*']", "everything in one schema"),
        ("fixed = ['legacy.inv*']", "everything in one schema"),
        ("[lint]\nexcludes = ['seeds']", "did you mean `exclude`?"),
        ("[[notify]]\nwebhook = {}", "a target without an address"),
        ("[[notify]]\nwebhook = {url = 'http://h', on = ['fail']}", "did you mean `failed`?"),
        ("[[notify]]\nwebhook = {url = 'http://h', no = ['failed']}", "unknown key `no`"),
        ("[[notify]]\nslack = {url = 'https://hooks.slack.com/x'}", "write `url_env`"),
        ("[[notify]]\nslack = {url_env = 1}", "expected text"),
    ],
)
def test_bad_settings_are_a_usage_error(offline: Cli, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "crossfade.toml").write_text(text)
    done = offline("schema")
    assert done.code == 2
    assert words in done.stderr
