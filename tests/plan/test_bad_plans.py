"""A bad plan is answered with what is wrong, where, and what to write instead; never with a traceback."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossfade.errors import InvalidPlan, PlanProblem, UsageError
from crossfade.plan.load import load_plan, parse_plan

from .bad_plans import BAD_PLANS, GOOD, Bad, contract

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("bad", BAD_PLANS, ids=lambda b: b.id)
def test_a_bad_plan_is_answered_with_place_words_and_hint(bad: Bad, tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_bytes(bad.text if isinstance(bad.text, bytes) else bad.text.encode())

    with pytest.raises(InvalidPlan) as raised:
        load_plan(file)

    error = raised.value
    found = [p for p in error.problems if f"{p.line}:{p.column}" == bad.at]
    assert found, str(error)
    assert any(all(word in f"{p.message} ({p.hint})" for word in bad.words) for p in found), str(error)
    assert all(p.hint for p in error.problems)
    assert all("Input should" not in p.message for p in error.problems)
    assert len(set(error.problems)) == len(error.problems)
    assert all(line.isprintable() for line in str(error).split("\n"))
    assert error.exit_code == 2
    assert f"{file}:{bad.at}: " in str(error)


def test_all_faults_come_at_once_in_the_order_of_the_text() -> None:
    text = """\
crossfade: 2
name: Users
chagnes: []
hold: 5
hold: 6m
apps:
  api:
    scheme: semver
    new: 1.10
    sorces: [heartbeat]
"""
    with pytest.raises(InvalidPlan) as raised:
        parse_plan(text, "p.yaml")

    places = [(p.line, p.column) for p in raised.value.problems]
    assert places == [(1, 12), (2, 7), (3, 1), (4, 7), (5, 1), (9, 10), (10, 5)]


def test_a_typo_in_a_required_key_is_one_problem() -> None:
    with pytest.raises(InvalidPlan) as raised:
        parse_plan(GOOD.replace("changes", "change"), "p.yaml")

    assert [p.message for p in raised.value.problems] == ["unknown key `change`"]


def test_entries_that_are_all_wrong_do_not_make_the_list_empty() -> None:
    with pytest.raises(InvalidPlan) as raised:
        parse_plan("crossfade: 1\nname: n\nchanges: [a, b]\n", "p.yaml")

    assert [(p.line, p.column) for p in raised.value.problems] == [(3, 11), (3, 14)]


def test_an_aliased_fault_is_reported_where_it_is_written() -> None:
    text = GOOD + "hold: &long 5 minutes\nretain: *long\n"
    with pytest.raises(InvalidPlan) as raised:
        parse_plan(text, "p.yaml")

    assert [(p.line, p.column) for p in raised.value.problems] == [(5, 7)]


def test_the_json_form_lists_every_problem() -> None:
    with pytest.raises(InvalidPlan) as raised:
        parse_plan(GOOD + "hold: 5\nretain: 6\n", "p.yaml")

    document = raised.value.as_json()
    assert document["code"] == "invalid_plan"
    assert document["location"] == "p.yaml:5:7"
    assert [p["location"] for p in document["problems"]] == ["p.yaml:5:7", "p.yaml:6:9"]


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no plan file"):
        load_plan(tmp_path / "nothing.yaml")


def test_a_directory_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        load_plan(tmp_path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000], ids=["nul", "too-long"])
def test_an_impossible_file_name_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        load_plan(name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    file.chmod(0)
    with pytest.raises(UsageError, match="cannot read"):
        load_plan(file)


@given(st.text())
@example("\ud800")
@example("a: !<\n")
def test_any_text_is_a_plan_or_an_error_of_the_family(text: str) -> None:
    assert all(p.line >= 1 and p.column >= 1 and p.hint for p in _problems(text))


PIECES = [
    *"\"'{}[]:,-?|>&*!%@`#~\t\\",
    "\n",
    "  ",
    "---\n",
    "...\n",
    "<<: ",
    "!!str ",
    '"\\U',
    "null",
    "1.5",
    ".nan",
    "\0",
]


@given(st.data())
def test_a_plan_with_random_cuts_and_pieces_never_escapes_the_family(data: st.DataObject) -> None:
    text = (
        contract("approval: {role: x, mode: observe}\n    - app_version: {apps: [api]}") + "hold: &h 5m\nretain: *h\n"
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 10))
        text = text[:at] + data.draw(st.sampled_from(["", *PIECES])) + text[at + cut :]
    assert all(p.line >= 1 and p.column >= 1 and p.hint for p in _problems(text))


def _problems(text: str) -> tuple[PlanProblem, ...]:
    try:
        parse_plan(text, "p.yaml")
    except InvalidPlan as error:
        return error.problems
    return ()
