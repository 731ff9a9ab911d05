"""What every rule has, whatever it looks at."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules

import pytest

from crossfade.lint import rules
from crossfade.lint.bookkeeping import BOOKKEEPING
from crossfade.lint.check import check
from crossfade.lint.listing import all_rules, allowable, did_you_mean
from crossfade.lint.rule import Rule
from crossfade.lint.rules import REST, RULES
from crossfade.migrations.migration import Migration, Project, Tool
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema
from crossfade.workflow.exports.linted import _ALWAYS, _BREAKING, _GOING_BACK

from .found import script


@pytest.mark.parametrize("rule", all_rules().values(), ids=all_rules())
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert rule.summary == rule.summary.strip().rstrip(".")
    assert "\n" not in rule.summary
    assert rule.explanation.strip().endswith((".", ":", ";"))
    assert max(map(len, rule.explanation.splitlines())) <= 120


def test_names_are_unique() -> None:
    assert len(all_rules()) == len((*RULES, REST, *BOOKKEEPING))


def test_every_file_of_rules_is_asked() -> None:
    written = [import_module(f"{rules.__name__}.{m.name}").RULE.id for m in iter_modules(rules.__path__)]
    assert sorted(written) == sorted(rule.id for rule in (*RULES, REST))


@pytest.mark.parametrize("rule", [*RULES, REST], ids=lambda r: r.id)
def test_a_rule_looks_at_something(rule: Rule) -> None:
    assert rule.statement or rule.migration or rule.project or rule.past


def test_lints_own_rules_cannot_be_allowed_but_for_what_is_unreadable() -> None:
    assert {rule.id for rule in BOOKKEEPING} & allowable() == {"unreadable"}


@pytest.mark.parametrize(
    ("word", "meant"), [("set-notnull", "set-not-null"), ("Index_Not_Concurrently", "index-not-concurrently")]
)
def test_a_misspelt_rule_is_asked_about(word: str, meant: str) -> None:
    assert did_you_mean(word) == f"did you mean `{meant}`?"
    assert did_you_mean("zzz") is None


def test_rules_that_exports_name_are_there() -> None:
    assert {*_ALWAYS, *_BREAKING, *_GOING_BACK} <= set(all_rules())


def test_what_is_unreadable_is_told_by_that_name() -> None:
    migration = Migration(name="a", file=script("").source.path, up=script("CRATE TABLE a;"))
    project = Project(tool=Tool.PLAIN, root=migration.file, migrations=(migration,))
    report = check([project], Schema.of(Catalog(server_version=160000)))
    assert {finding.rule for finding in report.findings} <= set(all_rules())
    assert "unreadable" in {finding.rule for finding in report.findings}
