"""The table `[lint]` of a project's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossfade.errors import UsageError
from crossfade.lint.finding import Severity
from crossfade.lint.settings import FailOn, LintSettings, lint_settings, server_version


def test_every_setting_is_read() -> None:
    written: dict[str, Any] = {
        "disable": ["drop-column"],
        "enable": ["table-schema"],
        "severity": {"rename-column": "error", "set-not-null": "note"},
        "paths": ["migrations", "db/more"],
        "exclude": ["**/seeds"],
        "pg_version": 16,
        "fail_on": "warning",
        "baseline": "lint.json",
    }
    assert lint_settings(written, "/shop/crossfade.toml") == LintSettings(
        root=Path("/shop"),
        disable=("drop-column",),
        enable=("table-schema",),
        severity={"rename-column": Severity.ERROR, "set-not-null": Severity.NOTE},
        paths=("migrations", "db/more"),
        exclude=("**/seeds",),
        pg_version=160099,
        fail_on=FailOn.WARNING,
        baseline="lint.json",
    )


BAD: list[tuple[Any, str]] = [
    ([], "is a table"),
    ({"disabled": []}, "unknown setting `lint.disabled`"),
    ({"disable": "a"}, "`lint.disable` is a list of texts"),
    ({"enable": [1]}, "`lint.enable` is a list of texts"),
    ({"paths": [""]}, "`lint.paths` is a list of texts"),
    ({"severity": {"a": "fatal"}}, "`lint.severity` is a table of rules, each with `error`, `warning` or `note`"),
    ({"severity": {"a": ["error"]}}, "`lint.severity` is a table of rules"),
    ({"severity": ["a"]}, "`lint.severity` is a table of rules"),
    ({"pg_version": 13}, "from 14 to 18"),
    ({"pg_version": 16.2}, "in quotes '16.3'"),
    ({"pg_version": True}, "from 14 to 18"),
    ({"fail_on": "info"}, "`error`, `warning`, `note` or `never`"),
    ({"fail_on": []}, "`error`, `warning`, `note` or `never`"),
    ({"baseline": 1}, "`lint.baseline` is a text"),
    ({"enable": ["a"], "disable": ["a"]}, "both enables and disables `a`"),
]


@pytest.mark.parametrize(("value", "said"), BAD, ids=[said for _, said in BAD])
def test_a_bad_setting_is_refused_by_name(value: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        lint_settings(value, "crossfade.toml")
    assert said in caught.value.message
    assert caught.value.location == "crossfade.toml"


def test_a_misspelt_setting_is_told_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        lint_settings({"excludes": []}, "crossfade.toml")
    assert caught.value.hint == "did you mean `exclude`?"


VERSIONS = {"14": 140099, "18": 180099, "14.2": 140002, " 16.10 ": 160010, "13": None, "19": None, "x": None, "": None}


@pytest.mark.parametrize(("text", "number"), VERSIONS.items(), ids=VERSIONS)
def test_a_version_without_a_minor_part_is_its_latest(text: str, number: int | None) -> None:
    assert server_version(text) == number


def test_what_makes_lint_fail() -> None:
    failing = {fail_on.value: [s.word for s in Severity if fail_on.fails(s)] for fail_on in FailOn}
    assert failing == {
        "error": ["error"],
        "warning": ["warning", "error"],
        "note": ["note", "warning", "error"],
        "never": [],
    }
