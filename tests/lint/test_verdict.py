"""From findings to what is told: the order, the project's settings, the files that were asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crossfade.lint import listing
from crossfade.lint.bookkeeping import UNREADABLE
from crossfade.lint.finding import Severity
from crossfade.lint.settings import FailOn, LintSettings
from crossfade.lint.verdict import Frame, Verdict, judge
from crossfade.migrations.migration import Problem, Project

from .found import OTHER, RULE, about, report, script

FILES = {"b.sql": "SELECT a;\nSELECT b;", "a.sql": "SELECT c;"}
B, A = (script(text, path) for path, text in FILES.items())


def places(verdict: Verdict) -> list[str]:
    return [f"{told.file}:{told.finding.position.line} {told.finding.rule}" for told in verdict.told]


def test_findings_come_by_file_as_read_and_then_by_place() -> None:
    found = [about(A, "c"), about(B, "b"), about(B, "a", OTHER), about(B, "a")]
    verdict = judge(report(FILES, found), Frame())
    assert places(verdict) == [f"b.sql:1 {OTHER}", f"b.sql:1 {RULE}", f"b.sql:2 {RULE}", f"a.sql:1 {RULE}"]
    assert verdict.files == ("b.sql", "a.sql")
    assert verdict.counts == {Severity.ERROR: 4, Severity.WARNING: 0, Severity.NOTE: 0}


def test_rules_that_are_disabled_say_nothing_and_others_as_much_as_the_project_says() -> None:
    settings = LintSettings(disable=(OTHER,), severity={RULE: Severity.NOTE})
    verdict = judge(report(FILES, [about(B, "a", OTHER), about(B, "b")]), Frame(settings=settings))
    assert [(told.finding.rule, told.finding.severity) for told in verdict.told] == [(RULE, Severity.NOTE)]


def test_a_matter_of_taste_is_told_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {**listing.all_rules(), "of-taste": replace(UNREADABLE, id="of-taste", opt_in=True)}
    monkeypatch.setattr("crossfade.lint.verdict.all_rules", lambda: rules)
    found = report(FILES, [about(B, "a", "of-taste")])
    assert judge(found, Frame()).told == ()
    assert len(judge(found, Frame(settings=LintSettings(enable=("of-taste",)))).told) == 1


def test_a_rule_is_asked_only_where_settings_or_a_comment_name_it() -> None:
    projects = report(FILES, ()).projects
    commented = report({"a.sql": "-- crossfade: allow hash-index because x\nSELECT a;"}, ()).projects

    def of_taste(settings: LintSettings, of: tuple[Project, ...]) -> list[str]:
        return [rule.id for rule in listing.asked(settings, of) if rule.opt_in]

    assert of_taste(LintSettings(), projects) == []
    assert of_taste(LintSettings(enable=("wide-index",)), projects) == ["wide-index"]
    assert of_taste(LintSettings(), commented) == ["hash-index"]


def test_an_allowance_of_a_disabled_rule_is_not_called_unused() -> None:
    files = {"a.sql": f"-- crossfade: allow {RULE} because x\nSELECT a;"}
    found = report(files, [about(script(files["a.sql"]), "a")])
    verdict = judge(found, Frame(settings=LintSettings(disable=(RULE,))))
    assert (verdict.told, verdict.allowed) == ((), 0)
    assert judge(found, Frame()).allowed == 1


@pytest.mark.parametrize(
    ("fail_on", "severity", "failed"),
    [
        (FailOn.ERROR, Severity.ERROR, True),
        (FailOn.ERROR, Severity.WARNING, False),
        (FailOn.NOTE, Severity.NOTE, True),
        (FailOn.NEVER, Severity.ERROR, False),
    ],
)
def test_it_fails_by_what_is_told(fail_on: FailOn, severity: Severity, failed: bool) -> None:
    found = report(FILES, [about(B, "a", severity=severity)])
    assert judge(found, Frame(fail_on=fail_on)).failed is failed


def test_only_the_files_that_were_asked_for_are_told_of() -> None:
    found = [about(A, "c"), about(B, "a")]
    verdict = judge(report(FILES, found, asked=frozenset({A.source.path})), Frame())
    assert places(verdict) == [f"a.sql:1 {RULE}"]
    assert verdict.files == ("a.sql",)


def test_what_could_not_be_read_is_told_too() -> None:
    problem = Problem(file=Path("x.py"), message="it is Python.", hint="alembic upgrade --sql", line=3)
    verdict = judge(report(FILES, [], [problem]), Frame())
    assert places(verdict) == ["x.py:3 file-not-read"]
    assert verdict.files == ("b.sql", "a.sql", "x.py")
    assert verdict.failed


def test_paths_are_shown_from_where_the_command_was_called() -> None:
    files = {"/shop/m/a.sql": "SELECT a;", "/else/b.sql": "SELECT b;"}
    found = [about(script(files["/shop/m/a.sql"], "/shop/m/a.sql"), "a")]
    verdict = judge(report(files, found), Frame(here=Path("/shop")))
    assert verdict.files == ("m/a.sql", "/else/b.sql")
    assert verdict.told[0].file == "m/a.sql"


def test_the_same_statement_in_two_files_has_two_fingerprints() -> None:
    files = {"a.sql": "SELECT a;", "b.sql": "SELECT a;"}
    found = [about(script(text, path), "a") for path, text in files.items()]
    verdict = judge(report(files, found), Frame())
    assert len({told.fingerprint for told in verdict.told}) == 2
