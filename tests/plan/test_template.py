"""The commented plans that a newcomer starts from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crossfade.errors import UsageError
from crossfade.plan.changes import Change
from crossfade.plan.entries import kinds_of
from crossfade.plan.load import parse_plan
from crossfade.plan.template import template

PLANS = Path(__file__).parents[2] / "plans"


@pytest.mark.parametrize("kind", kinds_of(Change))
def test_every_kind_of_change_has_a_plan_to_start_from(kind: str) -> None:
    text = template(kind)

    assert text == (PLANS / f"{kind.replace('_', '-')}.yaml").read_text(encoding="utf-8")
    assert kind in {c.kind for c in parse_plan(text, "p.yaml").changes}


def test_a_kind_may_be_written_with_dashes() -> None:
    assert template("rename-column") == template("rename_column")


@pytest.mark.parametrize("kind", ["renamecolumn", "rename_colum", "Rename-Column"])
def test_a_typo_gets_the_nearest_kind(kind: str) -> None:
    with pytest.raises(UsageError) as raised:
        template(kind)
    assert raised.value.hint == "did you mean `rename_column`?"


@pytest.mark.parametrize("kind", ["", "../../etc/passwd", "zzz", "\x1b[31m"])
def test_an_unknown_kind_is_a_usage_error_that_lists_the_known_ones(kind: str) -> None:
    with pytest.raises(UsageError) as raised:
        template(kind)
    assert raised.value.hint is not None
    assert raised.value.hint.startswith("this version knows `rename_column`, ")
    assert {word.strip("`,") for word in raised.value.hint.split() if "`" in word} == set(kinds_of(Change))
    assert raised.value.message.isprintable()


@pytest.mark.parametrize("kind", ["update_rows", "delete_rows", "copy_rows"])
def test_the_commented_out_options_of_a_change_of_rows_show_their_defaults(kind: str) -> None:
    text = template(kind)
    options = text[text.index("# backfill:") :]
    written = "\n".join(line.removeprefix("# ") for line in options.splitlines())

    assert parse_plan(f"{text}\n{written}\n", "p.yaml") == parse_plan(text, "p.yaml")


def test_the_commented_out_options_show_their_defaults() -> None:
    text = template("rename_column")
    options = text[text.index("# backfill:") : text.index("# More gates")]
    written = "\n".join(line.removeprefix("# ") for line in options.splitlines())
    roster = re.sub(r"(?m)^    # ", "    ", text)

    plan = parse_plan(text, "p.yaml")
    assert parse_plan(text + "\n" + written + "\n", "p.yaml") == plan
    with_roster = parse_plan(roster, "p.yaml")
    assert with_roster.apps is not None
    assert plan.apps is not None
    assert with_roster.apps["api"].model_copy(update={"expect": None}) == plan.apps["api"]
