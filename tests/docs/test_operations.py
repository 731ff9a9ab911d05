"""Every kind of change has its page, its ready plan and its place in the lists."""

from __future__ import annotations

from importlib import import_module

import pytest

from crossfade.plan.changes import Change
from crossfade.plan.entries import kinds_of
from crossfade.plan.load import parse_plan
from crossfade.plan.template import template

from .changes_page import page
from .pages import DOCS, codes, fences, sections

KINDS = sorted(kinds_of(Change))
HEADINGS = ("When to use it", "A plan", "What happens", "Locks", "What cannot be undone", "Limits")


def test_the_page_of_all_keys_is_the_printed_one() -> None:
    """Print it anew: python -m tests.docs.changes_page > docs/reference/changes.md."""
    assert (DOCS / "reference" / "changes.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_a_page_of_its_own(kind: str) -> None:
    found = sections(DOCS / "operations" / f"{kind}.md")
    assert f"`{kind}`" in found
    assert [title for title in found if title in HEADINGS] == list(HEADINGS)
    plans = fences(DOCS / "operations" / f"{kind}.md", "yaml")
    assert any(kind in {change.kind for change in parse_plan(text, "page.yaml").changes} for text in plans)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_an_operation(kind: str) -> None:
    assert callable(import_module(f"crossfade.operations.{kind}").compile_change)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_a_plan_to_start_from(kind: str) -> None:
    assert kind in {change.kind for change in parse_plan(template(kind), "template.yaml").changes}


def test_the_list_of_operations_has_each_kind_once() -> None:
    listed = [
        codes(row[0])[0]
        for section in sections(DOCS / "operations" / "README.md").values()
        for table in section.tables()
        for row in table
    ]
    assert sorted(listed) == KINDS
