"""The page of lint has every rule and every setting, and its examples are what they say."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

from crossfade.lint.allowance_text import Allows, comments
from crossfade.lint.allowance_text import read as meant_by
from crossfade.lint.check import check
from crossfade.lint.cost import INDEXED, READ, WRITTEN
from crossfade.lint.listing import allowable
from crossfade.lint.output.text import write
from crossfade.lint.settings import LintSettings, lint_settings
from crossfade.lint.verdict import Frame, judge
from crossfade.migrations.read import read
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema

from .lint_page import PAGE, page
from .pages import codes, fences, sections


def test_the_rules_are_the_printed_ones() -> None:
    """Print it anew: python -m tests.docs.lint_page > /tmp/lint.md && mv /tmp/lint.md docs/reference/lint.md."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_setting_is_described() -> None:
    rows = next(sections(PAGE)["Settings"].tables())
    assert {codes(row[0])[0] for row in rows} == {f.name for f in fields(LintSettings)} - {"root"}


def test_the_settings_shown_can_be_read_and_name_rules() -> None:
    (text,) = fences(PAGE, "toml")
    settings = lint_settings(tomllib.loads(text)["lint"], "crossfade.toml")
    assert settings.root == Path()
    assert set(settings.named_rules) <= allowable()


def test_the_allowances_shown_are_such() -> None:
    (text, *_) = fences(PAGE, "sql")
    said = [meant_by(comment.words) for comment in comments(text)]
    assert len(said) == 2
    assert all(isinstance(allows, Allows) and set(allows.rules) <= allowable() for allows in said)


def test_the_rates_are_those_that_lint_reckons_with() -> None:
    text = sections(PAGE)["How long is meant"].text
    assert f"{READ // 10**6} million" in text
    assert f"{WRITTEN:,}" in text
    assert f"{INDEXED:,}" in text


FILES = {
    "0001_users.sql": "CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);\n",
    "0002_index.sql": "SET lock_timeout = '2s';\nCREATE INDEX users_email ON users (email);\n",
}


def test_the_finding_shown_is_what_lint_says(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    for name, text in FILES.items():
        (tmp_path / "migrations" / name).write_text(text)
    schema = Schema.of(Catalog(server_version=140099, time_zone="unknown"))
    verdict = judge(check(read([tmp_path / "migrations"]), schema), Frame(here=tmp_path))
    assert write(verdict) in fences(PAGE, "text")
