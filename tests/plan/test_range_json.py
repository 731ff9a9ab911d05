"""A range as the ledger's functions take it: versions written out, specifiers of pep440 resolved."""

from __future__ import annotations

import pytest

from crossfade.plan.versions import UnreadableRange, parse_range


@pytest.mark.parametrize(
    ("text", "comparators"),
    [
        ("~=2.1", [[">=", "2.1"], ["<", "0!3.dev0"]]),
        ("==2.9.*", [[">=", "2.9.dev0"], ["<", "0!2.10.dev0"]]),
        ("!=2.1.*", [["outside", "2.1.dev0", "0!2.2.dev0"]]),
        (">=2.0.0 <3", [[">=", "2.0.0"], ["<", "3.dev0"]]),
        (">2.0-Alpha", [["past", "2.0a0"]]),
        ("2.0", [["==", "2.0"]]),
    ],
)
def test_specifiers_of_pep440_are_resolved(text: str, comparators: list[list[str]]) -> None:
    assert parse_range("pep440", text).as_json()["comparators"] == comparators


def test_a_bound_that_is_too_long_is_refused_behind_a_pre_release_too() -> None:
    for text in (f">=2.0rc1 <{'9' * 201}", f"<{'9' * 201} >=2.0rc1"):
        with pytest.raises(UnreadableRange):
            parse_range("pep440", text)


def test_short_bounds_of_semver_are_written_out() -> None:
    assert parse_range("semver", ">=2.1, <v3").as_json() == {
        "scheme": "semver",
        "comparators": [[">=", "2.1.0"], ["<", "3.0.0"]],
        "order": [],
        "prereleases": False,
    }
    assert parse_range("semver", ">=2.1.0-rc.1").as_json()["prereleases"]


def test_a_version_listed_twice_has_its_last_place() -> None:
    assert parse_range("ordered", ">=c", order=("a", "b", "a", "c", "b")).as_json()["order"] == ["a", "c", "b"]


def test_the_other_schemes_are_as_they_were_written() -> None:
    assert parse_range("git", "4f2c91e, 07ad3b5").as_json() == {
        "scheme": "git",
        "comparators": [["==", "4f2c91e"], ["==", "07ad3b5"]],
        "order": [],
        "prereleases": False,
    }
    assert parse_range("calver", ">=26.04 <27").as_json()["comparators"] == [[">=", "26.04"], ["<", "27"]]
