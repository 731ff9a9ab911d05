"""`crossfade lint`: what is looked at, in which form it answers, and with which exit code. No database is needed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from .terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli, Outcome

RULE = "index-not-concurrently"
TABLE = "CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);\n"
INDEX = "CREATE INDEX users_email ON users (email);\n"
FORMS = {
    "text": f"error[{RULE}]: ",
    "json": '{\n  "findings": [',
    "sarif": '{\n  "$schema": "https://docs.oasis-open.org/sarif/',
    "github": "::error file=migrations/0002_index.sql,line=1,",
    "gitlab": '[\n  {\n    "description": ',
    "junit": '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations: a table, and an index that blocks its writes."""
    made = tmp_path / "migrations"
    made.mkdir()
    (made / "0001_users.sql").write_text(TABLE)
    (made / "0002_index.sql").write_text(INDEX)
    return made


def found(outcome: Outcome, rule: str = RULE) -> list[Any]:
    return [finding for finding in outcome.json()["findings"] if finding["rule"] == rule]


def git(directory: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *words], cwd=directory, check=True, capture_output=True)


@pytest.mark.usefixtures("folder")
def test_a_finding_is_shown_with_its_line_and_makes_it_fail(offline: Cli) -> None:
    done = offline("lint", "migrations")
    assert done.code == 1
    assert f"error[{RULE}]: builds an index while writes of public.users wait" in done.stdout
    assert " --> migrations/0002_index.sql:1:1\n" in done.stdout
    assert "CREATE INDEX CONCURRENTLY users_email ON users (email);\n" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_what_is_harmless_is_0(offline: Cli, folder: Path) -> None:
    (folder / "0002_index.sql").unlink()
    done = offline("lint", folder, "--json")
    assert (done.code, done.json()["findings"], done.json()["failed"]) == (0, [], False)
    assert done.json()["files"] == ["migrations/0001_users.sql"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("fail_on", "code"), [("error", 1), ("note", 1), ("never", 0)])
def test_the_exit_code_is_as_asked(offline: Cli, fail_on: str, code: int) -> None:
    assert offline("lint", "migrations", "--fail-on", fail_on).code == code


def test_standard_input_is_a_migration_too(offline: Cli) -> None:
    done = offline("lint", "-", "--json", stdin=INDEX)
    assert done.code == 1
    assert [(f["file"], f["line"]) for f in found(done)] == [("<stdin>", 1)]


def test_the_version_decides(offline: Cli) -> None:
    text = "ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a + 1) VIRTUAL;"
    assert offline("lint", "-", "--pg-version", "18", "--fail-on", "error", stdin=text).code == 0
    for wrong in ("13", "x", "14.1.1"):
        done = offline("lint", "-", "--pg-version", wrong, stdin=text)
        assert (done.code, "from 14 to 18" in done.stderr) == (2, True)


@pytest.mark.usefixtures("folder")
def test_a_file_that_cannot_be_read_hinders_no_other(offline: Cli, folder: Path) -> None:
    (folder / "0003_binary.sql").write_bytes(b"\x00\x01\xff")
    (folder / "0004_broken.sql").write_text("CREATE TBLE x;\nDROP INDEX users_email;\n")
    done = offline("lint", "migrations", "--json")
    assert done.code == 1
    assert [f["file"] for f in found(done, "file-not-read")] == ["migrations/0003_binary.sql"]
    assert [(f["file"], f["line"]) for f in found(done, "unreadable")] == [("migrations/0004_broken.sql", 1)]
    assert len(found(done)) == 1


def test_there_has_to_be_something_to_look_at(offline: Cli, tmp_path: Path) -> None:
    assert "no path was given" in offline("lint").stderr
    (tmp_path / "empty").mkdir()
    done = offline("lint", "empty", "--json")
    assert (done.code, done.json()["error"]["message"]) == (2, "there is no migration in empty")
    gone = offline("lint", "nowhere.sql", "--json")
    assert (gone.code, [f["file"] for f in found(gone, "file-not-read")]) == (1, ["nowhere.sql"])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("form", "begin"), FORMS.items(), ids=FORMS)
def test_every_form_can_go_to_a_file(offline: Cli, tmp_path: Path, form: str, begin: str) -> None:
    done = offline("lint", "migrations", "--format", form, "--output", "found.txt")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith("1 error")
    assert (tmp_path / "found.txt").read_text().startswith(begin)


@pytest.mark.usefixtures("folder")
def test_a_file_that_cannot_be_written_is_said(offline: Cli) -> None:
    done = offline("lint", "migrations", "--output", "nowhere/found.txt")
    assert (done.code, done.stderr) == (2, "error: cannot write nowhere/found.txt: No such file or directory\n")


@pytest.mark.usefixtures("folder")
def test_two_forms_at_once_are_refused(offline: Cli) -> None:
    done = offline("lint", "migrations", "--json", "--format", "sarif")
    assert (done.code, done.json()["error"]["code"]) == (2, "usage")


def test_git_says_which_files_are_told_of(offline: Cli, tmp_path: Path, folder: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "old")
    unchanged = offline("lint", "migrations", "--git-diff", "HEAD", "--json")
    assert (unchanged.code, unchanged.json()["files"]) == (0, [])
    (folder / "0003_more.sql").write_text("CREATE INDEX more ON users (email, id);\nCREATE TABLE t (a int);\n")
    changed = offline("lint", "migrations", "--git-diff", "HEAD", "--json")
    assert changed.json()["files"] == ["migrations/0003_more.sql"]
    assert [(f["file"], f["line"]) for f in found(changed)] == [("migrations/0003_more.sql", 1)]
    piped = offline("lint", "-", "migrations/0001_users.sql", "--git-diff", "HEAD", "--json", stdin=INDEX)
    assert [(f["file"], f["line"]) for f in found(piped)] == [("<stdin>", 1)]
    wrong = offline("lint", "migrations", "--git-diff", "nowhere")
    assert (wrong.code, "nowhere" in wrong.stderr) == (2, True)


def test_a_comment_may_allow_what_no_setting_turns_on(offline: Cli, folder: Path) -> None:
    allowed = "-- crossfade: allow varchar-limit because a card has no more\nALTER TABLE users ADD digits varchar(4);\n"
    (folder / "0002_index.sql").write_text(allowed)
    assert found(offline("lint", "migrations", "--json"), "allowance-unused") == []
    (folder / "0002_index.sql").write_text(allowed.replace("varchar(4)", "text"))
    assert len(found(offline("lint", "migrations", "--json"), "allowance-unused")) == 1


def test_a_comment_allows_with_a_reason(offline: Cli, folder: Path) -> None:
    (folder / "0002_index.sql").write_text(f"-- crossfade: allow {RULE} because it has ten rows\n{INDEX}")
    done = offline("lint", "migrations", "--json")
    assert (done.code, found(done), done.json()["allowed"]) == (0, [], 1)


def test_a_baseline_keeps_old_findings_quiet_and_new_ones_loud(offline: Cli, tmp_path: Path, folder: Path) -> None:
    missing = offline("lint", "migrations", "--baseline", "old.json")
    assert (missing.code, "--write-baseline" in missing.stderr) == (2, True)
    written = offline("lint", "migrations", "--baseline", "old.json", "--write-baseline", "--json")
    assert (written.code, written.json()["baseline"]) == (0, "old.json")
    quiet = offline("lint", "migrations", "--baseline", "old.json", "--json")
    assert (quiet.code, quiet.json()["findings"]) == (0, [])
    assert quiet.json()["in_baseline"] == written.json()["findings"] > 0
    (folder / "0002_index.sql").write_text(f"\n\n{INDEX}")
    (folder / "0003_more.sql").write_text("CREATE INDEX more ON users (email, id);\n")
    loud = offline("lint", "migrations", "--baseline", "old.json", "--json")
    assert (loud.code, [f["file"] for f in found(loud)]) == (1, ["migrations/0003_more.sql"])
    (folder / "0002_index.sql").write_text("SELECT 1;\n")
    (folder / "0003_more.sql").unlink()
    stale = offline("lint", "migrations", "--baseline", "old.json", "--json")
    assert [f["file"] for f in found(stale, "baseline-unused")][:1] == ["old.json"]
    done = offline("lint", "migrations", "--baseline", "old.json", "--write-baseline")
    assert (done.code, done.stderr) == (0, "old.json has 0 findings now\n")
    assert json.loads((tmp_path / "old.json").read_text())["findings"] == []


@pytest.mark.usefixtures("folder")
def test_a_baseline_is_not_written_without_its_name(offline: Cli) -> None:
    done = offline("lint", "migrations", "--write-baseline")
    assert (done.code, "--baseline FILE" in done.stderr) == (2, True)


def test_the_projects_settings_hold_from_everywhere_below(offline: Cli, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "crossfade.toml").write_text(
        "[lint]\npaths = ['migrations']\nexclude = ['**/seeds']\nfail_on = 'note'\nbaseline = 'old.json'\n"
        f"severity = {{'{RULE}' = 'note'}}\ndisable = ['lock-timeout-missing']\n"
    )
    (folder / "seeds").mkdir()
    (folder / "seeds" / "0001_rows.sql").write_text("CREATE TBLE;\n")
    (tmp_path / "old.json").write_text('{"crossfade_lint_baseline": 1, "findings": []}')
    for place in (tmp_path, folder):
        done = offline("lint", "--json", cwd=place)
        assert (done.code, [f["severity"] for f in found(done)]) == (1, ["note"])
        assert [name.rpartition("/")[2] for name in done.json()["files"]] == ["0001_users.sql", "0002_index.sql"]
    assert offline("lint", "--fail-on", "error").code == 0


def test_settings_that_name_no_rule_are_refused(offline: Cli, tmp_path: Path) -> None:
    (tmp_path / "crossfade.toml").write_text("[lint]\ndisable = ['index-not-concurently']\n")
    done = offline("lint", "-", stdin="SELECT 1")
    assert (done.code, f"did you mean `{RULE}`?" in done.stderr) == (2, True)


@pytest.mark.usefixtures("folder")
def test_names_are_held_against_the_projects_patterns(offline: Cli, tmp_path: Path) -> None:
    settings = tmp_path / "pyproject.toml"
    settings.write_text("[tool.crossfade.lint.naming]\nindex = 'ix_{table}_{columns}'\n")
    done = offline("lint", "migrations", "--json")
    assert [f["instead"] for f in found(done, "name-pattern")] == ["The name ix_users_email."]
    settings.write_text("[tool.crossfade.lint.naming]\nindex = 'ix_(table'\n")
    broken = offline("lint", "migrations")
    assert (broken.code, "pyproject.toml: the setting `lint.naming.index` is no pattern" in broken.stderr) == (2, True)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("no_color", "are_there"), [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_they_are_not_wanted(offline: Cli, no_color: str, are_there: bool) -> None:
    terminal = Terminal(offline)
    try:
        terminal.start("lint", "migrations", NO_COLOR=no_color)
        assert terminal.end() == 1
    finally:
        terminal.close()
    assert f"[{RULE}]" in terminal.shown
    assert ("\x1b[1;31m" in terminal.shown) is are_there


def test_rules_are_listed_and_explained(offline: Cli) -> None:
    listed = offline("lint", "--list", "--json").json()["rules"]
    assert {"rule": RULE, "severity": "error", "opt_in": False}.items() <= next(
        r for r in listed if r["rule"] == RULE
    ).items()
    assert f"\n{RULE} " in offline("lint", "--list").stdout
    explained = offline("lint", "--explain", RULE)
    assert explained.stdout.startswith(f"{RULE} (error): ")
    assert f"-- crossfade: allow {RULE} because REASON" in explained.stdout
    assert offline("lint", "--explain", RULE, "--json").json()["rule"] == RULE
    wrong = offline("lint", "--explain", "index-not-concurently")
    assert (wrong.code, f"did you mean `{RULE}`?" in wrong.stderr) == (2, True)
