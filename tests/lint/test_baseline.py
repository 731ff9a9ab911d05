"""The baseline: what stands in it is not told, and what stands in it for nothing is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from crossfade.errors import UsageError
from crossfade.lint.baseline import empty_baseline, read_baseline
from crossfade.lint.finding import Finding
from crossfade.lint.settings import LintSettings
from crossfade.lint.verdict import Frame, Verdict, judge
from crossfade.migrations.script import Source

from .found import OTHER, RULE, about, report, script

HERE = Path("/shop")
FILE = Path("db/baseline.json")
FILES = {"db/m/1.sql": "SELECT a;\nSELECT b;", "db/m/2.sql": "SELECT c;"}


def findings(*words: str) -> list[Finding]:
    found = [about(script(FILES["db/m/1.sql"], "db/m/1.sql"), word) for word in words if word in "ab"]
    return found + [about(script(FILES["db/m/2.sql"], "db/m/2.sql"), word) for word in words if word == "c"]


def written(*words: str) -> str:
    text = judge(report(FILES, findings(*words)), Frame(here=HERE, baseline=empty_baseline(FILE))).baseline
    assert text is not None
    return text


def against(text: str, *words: str, frame: Frame | None = None) -> Verdict:
    baseline = read_baseline(Source(FILE, text))
    return judge(report(FILES, findings(*words)), replace(frame or Frame(here=HERE), baseline=baseline))


def messages(verdict: Verdict) -> list[str]:
    return [told.finding.message for told in verdict.told]


def test_what_stands_in_it_is_not_told() -> None:
    verdict = against(written("a", "c"), "a", "b", "c")
    assert messages(verdict) == ["waits for b."]
    assert verdict.in_baseline == 2


def test_it_is_one_entry_a_line_with_paths_from_its_own_directory() -> None:
    text = written("c", "a")
    assert [entry["file"] for entry in json.loads(text)["findings"]] == ["m/1.sql", "m/2.sql"]
    assert sum(line.startswith("    {") for line in text.splitlines()) == 2
    assert written() == '{\n  "crossfade_lint_baseline": 1,\n  "findings": []\n}\n'


def test_it_holds_wherever_the_command_is_called() -> None:
    text, baseline = written("a"), Path("../baseline.json")
    files = {"1.sql": FILES["db/m/1.sql"]}
    found = [about(script(files["1.sql"], "1.sql"), "a")]
    frame = Frame(here=HERE / "db" / "m", baseline=read_baseline(Source(baseline, text)))
    assert judge(report(files, found), frame).told == ()


def test_an_entry_that_matches_nothing_is_told_where_it_stands() -> None:
    text = written("a", "b", "c")
    verdict = against(text, "b", "c")
    (told,) = verdict.told
    assert (told.finding.rule, told.file) == ("baseline-unused", "db/baseline.json")
    assert told.finding.message == f"{RULE} is not found in m/1.sql any more, so the entry can go."
    assert '"about": "SELECT a"' in text.splitlines()[told.finding.position.line - 1]
    assert verdict.baseline == written("b", "c")


def test_an_entry_of_a_file_in_other_letters_is_found_too() -> None:
    files, other = {"db/m/ü.sql": "SELECT a;\nSELECT b;"}, Path("db/m/ü.sql")
    found = [replace(each, file=other) for each in findings("a", "b")]
    text = judge(report(files, found), Frame(here=HERE, baseline=empty_baseline(FILE))).baseline or ""
    baseline = read_baseline(Source(FILE, text))
    (told,) = judge(report(files, found[:1]), Frame(here=HERE, baseline=baseline)).told
    assert '"about": "SELECT b"' in text.splitlines()[told.finding.position.line - 1]


def test_entries_of_files_that_were_not_looked_at_are_left_alone() -> None:
    text = written("a", "c")
    asked = frozenset({Path("db/m/2.sql")})
    baseline = read_baseline(Source(FILE, text))
    verdict = judge(report(FILES, findings("b", "c"), asked=asked), Frame(here=HERE, baseline=baseline))
    assert verdict.told == ()
    assert verdict.baseline == text


def test_entries_of_files_that_are_gone_are_told() -> None:
    text = written("c").replace("2.sql", "3.sql")
    found = against(text, frame=Frame(here=HERE, is_there=lambda file: file.name != "3.sql"))
    assert messages(found) == [f"{RULE} is not found in m/3.sql any more, so the entry can go."]
    assert against(text).told == ()


def test_it_has_no_findings_of_rules_that_are_not_asked() -> None:
    found = [*findings("a"), replace(findings("b")[0], rule=OTHER)]
    frame = Frame(here=HERE, settings=LintSettings(disable=(OTHER,)), baseline=empty_baseline(FILE))
    text = judge(report(FILES, found), frame).baseline
    assert text == written("a")


BAD = {
    "": "db/baseline.json is no baseline: ",
    "[]": "it has not the form of one",
    "{}": "it has not the form of one",
    '{"crossfade_lint_baseline": 2, "findings": []}': "is a baseline of version 2",
    '{"crossfade_lint_baseline": 1, "findings": [{"file": "a"}]}': "it has not the form of one",
    '{"crossfade_lint_baseline": 1, "findings": [{"file": 1, "rule": "a", "fingerprint": "b"}]}': "not the form",
    '{"crossfade_lint_baseline": 1, "findings": ["a"]}': "not the form",
}


@pytest.mark.parametrize(("text", "said"), BAD.items(), ids=BAD)
def test_what_is_no_baseline_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_baseline(Source(FILE, text))
    assert said in caught.value.message
    assert caught.value.location == "db/baseline.json"
