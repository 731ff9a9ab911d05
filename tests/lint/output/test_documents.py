"""The forms that programs read: each is what its reader expects, and the same every time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft4Validator

from crossfade.lint.output import github, gitlab, junit, sarif
from crossfade.lint.output import json as json_form
from crossfade.lint.settings import FailOn
from crossfade.lint.verdict import Frame, Verdict, judge

from ..found import report
from .verdicts import verdict

# The schema of SARIF as the npm package @microsoft/jest-sarif 1.0.0-beta.0 has it.
SCHEMA = Path(__file__).parents[2] / "fixtures" / "sarif" / "sarif-2.1.0-rtm.5.json"
WRITERS: dict[str, Callable[[Verdict], str]] = {
    "json": json_form.write,
    "sarif": partial(sarif.write, version="1.2.3"),
    "github": github.write,
    "gitlab": gitlab.write,
    "junit": junit.write,
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_form_is_the_same_every_time(write: Callable[[Verdict], str]) -> None:
    assert write(verdict()) == write(verdict())


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_nothing_steers_a_terminal(write: Callable[[Verdict], str]) -> None:
    assert "\x1b" not in write(verdict())


@pytest.fixture(scope="module")
def sarif_log() -> Any:
    return json.loads(WRITERS["sarif"](verdict()))


@pytest.fixture(scope="module")
def sarif_schema() -> Draft4Validator:
    return Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_sarif_is_valid(sarif_log: Any, sarif_schema: Draft4Validator) -> None:
    assert [error.message for error in sarif_schema.iter_errors(sarif_log)] == []
    clean = json.loads(WRITERS["sarif"](judge(report({"a.sql": ""}, []), Frame())))
    assert [error.message for error in sarif_schema.iter_errors(clean)] == []
    del sarif_log["runs"][0]["results"][0]["message"]
    assert not sarif_schema.is_valid(sarif_log)


def test_sarif_describes_each_rule_and_points_at_it() -> None:
    (run,) = json.loads(WRITERS["sarif"](verdict()))["runs"]
    assert run["tool"]["driver"]["semanticVersion"] == "1.2.3"
    rules = run["tool"]["driver"]["rules"]
    assert [r["ruleId"] for r in run["results"]] == [rules[r["ruleIndex"]]["id"] for r in run["results"]]
    assert [r["level"] for r in run["results"]] == ["error", "warning", "note", "error"]
    places = [r["locations"][0]["physicalLocation"] for r in run["results"]]
    assert [p["artifactLocation"]["uri"] for p in places] == [*["m/1%20%C3%BC.sql"] * 3, "file:///else/4.py"]
    assert places[1]["region"] == {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 4}
    assert len({r["partialFingerprints"]["crossfade/v1"] for r in run["results"]}) == 4


def test_json_has_the_keys_that_others_rely_on() -> None:
    document = json.loads(json_form.write(verdict()))
    wanted = {"rule", "severity", "file", "line", "column", "message", "instead", "plan"}
    assert all(wanted <= set(finding) for finding in document["findings"])
    assert document["files"] == ["m/1 ü.sql", "m/2.sql", "m/3.sql", "/else/4.py"]
    assert document["counts"] == {"error": 2, "warning": 1, "note": 1}
    assert (document["allowed"], document["in_baseline"], document["failed"]) == (1, 0, True)
    assert document["findings"][1] | {"fingerprint": ""} == {
        "rule": "set-not-null",
        "severity": "warning",
        "file": "m/1 ü.sql",
        "line": 2,
        "column": 1,
        "end_line": 3,
        "end_column": 4,
        "message": "waits for b.",
        "instead": "-- another way\nb;",
        "plan": "crossfade: 1\nname: b\n",
        "fingerprint": "",
    }


def test_github_gets_a_command_for_each_finding_on_one_line() -> None:
    *commands, count = github.write(verdict()).splitlines()
    assert all(re.match(r"::(error|warning|notice) file=", command) for command in commands)
    assert count == "2 errors, 1 warning, 1 note in 4 files; 1 allowed by comments."
    assert commands[0] == (
        "::error file=m/1 ü.sql,line=1,col=1,endLine=1,endColumn=9,title=index-not-concurrently::"
        "waits for a.%0A%0AInstead:%0A-- another way%0Aa;"
    )
    assert "col=1,endLine=3,title" in commands[1]


def test_gitlab_gets_what_its_code_quality_report_needs() -> None:
    first, *others = json.loads(gitlab.write(verdict()))
    assert first | {"fingerprint": ""} == {
        "description": "waits for a.\n\nInstead:\n-- another way\na;",
        "check_name": "index-not-concurrently",
        "fingerprint": "",
        "severity": "critical",
        "location": {"path": "m/1 ü.sql", "lines": {"begin": 1}},
    }
    assert [other["severity"] for other in others] == ["minor", "info", "critical"]
    assert len({each["fingerprint"] for each in (first, *others)}) == 4


def test_junit_counts_as_failures_what_makes_lint_fail() -> None:
    root = ET.fromstring(junit.write(verdict()))
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["m/1 ü.sql", "m/2.sql", "m/3.sql", "/else/4.py"]
    assert (root.get("tests"), root.get("failures")) == ("6", "2")
    assert len(root.findall(".//failure")) == 2
    assert [case.get("name") for case in suites["m/2.sql"]] == ["nothing found"]
    strict = ET.fromstring(junit.write(verdict(Frame(fail_on=FailOn.NOTE))))
    assert (strict.get("failures"), len(strict.findall(".//failure"))) == ("4", 4)
